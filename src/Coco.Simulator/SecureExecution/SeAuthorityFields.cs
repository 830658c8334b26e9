// SPDX-License-Identifier: Apache-2.0
using Coco.Simulator.Certificates;

namespace Coco.Simulator.SecureExecution;

/// <summary>What may be wrong with the authorities of a simulated IBM Z machine.</summary>
public sealed class SeAuthorityFields
{
    /// <summary>Name of the key signing service.</summary>
    public string SigningKeyName { get; set; } = string.Empty;

    /// <summary>Who issues the key signing service's certificate; the intermediate when null.</summary>
    public SimulatedAuthority? SigningKeyIssuer { get; set; }

    /// <summary>Who issues the host key document; the key signing service when null.</summary>
    public SimulatedAuthority? HostKeyIssuer { get; set; }

    /// <summary>Changes the key signing service's certificate.</summary>
    public Func<CertificateContent, CertificateContent>? ChangeSigningKey { get; set; }

    /// <summary>Changes the host key document.</summary>
    public Func<CertificateContent, CertificateContent>? ChangeHostKey { get; set; }
}
