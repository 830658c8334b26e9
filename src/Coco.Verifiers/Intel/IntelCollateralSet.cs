// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;

namespace Coco.Verifiers.Intel;

/// <summary>The four pieces of collateral that one quote needs, as they came.</summary>
internal sealed record IntelCollateralSet(CollateralItem TcbInfo, CollateralItem QeIdentity, CollateralItem PckCrl, CollateralItem RootCrl)
{
    // Hashing some 15 KB for each quote would cost more than all parsing: an item is immutable, so its digest is kept as long as it lives.
    private static readonly ConditionalWeakTable<CollateralItem, StrongBox<Sha256Digest>> Known = [];

    public IntelCollateralDigest Digest(Sha256Digest intermediate) => new(DigestOf(TcbInfo), DigestOf(QeIdentity), DigestOf(PckCrl), DigestOf(RootCrl), intermediate);

    public static Sha256Digest DigestOf(CollateralItem item) => Known.GetValue(item, static one => new StrongBox<Sha256Digest>(Compute(one))).Value;

    private static Sha256Digest Compute(CollateralItem item)
    {
        // The digest of both digests, so that no byte can move from body to chain unseen.
        Span<byte> both = stackalloc byte[64];
        System.Security.Cryptography.SHA256.HashData(item.Body.Span, both);
        System.Security.Cryptography.SHA256.HashData(item.IssuerChain.Span, both[32..]);
        return Sha256Digest.Of(both);
    }
}

/// <summary>Names a verified set: the bytes of all four, and the CA that the list of PCK certificates was checked against.</summary>
internal readonly record struct IntelCollateralDigest(Sha256Digest TcbInfo, Sha256Digest QeIdentity, Sha256Digest PckCrl, Sha256Digest RootCrl, Sha256Digest Intermediate);
