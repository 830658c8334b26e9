// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Tee.Intel;

namespace Coco.Verifiers.Intel;

/// <summary>A platform's certificates after all checks that do not depend on the time or on collateral. Immutable, thread-safe.</summary>
internal sealed class PckChain
{
    private KnownKeys? _keys;

    private PckChain(DerCertificate root, IntelRootKey rootKey, DerCertificate intermediate, P256VerifyingKey intermediateKey, DerCertificate leaf, P256VerifyingKey leafKey, PckExtension extension, bool isPlatform)
    {
        Root = root;
        RootKey = rootKey;
        Intermediate = intermediate;
        IntermediateKey = intermediateKey;
        IntermediateDigest = Sha256Digest.Of(intermediate.Raw.Span);
        Leaf = leaf;
        LeafKey = leafKey;
        Extension = extension;
        IsPlatform = isPlatform;
        Fmspc = Convert.ToHexString(extension.Fmspc.Span);
        EarliestIssue = Min(Min(root.NotBefore, intermediate.NotBefore), leaf.NotBefore);
        LatestIssue = Max(Max(root.NotBefore, intermediate.NotBefore), leaf.NotBefore);
        EarliestExpiry = Min(Min(root.NotAfter, intermediate.NotAfter), leaf.NotAfter);
    }

    public DerCertificate Root { get; }

    public IntelRootKey RootKey { get; }

    public DerCertificate Intermediate { get; }

    public P256VerifyingKey IntermediateKey { get; }

    public Sha256Digest IntermediateDigest { get; }

    public DerCertificate Leaf { get; }

    public P256VerifyingKey LeafKey { get; }

    public PckExtension Extension { get; }

    /// <summary>Whether the Platform CA issued the leaf; else the Processor CA did.</summary>
    public bool IsPlatform { get; }

    public string Fmspc { get; }

    public DateTimeOffset EarliestIssue { get; }

    public DateTimeOffset LatestIssue { get; }

    public DateTimeOffset EarliestExpiry { get; }

    /// <summary>Checks the three certificates in the order leaf, intermediate, root.</summary>
    public static Result<PckChain> Check(ImmutableArray<DerCertificate> certificates, ImmutableArray<IntelRootKey> roots, VerificationRecord? record)
    {
        const DcapError Error = DcapError.PckChainError;
        if (record.Note("dcap.pck-chain-form", certificates.Length == 3
            ? null
            : Error.Refuse(RefusalCode.Malformed, $"PCK cert chain must contain exactly 3 certificates, it has {certificates.Length}")) is { } form)
        {
            return form;
        }

        (DerCertificate leaf, DerCertificate intermediate, DerCertificate root) = (certificates[0], certificates[1], certificates[2]);
        Result<IntelRootKey> rootResult = IntelCertificates.CheckRoot(root, roots, Error);
        if (record.Note("dcap.root-trusted", rootResult.Refusal, root.SubjectCommonName) is { } untrusted || !rootResult.TryGet(out IntelRootKey? rootKey, out untrusted))
        {
            return untrusted;
        }

        if (record.Note(
            "dcap.pck-intermediate",
            IntelCertificates.CheckIssued(intermediate, IntelCertificates.AuthorityName, isAuthority: true, root, rootKey.Key, Error),
            intermediate.SubjectCommonName) is { } badIntermediate)
        {
            return badIntermediate;
        }

        Result<P256VerifyingKey> intermediateResult = P256VerifyingKey.FromPublicKeyInfo(intermediate.SubjectPublicKeyInfo.Span);
        bool? platform = intermediate.SubjectCommonName switch
        {
            "Intel SGX PCK Platform CA" => true,
            "Intel SGX PCK Processor CA" => false,
            _ => null,
        };
        if (record.Note("dcap.pck-ca", platform is not null && intermediateResult.Refusal is null
            ? null
            : Error.Refuse(RefusalCode.Untrusted, $"'{intermediate.SubjectCommonName}' is neither the Platform CA nor the Processor CA")) is { } badName
            || !intermediateResult.TryGet(out P256VerifyingKey? intermediateKey, out badName))
        {
            return badName;
        }

        Result<P256VerifyingKey> leafResult = P256VerifyingKey.FromPublicKeyInfo(leaf.SubjectPublicKeyInfo.Span);
        if (record.Note(
            "dcap.pck-leaf",
            IntelCertificates.CheckIssued(leaf, IntelCertificates.PckName, isAuthority: false, intermediate, intermediateKey, Error)
                ?? (leafResult.Refusal is { } badKey ? DcapError.PckCertificateUnsupportedFormat.With(badKey) : null),
            leaf.SubjectCommonName) is { } badLeaf || !leafResult.TryGet(out P256VerifyingKey? leafKey, out badLeaf))
        {
            return badLeaf;
        }

        Result<PckExtension> extensionResult = ReadExtension(leaf, platform == true);
        if (record.Note("dcap.pck-extension", extensionResult.Refusal) is { } badExtension || !extensionResult.TryGet(out PckExtension? extension, out badExtension))
        {
            return badExtension;
        }

        return new PckChain(root, rootKey, intermediate, intermediateKey, leaf, leafKey, extension, platform == true);
    }

    /// <summary>Names of the collateral for quotes of this platform.</summary>
    public IntelCollateralKeys KeysFor(IntelTee tee, TcbUpdateSeries series)
    {
        // A platform mostly sends quotes of one kind, so the last answer is kept.
        if (_keys is { } known && known.Tee == tee && known.Series == series)
        {
            return known.Keys;
        }

        IntelCollateralKeys keys = IntelCollateralKeys.For(tee, Fmspc, IsPlatform, series);
        _keys = new KnownKeys(tee, series, keys);
        return keys;
    }

    /// <summary>Notes the checks that were made when the chain was first seen.</summary>
    public void NoteCached(VerificationRecord record)
    {
        foreach (string check in (ReadOnlySpan<string>)["dcap.pck-chain-form", "dcap.root-trusted", "dcap.pck-intermediate", "dcap.pck-ca", "dcap.pck-leaf", "dcap.pck-extension"])
        {
            record.Passed(check, "verified before, same bytes");
        }
    }

    private static Result<PckExtension> ReadExtension(DerCertificate leaf, bool isPlatform)
    {
        if (leaf.FindExtension(PckExtension.Oid) is not { } value)
        {
            return DcapError.PckCertificateUnsupportedFormat.Refuse(RefusalCode.Malformed, "the PCK certificate has no SGX extension", "SGX Extensions");
        }

        if (!PckExtension.Parse(value).TryGet(out PckExtension? extension, out Refusal? refusal))
        {
            return DcapError.PckCertificateUnsupportedFormat.With(refusal);
        }

        return extension.HasPlatformElements == isPlatform
            ? extension
            : DcapError.PckCertificateUnsupportedFormat.Refuse(
                RefusalCode.Malformed,
                isPlatform ? "a leaf of the Platform CA has no platform instance id and configuration" : "a leaf of the Processor CA has a platform instance id",
                "SGX Extensions");
    }

    private static DateTimeOffset Min(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    private static DateTimeOffset Max(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    private sealed record KnownKeys(IntelTee Tee, TcbUpdateSeries Series, IntelCollateralKeys Keys);
}
