// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Tee.Snp;

namespace Coco.Verifiers.Snp;

/// <summary>The root key of a processor generation, with the intermediate keys that are known without their certificates. Immutable, thread-safe.</summary>
public sealed class AmdTrustAnchor
{
    internal AmdTrustAnchor(AmdKey ark, AmdKey? ask, AmdKey? asvk, bool isSimulated = false)
    {
        Ark = ark;
        Ask = ask;
        Asvk = asvk;
        IsSimulated = isSimulated;
    }

    /// <summary>AMD's real keys for Milan, Genoa and Turin.</summary>
    public static ImmutableArray<AmdTrustAnchor> BuiltIn { get; } =
    [
        new AmdTrustAnchor(AmdKeys.ArkMilan, AmdKeys.AskMilan, AmdKeys.AsvkMilan),
        new AmdTrustAnchor(AmdKeys.ArkGenoa, AmdKeys.AskGenoa, AmdKeys.AsvkGenoa),
        new AmdTrustAnchor(AmdKeys.ArkTurin, AmdKeys.AskTurin, AmdKeys.AsvkTurin),
    ];

    /// <summary>The generation.</summary>
    public SnpGeneration Generation => Ark.Generation;

    /// <summary>The root key.</summary>
    public AmdKey Ark { get; }

    /// <summary>The key that signs VCEKs, for evidence that brings no ASK; null when none is known.</summary>
    public AmdKey? Ask { get; }

    /// <summary>The key that signs VLEKs, for evidence that brings no ASVK; null when none is known.</summary>
    public AmdKey? Asvk { get; }

    /// <summary>Whether no hardware stands behind it. Claims of evidence that hangs from it say so.</summary>
    public bool IsSimulated { get; }

    /// <summary>
    /// Where this simulated root's VCEKs and revocation lists are asked for: never at the vendor's own service. Null: nowhere.
    /// </summary>
    public ICollateralProvider? Collateral { get; private init; }

    /// <summary>A simulated root, from the certificates of a simulated vendor.</summary>
    /// <param name="generation">The processors that it simulates.</param>
    /// <param name="ark">Self-signed ARK, DER or PEM.</param>
    /// <param name="ask">ASK, DER or PEM; empty for none.</param>
    /// <param name="asvk">ASVK, DER or PEM; empty for none.</param>
    /// <param name="collateral">Where its VCEKs and revocation lists are; null for nowhere.</param>
    public static Result<AmdTrustAnchor> Simulated(
        SnpGeneration generation,
        ReadOnlyMemory<byte> ark,
        ReadOnlyMemory<byte> ask = default,
        ReadOnlyMemory<byte> asvk = default,
        ICollateralProvider? collateral = null)
    {
        if (!Read(ark).TryGet(out DerCertificate? root, out Refusal? refusal))
        {
            return refusal.Within("ARK");
        }

        if (root.CheckSignature(root.SubjectPublicKeyInfo.Span, SnpChain.Algorithms) is { } unsigned)
        {
            return unsigned.Within("ARK");
        }

        AmdKey? askKey = null, asvkKey = null;
        foreach ((ReadOnlyMemory<byte> bytes, AmdKeyRole role) in new[] { (ask, AmdKeyRole.Ask), (asvk, AmdKeyRole.Asvk) })
        {
            if (bytes.IsEmpty)
            {
                continue;
            }

            if (!Read(bytes).TryGet(out DerCertificate? certificate, out refusal))
            {
                return refusal.Within(role.ToString());
            }

            if (certificate.CheckSignature(root.SubjectPublicKeyInfo.Span, SnpChain.Algorithms) is { } bad)
            {
                return bad.Within(role.ToString());
            }

            AmdKey key = AmdKey.FromCertificate(certificate, generation, role);
            (askKey, asvkKey) = role == AmdKeyRole.Ask ? (key, asvkKey) : (askKey, key);
        }

        return new AmdTrustAnchor(AmdKey.FromCertificate(root, generation, AmdKeyRole.Ark), askKey, asvkKey, isSimulated: true) { Collateral = collateral };
    }

    private static Result<DerCertificate> Read(ReadOnlyMemory<byte> bytes) =>
        DerCertificate.ParseAll(bytes).TryGet(out ImmutableArray<DerCertificate> all, out Refusal? refusal)
            ? all.Length == 1 ? all[0] : new Refusal(RefusalCode.Malformed, $"{all.Length} certificates, one wanted")
            : refusal;
}
