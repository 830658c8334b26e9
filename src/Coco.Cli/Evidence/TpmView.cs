// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Coco.Tee.Tpm;

namespace Coco.Cli.EvidenceCommands;

/// <summary>A TPM quote as fields.</summary>
internal static class TpmView
{
    /// <summary>The quote with its PCR values.</summary>
    public static ShownNode Of(TpmQuoteEvidence evidence)
    {
        ShownNode root = TpmQuote.Parse(evidence.Message).TryGet(out TpmQuote? quote, out Refusal? refusal) ? Of(quote) : new ShownNode("TPMS_ATTEST", refusal.ToString());
        ShownNode pcrs = root.Open("PCRs");
        for (int i = 0; i < evidence.Pcrs.Length; i++)
        {
            pcrs.Add(i.ToString(CultureInfo.InvariantCulture), evidence.Pcrs[i]);
        }

        return root;
    }

    /// <summary>A quote.</summary>
    public static ShownNode Of(TpmQuote quote) => new ShownNode("TPMS_ATTEST", $"{quote.Raw.Length} bytes")
        .Add("qualifiedSigner", quote.QualifiedSigner)
        .Add("extraData", quote.ExtraData)
        .Add("clock", quote.Clock.ToString(CultureInfo.InvariantCulture))
        .Add("resetCount", quote.ResetCount.ToString(CultureInfo.InvariantCulture))
        .Add("restartCount", quote.RestartCount.ToString(CultureInfo.InvariantCulture))
        .Add("safe", quote.Safe ? "1" : "0")
        .Add("firmwareVersion", "0x" + quote.FirmwareVersion.ToString("x", CultureInfo.InvariantCulture))
        .Add("pcrSelect", string.Join("; ", quote.Selections.Select(s => s.ToString())))
        .Add("pcrDigest", quote.PcrDigest);
}
