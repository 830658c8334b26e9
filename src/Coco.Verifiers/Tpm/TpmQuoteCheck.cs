// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Tee.Tpm;

namespace Coco.Verifiers.Tpm;

/// <summary>The checks of a quote that a plain TPM and Azure's vTPM share. Names of checks begin with the TEE's own prefix.</summary>
/// <remarks>Source: tee-evidence.md 6.1, 6.2, 6.4.</remarks>
public static class TpmQuoteCheck
{
    private const int InitDataRegister = 8;

    private static readonly string[] ClaimNames = [.. Enumerable.Range(0, TpmPcrValues.Count).Select(i => FormattableString.Invariant($"pcr{i:00}"))];

    /// <summary>
    /// Verifies scheme and signature, reads the message, and compares selection and digest with the register values. Nonce and init-data are
    /// left: they are bound differently by each TEE.
    /// </summary>
    /// <param name="prefix">First word of the names of the checks, for example <c>tpm</c>.</param>
    /// <param name="evidence">The quote as it came.</param>
    /// <param name="key">The key that must have signed it.</param>
    /// <param name="record">Gets the checks; null when nobody asks.</param>
    public static Result<TpmQuote> Verify(string prefix, TpmQuoteEvidence evidence, TpmAttestationKey key, VerificationRecord? record)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        ArgumentNullException.ThrowIfNull(key);
        if (record.Note(prefix + ".signature-scheme", key.CheckScheme(evidence.Signature)) is { } scheme)
        {
            return scheme;
        }

        if (record.Note(prefix + ".quote-signature", CheckSignature(key, evidence)) is { } signature)
        {
            return signature;
        }

        Result<TpmQuote> parsed = TpmQuote.Parse(evidence.Message);
        if (record.Note(prefix + ".quote-form", parsed.Refusal) is { } form || !parsed.TryGet(out TpmQuote? quote, out form))
        {
            return form;
        }

        if (record.Note(prefix + ".pcr-selection", CheckSelection(quote)) is { } selection)
        {
            return selection;
        }

        return record.Note(prefix + ".pcr-digest", CheckDigest(quote, evidence.Signature.Hash, TpmPcrValues.OfSha256(evidence.Pcrs))) is { } digest
            ? digest
            : quote;
    }

    /// <summary>Whether the key signed the message; null when it did.</summary>
    public static Refusal? CheckSignature(TpmAttestationKey key, TpmQuoteEvidence evidence)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(evidence);
        return key.Verify(evidence.Signature, evidence.Message.Span)
            ? null
            : new Refusal(RefusalCode.BadSignature, "the quote is not signed by the attestation key");
    }

    /// <summary>
    /// Exactly the 24 registers of the SHA-256 bank: all of them become claims, so all of them have to be what was signed.
    /// </summary>
    public static Refusal? CheckSelection(TpmQuote quote)
    {
        ArgumentNullException.ThrowIfNull(quote);
        return quote.Selections is [{ Hash: TpmAlgorithm.Sha256, Bitmap: TpmPcrSelection.AllTwentyFour }]
            ? null
            : new Refusal(RefusalCode.Mismatch, "the quote does not cover exactly PCR 0 to 23 of the SHA-256 bank");
    }

    /// <summary>Whether the quoted digest is that of the register values which came with it; null when it is.</summary>
    /// <param name="quote">The quote.</param>
    /// <param name="scheme">The hash of the signing scheme, which is also that of the digest.</param>
    /// <param name="values">The register values.</param>
    public static Refusal? CheckDigest(TpmQuote quote, TpmAlgorithm scheme, TpmPcrValues values)
    {
        ArgumentNullException.ThrowIfNull(quote);
        ArgumentNullException.ThrowIfNull(values);
        if (!scheme.TryGetSignatureHash(out HashAlgorithmName hash))
        {
            return new Refusal(RefusalCode.Unsupported, $"hash 0x{(ushort)scheme:x4}");
        }

        if (!values.Digest(quote.Selections, hash).TryGet(out ReadOnlyMemory<byte> digest, out Refusal? refusal))
        {
            return refusal;
        }

        return CryptographicOperations.FixedTimeEquals(digest.Span, quote.PcrDigest.Span)
            ? null
            : new Refusal(RefusalCode.Mismatch, $"the registers hash to {Convert.ToHexStringLower(digest.Span)}, the quote holds {Convert.ToHexStringLower(quote.PcrDigest.Span)}");
    }

    /// <summary>Whether PCR 8 is what one extend with the init-data digest makes of it; null when it is, or nothing is to be compared.</summary>
    public static Refusal? CheckInitData(Binding binding, ReadOnlySpan<byte> register)
    {
        if (binding.IsNotChecked)
        {
            return null;
        }

        if (binding.Expected.Length != SHA256.HashSizeInBytes)
        {
            return new Refusal(RefusalCode.Mismatch, $"PCR 8 holds SHA-256 digests; the init-data digest has {binding.Expected.Length} bytes");
        }

        Span<byte> extend = stackalloc byte[2 * SHA256.HashSizeInBytes];
        extend[..SHA256.HashSizeInBytes].Clear();
        binding.Expected.Span.CopyTo(extend[SHA256.HashSizeInBytes..]);
        return Binding.ToDigest(SHA256.HashData(extend)).Check(register);
    }

    /// <summary>The value of the register that holds the init-data digest.</summary>
    internal static ReadOnlyMemory<byte> InitDataOf(TpmQuoteEvidence evidence) => evidence.Pcrs[InitDataRegister];

    /// <summary>Writes <c>pcr00</c> to <c>pcr23</c>.</summary>
    internal static void AddPcrs(JsonObject claims, TpmQuoteEvidence evidence)
    {
        for (int i = 0; i < evidence.Pcrs.Length; i++)
        {
            claims[ClaimNames[i]] = Convert.ToHexStringLower(evidence.Pcrs[i].Span);
        }
    }
}
