// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;

namespace Coco.Verifiers;

/// <summary>Reads from collateral until when its issuer stands by it. Judges nothing else.</summary>
public static class CollateralExpiry
{
    /// <summary>nextUpdate of a list or JSON statement, earliest notAfter of certificates; null when it has none or cannot be read.</summary>
    /// <param name="kind">Kind of the collateral, see <see cref="CollateralKinds"/>.</param>
    /// <param name="body">Its bytes.</param>
    public static DateTimeOffset? Of(string kind, ReadOnlyMemory<byte> body)
    {
        ArgumentNullException.ThrowIfNull(kind);
        switch (kind)
        {
            case CollateralKinds.AmdCrl or CollateralKinds.IntelPckCrl or CollateralKinds.IntelRootCrl or CollateralKinds.IbmCrl:
                return CertificateRevocationList.ParseAny(body).TryGet(out CertificateRevocationList? list, out _) ? list.NextUpdate : null;
            case CollateralKinds.AmdVcek or CollateralKinds.AmdChain or CollateralKinds.IntelPck:
                return DerCertificate.ParseAll(body).TryGet(out ImmutableArray<DerCertificate> certificates, out _) ? certificates.Min(c => c.NotAfter) : null;
            case CollateralKinds.IntelTcbInfo:
                return NextUpdateOf(body, "tcbInfo");
            case CollateralKinds.IntelQeIdentity:
                return NextUpdateOf(body, "enclaveIdentity");
            default:
                return null;
        }
    }

    /// <summary>Whether collateral of this kind never changes, so that it is kept to its end and not fetched anew.</summary>
    internal static bool IsFixed(string kind) => kind is CollateralKinds.AmdVcek or CollateralKinds.AmdChain or CollateralKinds.IntelPck or CollateralKinds.HygonHskCek;

    private static DateTimeOffset? NextUpdateOf(ReadOnlyMemory<byte> body, string member)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 16 });
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty(member, out JsonElement inner)
                && inner.ValueKind == JsonValueKind.Object
                && inner.TryGetProperty("nextUpdate", out JsonElement next)
                && next.ValueKind == JsonValueKind.String
                && next.TryGetDateTimeOffset(out DateTimeOffset at)
                    ? at
                    : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
