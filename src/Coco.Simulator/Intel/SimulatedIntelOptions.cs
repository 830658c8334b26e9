// SPDX-License-Identifier: Apache-2.0
using Coco.Simulator.Certificates;

namespace Coco.Simulator.Intel;

/// <summary>Settings of a <see cref="SimulatedIntel"/>: dates, and changes to what its certificates say before they are signed.</summary>
public sealed record SimulatedIntelOptions
{
    /// <summary>The clock from which dates are counted. Default: the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Changes the root certificate.</summary>
    public Func<CertificateContent, CertificateContent>? ChangeRoot { get; init; }

    /// <summary>Changes the certificates of Processor CA and Platform CA.</summary>
    public Func<CertificateContent, CertificateContent>? ChangeIntermediate { get; init; }

    /// <summary>Changes the certificate of the key that signs TCB info and identities.</summary>
    public Func<CertificateContent, CertificateContent>? ChangeSigner { get; init; }
}
