// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using Coco.Tee.Snp;

namespace Coco.Verifiers.Snp;

/// <summary>Names of AMD's collateral.</summary>
public static class AmdCollateral
{
    /// <summary>The VCEK that signed a report: product, chip and REPORTED_TCB (tee-evidence.md 2.9).</summary>
    /// <returns>A refusal when the chip id is masked or the report was signed by another kind of key.</returns>
    public static Result<CollateralKey> VcekKey(SnpReport report, SnpGeneration generation)
    {
        ArgumentNullException.ThrowIfNull(report);
        if (report.KeyInfo.SigningKey != SnpSigningKey.Vcek)
        {
            return new Refusal(RefusalCode.Untrusted, "the report was not signed by a VCEK; a VLEK belongs to the cloud provider and must come with the evidence") { Field = "KEY_INFO" };
        }

        if (report.IsChipIdMasked)
        {
            return new Refusal(RefusalCode.Untrusted, "hardware id is zero, MASK_CHIP_ID must be 0") { Field = "CHIP_ID" };
        }

        SnpTcb tcb = report.ReportedTcb;
        ReadOnlySpan<byte> chip = report.ChipId.Span;
        var id = new StringBuilder()
            .Append(generation.ProductName())
            .Append('/')
            .Append(Convert.ToHexStringLower(generation == SnpGeneration.Turin ? chip[..8] : chip))
            .Append(CultureInfo.InvariantCulture, $"/bl{tcb.BootLoader:00}_tee{tcb.Tee:00}_snp{tcb.Snp:00}_ucode{tcb.Microcode:00}");
        if (tcb.Fmc is { } fmc)
        {
            id.Append(CultureInfo.InvariantCulture, $"_fmc{fmc:00}");
        }

        return new CollateralKey(CollateralKinds.AmdVcek, id.ToString());
    }

    /// <summary>The revocation list of a generation's root.</summary>
    public static CollateralKey CrlKey(SnpGeneration generation, bool vlek) => new(CollateralKinds.AmdCrl, (vlek ? "vlek/" : "vcek/") + generation.ProductName());

    /// <summary>The certificates of a generation's ASK (or ASVK) and ARK.</summary>
    public static CollateralKey ChainKey(SnpGeneration generation, bool vlek) => new(CollateralKinds.AmdChain, (vlek ? "vlek/" : "vcek/") + generation.ProductName());
}
