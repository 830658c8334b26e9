// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Coco.Tee.Intel;

/// <summary>
/// An ECDSA quote of SGX or TDX, versions 3, 4 and 5: header, body, and the signature data down to the certification data. All parts are slices
/// of the bytes; nothing is verified. Immutable, thread-safe.
/// </summary>
/// <remarks>
/// Source: Intel SGX ECDSA quote library API (version 3), Intel TDX DCAP quoting library API (versions 4 and 5); tee-evidence.md 3.1, 3.2.
/// Bytes behind the signature data are accepted: production quotes have up to 3065 of them (vector tdx-v4-cos).
/// </remarks>
public sealed class IntelQuote
{
    /// <summary>Length of the header.</summary>
    public const int HeaderLength = 48;

    /// <summary>Longest quote that is read, in bytes.</summary>
    public const int MaxLength = 256 * 1024;

    private const int EcdsaP256 = 2;
    private const int BodyDescriptorLength = 6;

    private IntelQuote(ReadOnlyMemory<byte> raw) => Raw = raw;

    /// <summary>Fields of the header of version 3.</summary>
    public static ImmutableArray<LayoutField> HeaderFields3 { get; } =
    [
        new("version", "version", 0, 2),
        new("attestation key type", "att_key_type", 2, 2),
        new("TEE type", "att_key_data_0", 4, 4),
        new("QE SVN", "qe_svn", 8, 2),
        new("PCE SVN", "pce_svn", 10, 2),
        new("QE vendor id", "vendor_id", 12, 16),
        new("user data", "user_data", 28, 20),
    ];

    /// <summary>Fields of the header of versions 4 and 5.</summary>
    public static ImmutableArray<LayoutField> HeaderFields4 { get; } =
    [
        new("version", "version", 0, 2),
        new("attestation key type", "att_key_type", 2, 2),
        new("TEE type", "tee_type", 4, 4),
        new("reserved", "reserved", 8, 4),
        new("QE vendor id", "vendor_id", 12, 16),
        new("user data", "user_data", 28, 20),
    ];

    /// <summary>The QE vendor id of Intel.</summary>
    public static ReadOnlySpan<byte> IntelVendorId => [0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07];

    /// <summary>Everything that was given.</summary>
    public ReadOnlyMemory<byte> Raw { get; }

    /// <summary>3, 4 or 5.</summary>
    public int Version { get; private init; }

    /// <summary>What it speaks of.</summary>
    public IntelTee Tee { get; private init; }

    /// <summary>The header (48 bytes).</summary>
    public ReadOnlyMemory<byte> Header => Raw[..HeaderLength];

    /// <summary>QE vendor id (16 bytes).</summary>
    public ReadOnlySpan<byte> VendorId => Raw.Span.Slice(12, 16);

    /// <summary>Body type and body size of version 5 (2 and 4 bytes); empty in other versions.</summary>
    public ReadOnlyMemory<byte> BodyDescriptor => Version == 5 ? Raw.Slice(HeaderLength, BodyDescriptorLength) : default;

    /// <summary>The enclave's report; null when it speaks of a TD.</summary>
    public SgxReportBody? Enclave { get; private init; }

    /// <summary>The TD's report; null when it speaks of an enclave.</summary>
    public TdReportBody? TrustDomain { get; private init; }

    /// <summary>What the attestation key signed: from the first byte to the end of the body.</summary>
    public ReadOnlyMemory<byte> SignedBytes { get; private init; }

    /// <summary>The quote's signature, r ‖ s (64 bytes).</summary>
    public ReadOnlyMemory<byte> Signature { get; private init; }

    /// <summary>The attestation key's point, X ‖ Y (64 bytes).</summary>
    public ReadOnlyMemory<byte> AttestationKey { get; private init; }

    /// <summary>What the quoting enclave says of itself.</summary>
    public SgxReportBody QeReport { get; private init; } = null!;

    /// <summary>Signature over the QE report by the platform's certification key, r ‖ s (64 bytes).</summary>
    public ReadOnlyMemory<byte> QeReportSignature { get; private init; }

    /// <summary>The QE's authentication data, bound into its report together with the attestation key.</summary>
    public ReadOnlyMemory<byte> AuthenticationData { get; private init; }

    /// <summary>Type of the (inner) certification data.</summary>
    public CertificationDataType CertificationType { get; private init; }

    /// <summary>The (inner) certification data.</summary>
    public ReadOnlyMemory<byte> CertificationData { get; private init; }

    /// <summary>Offset of the certification data in <see cref="Raw"/>.</summary>
    public int CertificationDataOffset { get; private init; }

    /// <summary>Bytes behind the signature data.</summary>
    public int TrailingLength { get; private init; }

    /// <summary>Reads a quote. Every length is compared with what is there before it is used.</summary>
    public static Result<IntelQuote> Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > MaxLength)
        {
            return new Refusal(RefusalCode.TooLarge, $"quote has {bytes.Length} bytes, more than {MaxLength}") { Field = "quote" };
        }

        var reader = new ByteReader(bytes.Span);
        if (!reader.TryRead(HeaderLength, out ReadOnlySpan<byte> header))
        {
            return Refusal.Malformed("quote header", 0, $"{bytes.Length} bytes instead of at least {HeaderLength}");
        }

        int version = BinaryPrimitives.ReadUInt16LittleEndian(header);
        if (version is < 3 or > 5)
        {
            return Unsupported("version", 0, $"quote version {version} is not supported");
        }

        int keyType = BinaryPrimitives.ReadUInt16LittleEndian(header[2..]);
        if (keyType != EcdsaP256)
        {
            return Unsupported("attestation key type", 2, $"attestation key type {keyType} is not supported (only 2, ECDSA P-256)");
        }

        uint teeType = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        if (teeType is not ((uint)IntelTee.SgxEnclave or (uint)IntelTee.TrustDomain) || (version == 3 && teeType != (uint)IntelTee.SgxEnclave))
        {
            return Unsupported("TEE type", 4, $"unsupported quote version {version} / tee_type 0x{teeType:x}");
        }

        var tee = (IntelTee)teeType;
        if (!ReadBodyLength(ref reader, version, tee).TryGet(out int bodyLength, out Refusal? refusal))
        {
            return refusal;
        }

        int bodyAt = reader.Offset;
        if (!reader.TrySkip(bodyLength))
        {
            return Refusal.Malformed("body", bodyAt, $"{reader.Remaining} bytes left instead of {bodyLength}");
        }

        ReadOnlyMemory<byte> body = bytes.Slice(bodyAt, bodyLength);
        int signatureAt = reader.Offset;
        if (!reader.TryReadPrefixed32LittleEndian(out ByteReader signature))
        {
            return Refusal.Malformed("signature data length", signatureAt, "the signature data go past the end");
        }

        var quote = new IntelQuote(bytes)
        {
            Version = version,
            Tee = tee,
            Enclave = tee == IntelTee.SgxEnclave ? SgxReportBody.Parse(body).Require() : null,
            TrustDomain = tee == IntelTee.TrustDomain ? TdReportBody.Parse(body).Require() : null,
            SignedBytes = bytes[..signatureAt],
            TrailingLength = reader.Remaining,
        };
        return quote.ReadSignatureData(ref signature);
    }

    private static Result<int> ReadBodyLength(ref ByteReader reader, int version, IntelTee tee)
    {
        if (version < 5)
        {
            return tee == IntelTee.SgxEnclave ? SgxReportBody.Length : TdReportBody.Length10;
        }

        int at = reader.Offset;
        if (!reader.TryReadUInt16LittleEndian(out ushort type) || !reader.TryReadUInt32LittleEndian(out uint size))
        {
            return Refusal.Malformed("body type", at, "the quote ends here");
        }

        int length = type switch
        {
            1 => SgxReportBody.Length,
            2 => TdReportBody.Length10,
            3 => TdReportBody.Length15,
            4 => TdReportBody.Length15Extended,
            _ => 0,
        };
        if (length == 0)
        {
            return Unsupported("body type", at, $"body type {type} is not supported");
        }

        if ((type == 1) != (tee == IntelTee.SgxEnclave))
        {
            return Unsupported("body type", at, $"body type {type} does not fit TEE type 0x{(uint)tee:x}");
        }

        return size == length ? length : Refusal.Malformed("body size", at + 2, $"{size} instead of {length} for body type {type}");
    }

    private Result<IntelQuote> ReadSignatureData(ref ByteReader reader)
    {
        int at = reader.Offset;
        if (!reader.TrySkip(128))
        {
            return Refusal.Malformed("quote signature data", at, $"{reader.Remaining} bytes left instead of 128 for signature and attestation key");
        }

        ReadOnlyMemory<byte> signature = Raw.Slice(at, 64);
        ReadOnlyMemory<byte> key = Raw.Slice(at + 64, 64);
        ByteReader inner = reader;
        if (Version >= 4)
        {
            int outerAt = reader.Offset;
            if (!reader.TryReadUInt16LittleEndian(out ushort outerType))
            {
                return Refusal.Malformed("certification data type", outerAt, "the signature data end here");
            }

            if (outerType != (ushort)CertificationDataType.QeReport)
            {
                return Unsupported("certification data type", outerAt, $"outer certification data type {outerType} instead of 6");
            }

            if (!reader.TryReadPrefixed32LittleEndian(out inner))
            {
                return Refusal.Malformed("certification data size", outerAt + 2, "the certification data go past the end");
            }

            if (reader.Remaining != 0)
            {
                return Refusal.Malformed("certification data size", outerAt + 2, $"{reader.Remaining} bytes behind the certification data");
            }
        }

        int reportAt = inner.Offset;
        if (!inner.TrySkip(SgxReportBody.Length + 64))
        {
            return Refusal.Malformed("QE report", reportAt, $"{inner.Remaining} bytes left instead of {SgxReportBody.Length + 64}");
        }

        int authAt = inner.Offset;
        if (!inner.TryReadPrefixed16LittleEndian(out ByteReader auth))
        {
            return Refusal.Malformed("QE authentication data size", authAt, "the authentication data go past the end");
        }

        int typeAt = inner.Offset;
        if (!inner.TryReadUInt16LittleEndian(out ushort type))
        {
            return Refusal.Malformed("certification data type", typeAt, "the signature data end here");
        }

        if (type is 0 or 6 or > 7)
        {
            return Unsupported("certification data type", typeAt, $"certification data type {type} is not supported");
        }

        if (!inner.TryReadPrefixed32LittleEndian(out ByteReader data))
        {
            return Refusal.Malformed("certification data size", typeAt + 2, "the certification data go past the end");
        }

        if (inner.Remaining != 0)
        {
            return Refusal.Malformed("certification data size", typeAt + 2, $"{inner.Remaining} bytes behind the certification data");
        }

        return new IntelQuote(Raw)
        {
            Version = Version,
            Tee = Tee,
            Enclave = Enclave,
            TrustDomain = TrustDomain,
            SignedBytes = SignedBytes,
            TrailingLength = TrailingLength,
            Signature = signature,
            AttestationKey = key,
            QeReport = SgxReportBody.Parse(Raw.Slice(reportAt, SgxReportBody.Length)).Require(),
            QeReportSignature = Raw.Slice(reportAt + SgxReportBody.Length, 64),
            AuthenticationData = Raw.Slice(auth.Offset, auth.Remaining),
            CertificationType = (CertificationDataType)type,
            CertificationData = Raw.Slice(data.Offset, data.Remaining),
            CertificationDataOffset = data.Offset,
        };
    }

    private static Refusal Unsupported(string field, int offset, string detail) => new(RefusalCode.Unsupported, detail) { Field = field, Offset = offset };
}
