// SPDX-License-Identifier: Apache-2.0
using Coco.Tee.Csv;

namespace Coco.Verifiers.Csv;

/// <summary>HRK &gt; HSK &gt; CEK, brought by the evidence or fetched by the chip's serial number.</summary>
/// <remarks>Source: tee-evidence.md 9.1.</remarks>
internal static class HygonChain
{
    /// <summary>Fetches HSK and CEK of a chip.</summary>
    public static async ValueTask<Result<(HygonCaCertificate Hsk, CsvCertificate Cek)>> FetchAsync(
        ICollateralProvider? collateral, CollateralKey key, VerificationRecord? record, CancellationToken ct)
    {
        if (collateral is null)
        {
            return new Refusal(RefusalCode.Untrusted, "HSK and CEK did not come with the evidence, and no source of collateral is configured");
        }

        Result<CollateralItem> fetched = await collateral.GetAsync(key, ct).ConfigureAwait(false);
        if (!fetched.TryGet(out CollateralItem? item, out Refusal? refusal))
        {
            return refusal;
        }

        record?.Used(new CollateralUse(key.Kind, key.Id, null, item.ExpiresAt, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(item.Body.Span))));
        return Parse(item.Body);
    }

    /// <summary>Reads HSK ‖ CEK, 2916 bytes.</summary>
    public static Result<(HygonCaCertificate Hsk, CsvCertificate Cek)> Parse(ReadOnlyMemory<byte> both)
    {
        if (both.Length != HygonCaCertificate.Size + CsvCertificate.Size)
        {
            return Refusal.Malformed("hsk_cek", 0, $"{both.Length} bytes, {HygonCaCertificate.Size + CsvCertificate.Size} wanted");
        }

        return HygonCaCertificate.Parse(both[..HygonCaCertificate.Size]).TryGet(out HygonCaCertificate? hsk, out Refusal? refusal)
            && CsvCertificate.Parse(both[HygonCaCertificate.Size..]).TryGet(out CsvCertificate? cek, out refusal)
                ? (hsk, cek)
                : refusal;
    }

    /// <summary>Checks HSK and CEK; the root that they lead to.</summary>
    /// <param name="prefix">First word of the names of the checks.</param>
    /// <param name="hsk">Signing key.</param>
    /// <param name="cek">Chip endorsement key.</param>
    /// <param name="roots">Roots that are trusted.</param>
    /// <param name="record">Gets the checks; null when nobody asks.</param>
    public static Result<HygonRoot> Check(string prefix, HygonCaCertificate hsk, CsvCertificate cek, IReadOnlyList<HygonRoot> roots, VerificationRecord? record)
    {
        Result<HygonRoot> root = FindRoot(hsk, roots);
        if (record.Note(prefix + ".hsk", root.Refusal) is { } untrusted)
        {
            return untrusted;
        }

        return record.Note(prefix + ".cek", CheckSigned(cek, HygonKeyUsage.Cek, hsk.Key, "CEK", "HSK")) is { } refusal ? refusal : root;
    }

    /// <summary>Checks that a certificate has its usage and is signed by its issuer.</summary>
    public static Refusal? CheckSigned(CsvCertificate certificate, HygonKeyUsage usage, HygonKey issuer, string name, string issuerName)
    {
        if (certificate.Key.Usage != usage)
        {
            return new Refusal(RefusalCode.Untrusted, $"{name}: usage 0x{(uint)certificate.Key.Usage:x}, 0x{(uint)usage:x} wanted");
        }

        return certificate.IsSignedBy(issuer) ? null : new Refusal(RefusalCode.BadSignature, $"{name} is not signed by the {issuerName}");
    }

    private static Result<HygonRoot> FindRoot(HygonCaCertificate hsk, IReadOnlyList<HygonRoot> roots)
    {
        if (hsk.Key.Usage != HygonKeyUsage.Hsk)
        {
            return new Refusal(RefusalCode.Untrusted, $"HSK: usage 0x{(uint)hsk.Key.Usage:x}, 0x{(uint)HygonKeyUsage.Hsk:x} wanted");
        }

        foreach (HygonRoot root in roots)
        {
            if (root.KeyId.Span.SequenceEqual(hsk.SigningKeyId.Span))
            {
                return root.Key.Verify(hsk.SignedBytes.Span, hsk.Signature.Span) ? root : new Refusal(RefusalCode.BadSignature, "HSK is not signed by the HRK that it names");
            }
        }

        return new Refusal(RefusalCode.Untrusted, "HSK names a root key that is not trusted");
    }
}
