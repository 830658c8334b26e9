// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Coco.Simulator.Certificates;

namespace Coco.Simulator.Nvidia;

/// <summary>What may be wrong with a simulated DPU's evidence.</summary>
public sealed class DpuEvidenceFields
{
    /// <summary>Version of the evidence.</summary>
    public int Version { get; set; } = 1;

    /// <summary>Architecture.</summary>
    public string Architecture { get; set; } = "bluefield3";

    /// <summary>How often the device is listed.</summary>
    public int Devices { get; set; } = 1;

    /// <summary>Whether the signature over the report data is there.</summary>
    public bool WithSignature { get; set; } = true;

    /// <summary>r ‖ s rather than DER.</summary>
    public bool RawSignature { get; set; }

    /// <summary>Who issues the device identity; the root when null.</summary>
    public SimulatedAuthority? DeviceIdIssuer { get; set; }

    /// <summary>Changes the device identity certificate.</summary>
    public Func<CertificateContent, CertificateContent>? ChangeDeviceId { get; set; }

    /// <summary>Who signs the alias certificate; the device identity when null.</summary>
    public ECDsa? AliasSigner { get; set; }

    /// <summary>Issuer that the alias certificate names; the device identity when null.</summary>
    public X500DistinguishedName? AliasIssuerName { get; set; }

    /// <summary>Changes the alias certificate.</summary>
    public Func<CertificateContent, CertificateContent>? ChangeAlias { get; set; }

    /// <summary>The TcbInfo extension; two layers when null.</summary>
    public byte[]? TcbInfo { get; set; }
}
