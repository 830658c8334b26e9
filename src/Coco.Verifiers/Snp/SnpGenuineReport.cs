// SPDX-License-Identifier: Apache-2.0
using Coco.Tee.Snp;

namespace Coco.Verifiers.Snp;

/// <summary>A report that genuine firmware signed: chain, dates, revocation, signature, TCB, chip and VMPL hold. Its bindings are yet to be compared.</summary>
public sealed class SnpGenuineReport
{
    internal SnpGenuineReport(SnpReport report, SnpVek vek, SnpGeneration generation, bool isSimulated)
    {
        Report = report;
        Vek = vek;
        Generation = generation;
        IsSimulated = isSimulated;
    }

    /// <summary>The report.</summary>
    public SnpReport Report { get; }

    /// <summary>The certificate whose key signed it.</summary>
    public SnpVek Vek { get; }

    /// <summary>The processor generation.</summary>
    public SnpGeneration Generation { get; }

    /// <summary>Whether it hangs from a simulated root.</summary>
    public bool IsSimulated { get; }
}
