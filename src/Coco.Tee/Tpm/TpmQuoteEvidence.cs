// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Tee.Json;

namespace Coco.Tee.Tpm;

/// <summary>A quote as evidence carries it: the signed message, the signature, and the 24 SHA-256 registers that it is said to cover.</summary>
/// <param name="Message">TPMS_ATTEST as bytes.</param>
/// <param name="Signature">The signature: scheme, hash, value.</param>
/// <param name="Pcrs">PCR 0 to 23 of the SHA-256 bank.</param>
public sealed record TpmQuoteEvidence(ReadOnlyMemory<byte> Message, TpmSignature Signature, ImmutableArray<ReadOnlyMemory<byte>> Pcrs)
{
    private const int LongestMessage = 2048;
    private const int LongestSignature = 1100;

    /// <summary>The member <c>tpm_quote</c> of the evidence of a plain TPM: base64 texts and a marshalled signature (tee-evidence.md 6.2).</summary>
    public static Result<TpmQuoteEvidence> ParseMarshalled(JsonElement quote)
    {
        if (!EvidenceFields.Base64(quote, "message", LongestMessage).TryGet(out ReadOnlyMemory<byte> message, out Refusal? refusal)
            || !EvidenceFields.Base64(quote, "signature", LongestSignature).TryGet(out ReadOnlyMemory<byte> signature, out refusal)
            || !TpmSignature.Parse(signature).TryGet(out TpmSignature? parsed, out refusal)
            || !HexPcrs(quote).TryGet(out ImmutableArray<ReadOnlyMemory<byte>> pcrs, out refusal))
        {
            return refusal;
        }

        return new TpmQuoteEvidence(message, parsed, pcrs);
    }

    /// <summary>The member <c>tpm_quote</c> of Azure evidence since version 1: hexadecimal texts and a bare RSASSA signature with SHA-256 (6.4).</summary>
    public static Result<TpmQuoteEvidence> ParseHex(JsonElement quote)
    {
        if (!EvidenceFields.Hex(quote, "message", LongestMessage).TryGet(out ReadOnlyMemory<byte> message, out Refusal? refusal)
            || !EvidenceFields.Hex(quote, "signature", LongestSignature).TryGet(out ReadOnlyMemory<byte> signature, out refusal)
            || !HexPcrs(quote).TryGet(out ImmutableArray<ReadOnlyMemory<byte>> pcrs, out refusal))
        {
            return refusal;
        }

        return new TpmQuoteEvidence(message, new TpmSignature(TpmAlgorithm.RsaSsa, TpmAlgorithm.Sha256, signature), pcrs);
    }

    /// <summary>The quote of unversioned Azure evidence: arrays of numbers (6.4).</summary>
    public static Result<TpmQuoteEvidence> ParseArrays(JsonElement quote)
    {
        if (!EvidenceFields.ByteArray(quote, "message", LongestMessage).TryGet(out ReadOnlyMemory<byte> message, out Refusal? refusal)
            || !EvidenceFields.ByteArray(quote, "signature", LongestSignature).TryGet(out ReadOnlyMemory<byte> signature, out refusal)
            || !Pcrs24(quote).TryGet(out JsonElement array, out refusal))
        {
            return refusal;
        }

        var pcrs = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>(TpmPcrValues.Count);
        foreach (JsonElement one in array.EnumerateArray())
        {
            if (!EvidenceFields.ByteArrayOf(one, "pcrs", 32, 32).TryGet(out ReadOnlyMemory<byte> value, out refusal))
            {
                return refusal;
            }

            pcrs.Add(value);
        }

        return new TpmQuoteEvidence(message, new TpmSignature(TpmAlgorithm.RsaSsa, TpmAlgorithm.Sha256, signature), pcrs.ToImmutable());
    }

    private static Result<ImmutableArray<ReadOnlyMemory<byte>>> HexPcrs(JsonElement quote)
    {
        if (!Pcrs24(quote).TryGet(out JsonElement array, out Refusal? refusal))
        {
            return refusal;
        }

        var pcrs = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>(TpmPcrValues.Count);
        foreach (JsonElement one in array.EnumerateArray())
        {
            if (one.ValueKind != JsonValueKind.String)
            {
                return Refusal.Malformed("pcrs", pcrs.Count, "not a text");
            }

            if (!EvidenceFields.HexText(one.GetString()!, "pcrs", 32).TryGet(out ReadOnlyMemory<byte> value, out refusal))
            {
                return refusal;
            }

            if (value.Length != 32)
            {
                return Refusal.Malformed("pcrs", pcrs.Count, $"{value.Length} bytes, 32 wanted");
            }

            pcrs.Add(value);
        }

        return pcrs.ToImmutable();
    }

    private static Result<JsonElement> Pcrs24(JsonElement quote)
    {
        if (!EvidenceFields.Array(quote, "pcrs", TpmPcrValues.Count).TryGet(out JsonElement array, out Refusal? refusal))
        {
            return refusal;
        }

        return array.GetArrayLength() == TpmPcrValues.Count ? array : EvidenceFields.Bad("pcrs", $"{array.GetArrayLength()} registers, 24 wanted");
    }
}
