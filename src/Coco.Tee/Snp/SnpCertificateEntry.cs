// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Snp;

/// <summary>What a certificate in a certificate table or in evidence JSON is.</summary>
public enum SnpCertificateType
{
    /// <summary>Nothing.</summary>
    Empty,

    /// <summary>AMD root key.</summary>
    Ark,

    /// <summary>AMD signing key (or, beside a VLEK, the signing key of VLEKs).</summary>
    Ask,

    /// <summary>Versioned chip endorsement key.</summary>
    Vcek,

    /// <summary>Versioned loaded endorsement key.</summary>
    Vlek,

    /// <summary>Revocation list.</summary>
    Crl,

    /// <summary>Anything else, named by its identifier.</summary>
    Other,
}

/// <summary>One entry of a certificate table or of <c>cert_chain</c>.</summary>
/// <param name="Type">What it is said to be.</param>
/// <param name="Id">Its identifier in the table (publication 56421 (GHCB), table "Certificate GUIDs").</param>
/// <param name="Data">DER, or PEM text.</param>
public sealed record SnpCertificateEntry(SnpCertificateType Type, Guid Id, ReadOnlyMemory<byte> Data)
{
    internal static readonly Guid ArkId = new("c0b406a4-a803-4952-9743-3fb6014cd0ae");
    internal static readonly Guid AskId = new("4ab7b379-bbac-4fe4-a02f-05aef327c782");
    internal static readonly Guid VcekId = new("63da758d-e664-4564-adc5-f4b93be8accd");
    internal static readonly Guid VlekId = new("a8074bc2-a25a-483e-aae6-39c045a0b8a1");
    internal static readonly Guid CrlId = new("92f81bc3-5811-4d3d-97ff-d19f88dc67ea");

    /// <summary>An entry of a known type with its identifier.</summary>
    public static SnpCertificateEntry Of(SnpCertificateType type, ReadOnlyMemory<byte> data) => new(type, IdOf(type), data);

    /// <summary>The type of a table identifier.</summary>
    internal static SnpCertificateType TypeOf(Guid id) =>
        id == ArkId ? SnpCertificateType.Ark
        : id == AskId ? SnpCertificateType.Ask
        : id == VcekId ? SnpCertificateType.Vcek
        : id == VlekId ? SnpCertificateType.Vlek
        : id == CrlId ? SnpCertificateType.Crl
        : id == Guid.Empty ? SnpCertificateType.Empty
        : SnpCertificateType.Other;

    /// <summary>The name in evidence JSON; null for <see cref="SnpCertificateType.Other"/>, which is an object there.</summary>
    internal static string? JsonNameOf(SnpCertificateType type) => type switch
    {
        SnpCertificateType.Empty => "Empty",
        SnpCertificateType.Ark => "ARK",
        SnpCertificateType.Ask => "ASK",
        SnpCertificateType.Vcek => "VCEK",
        SnpCertificateType.Vlek => "VLEK",
        SnpCertificateType.Crl => "CRL",
        _ => null,
    };

    private static Guid IdOf(SnpCertificateType type) => type switch
    {
        SnpCertificateType.Empty => Guid.Empty,
        SnpCertificateType.Ark => ArkId,
        SnpCertificateType.Ask => AskId,
        SnpCertificateType.Vcek => VcekId,
        SnpCertificateType.Vlek => VlekId,
        SnpCertificateType.Crl => CrlId,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };
}
