// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Coco.Tee.Tpm;

/// <summary>TPMT_PUBLIC of an RSA or ECC key: its attributes, and the key itself.</summary>
/// <remarks>Source: TPM 2.0 Library, Part 2, 12.2.4.</remarks>
public sealed class TpmPublic
{
    /// <summary>TPMA_OBJECT bits (Part 2, 8.3).</summary>
    public const uint FixedTpm = 1 << 1;

    /// <summary>The parent cannot change.</summary>
    public const uint FixedParent = 1 << 4;

    /// <summary>The TPM itself made the secret part.</summary>
    public const uint SensitiveDataOrigin = 1 << 5;

    /// <summary>The key works only on data of the TPM's own making.</summary>
    public const uint Restricted = 1 << 16;

    /// <summary>The key decrypts.</summary>
    public const uint Decrypt = 1 << 17;

    /// <summary>The key signs.</summary>
    public const uint SignEncrypt = 1 << 18;

    private const int LongestModulus = 512;

    private TpmPublic(ReadOnlyMemory<byte> area) => Area = area;

    /// <summary>The TPMT_PUBLIC's bytes, of which the name is the digest.</summary>
    public ReadOnlyMemory<byte> Area { get; }

    /// <summary>RSA or ECC.</summary>
    public TpmAlgorithm Type { get; private init; }

    /// <summary>The hash of the name.</summary>
    public TpmAlgorithm NameAlgorithm { get; private init; }

    /// <summary>TPMA_OBJECT.</summary>
    public uint Attributes { get; private init; }

    /// <summary>Policy digest; empty when there is none.</summary>
    public ReadOnlyMemory<byte> AuthPolicy { get; private init; }

    /// <summary>Symmetric algorithm of a storage or endorsement key; Null for others.</summary>
    public TpmAlgorithm Symmetric { get; private init; }

    /// <summary>Key length of the symmetric algorithm in bits; 0 where there is none.</summary>
    public ushort SymmetricBits { get; private init; }

    /// <summary>The key's own scheme; Null when it is chosen at each use.</summary>
    public TpmAlgorithm Scheme { get; private init; }

    /// <summary>Hash of the scheme; <see cref="TpmAlgorithm.Null"/> where the scheme has none.</summary>
    public TpmAlgorithm SchemeHash { get; private init; }

    /// <summary>RSA: modulus, big-endian.</summary>
    public ReadOnlyMemory<byte> Modulus { get; private set; }

    /// <summary>RSA: public exponent; 65537 where the TPM says 0 (Part 2, 12.2.3.5).</summary>
    public uint Exponent { get; private set; }

    /// <summary>ECC: TPM_ECC_CURVE (3 = P-256, 4 = P-384, 5 = P-521).</summary>
    public ushort Curve { get; private set; }

    /// <summary>ECC: x, big-endian.</summary>
    public ReadOnlyMemory<byte> X { get; private set; }

    /// <summary>ECC: y, big-endian.</summary>
    public ReadOnlyMemory<byte> Y { get; private set; }

    /// <summary>Reads a TPM2B_PUBLIC (a size in front of the TPMT_PUBLIC).</summary>
    public static Result<TpmPublic> ParseSized(ReadOnlyMemory<byte> bytes)
    {
        var reader = new ByteReader(bytes.Span);
        if (!reader.TryReadPrefixed16BigEndian(out ByteReader inner) || reader.Remaining != 0)
        {
            return Refusal.Malformed("TPM2B_PUBLIC.size", 0, "not the number of bytes that follow");
        }

        return Parse(bytes.Slice(2, inner.Remaining));
    }

    /// <summary>Reads a TPMT_PUBLIC; every byte has to belong to it.</summary>
    public static Result<TpmPublic> Parse(ReadOnlyMemory<byte> bytes)
    {
        var reader = new ByteReader(bytes.Span);
        if (!reader.TryReadUInt16BigEndian(out ushort type) || !reader.TryReadUInt16BigEndian(out ushort nameAlgorithm)
            || !reader.TryReadUInt32BigEndian(out uint attributes) || !reader.TryReadPrefixed16BigEndian(out ByteReader policy)
            || !reader.TryReadUInt16BigEndian(out ushort symmetric))
        {
            return Short(reader.Offset);
        }

        if (type is not ((ushort)TpmAlgorithm.Rsa or (ushort)TpmAlgorithm.Ecc))
        {
            return new Refusal(RefusalCode.Unsupported, $"TPMT_PUBLIC.type: 0x{type:x4} is neither RSA nor ECC") { Field = "TPMT_PUBLIC.type", Offset = 0 };
        }

        ushort symmetricBits = 0;
        if (symmetric != (ushort)TpmAlgorithm.Null
            && (!reader.TryReadUInt16BigEndian(out symmetricBits) || !reader.TryReadUInt16BigEndian(out _)))
        {
            return Short(reader.Offset);
        }

        if (!TryReadScheme(ref reader, out TpmAlgorithm scheme, out TpmAlgorithm schemeHash))
        {
            return Short(reader.Offset);
        }

        var known = new TpmPublic(bytes)
        {
            Type = (TpmAlgorithm)type,
            NameAlgorithm = (TpmAlgorithm)nameAlgorithm,
            Attributes = attributes,
            AuthPolicy = bytes.Slice(policy.Offset, policy.Remaining),
            Symmetric = (TpmAlgorithm)symmetric,
            SymmetricBits = symmetricBits,
            Scheme = scheme,
            SchemeHash = schemeHash,
        };
        return known.Type == TpmAlgorithm.Rsa ? ReadRsa(ref reader, known) : ReadEcc(ref reader, known);
    }

    /// <summary>The key's name: the name algorithm and the digest of <see cref="Area"/>; false for an unknown name algorithm.</summary>
    public bool TryGetName(out byte[] name)
    {
        if (!NameAlgorithm.TryGetSignatureHash(out HashAlgorithmName hash))
        {
            name = [];
            return false;
        }

        byte[] digest = CryptographicOperations.HashData(hash, Area.Span);
        name = new byte[2 + digest.Length];
        BinaryPrimitives.WriteUInt16BigEndian(name, (ushort)NameAlgorithm);
        digest.CopyTo(name, 2);
        return true;
    }

    private static Result<TpmPublic> ReadRsa(ref ByteReader reader, TpmPublic known)
    {
        if (!reader.TryReadUInt16BigEndian(out ushort bits) || !reader.TryReadUInt32BigEndian(out uint exponent)
            || !reader.TryReadPrefixed16BigEndian(out ByteReader modulus))
        {
            return Short(reader.Offset);
        }

        if (modulus.Remaining is 0 or > LongestModulus || modulus.Remaining * 8 != bits)
        {
            return Refusal.Malformed("TPMT_PUBLIC.unique.rsa", modulus.Offset, $"{modulus.Remaining} bytes for a key of {bits} bits");
        }

        if (reader.Remaining != 0)
        {
            return Refusal.Malformed("TPMT_PUBLIC", reader.Offset, "bytes after the end");
        }

        known.Modulus = known.Area.Slice(modulus.Offset, modulus.Remaining);
        known.Exponent = exponent == 0 ? 65537 : exponent;
        return known;
    }

    private static Result<TpmPublic> ReadEcc(ref ByteReader reader, TpmPublic known)
    {
        if (!reader.TryReadUInt16BigEndian(out ushort curve) || !TryReadScheme(ref reader, out _, out _)
            || !reader.TryReadPrefixed16BigEndian(out ByteReader x) || !reader.TryReadPrefixed16BigEndian(out ByteReader y))
        {
            return Short(reader.Offset);
        }

        int width = curve switch { 3 => 32, 4 => 48, 5 => 66, _ => 0 };
        if (width == 0)
        {
            return new Refusal(RefusalCode.Unsupported, $"TPMT_PUBLIC.parameters.curveID: 0x{curve:x4} is no NIST curve known here")
            {
                Field = "TPMT_PUBLIC.parameters.curveID",
            };
        }

        if (x.Remaining > width || y.Remaining > width || x.Remaining == 0 || y.Remaining == 0)
        {
            return Refusal.Malformed("TPMT_PUBLIC.unique.ecc", x.Offset, "coordinates do not fit the curve");
        }

        if (reader.Remaining != 0)
        {
            return Refusal.Malformed("TPMT_PUBLIC", reader.Offset, "bytes after the end");
        }

        known.Curve = curve;
        known.X = Widened(x.Rest, width);
        known.Y = Widened(y.Rest, width);
        return known;
    }

    private static byte[] Widened(ReadOnlySpan<byte> number, int width)
    {
        byte[] wide = new byte[width];
        number.CopyTo(wide.AsSpan(width - number.Length));
        return wide;
    }

    /// <summary>TPMT_RSA_SCHEME, TPMT_ECC_SCHEME and TPMT_KDF_SCHEME: an algorithm, and its hash unless it has none.</summary>
    private static bool TryReadScheme(ref ByteReader reader, out TpmAlgorithm scheme, out TpmAlgorithm hash)
    {
        hash = TpmAlgorithm.Null;
        if (!reader.TryReadUInt16BigEndian(out ushort algorithm))
        {
            scheme = TpmAlgorithm.Error;
            return false;
        }

        scheme = (TpmAlgorithm)algorithm;
        if (scheme is TpmAlgorithm.Null or TpmAlgorithm.RsaEs)
        {
            return true;
        }

        bool ok = reader.TryReadUInt16BigEndian(out ushort h);
        hash = (TpmAlgorithm)h;
        return ok;
    }

    private static Refusal Short(int offset) => Refusal.Malformed("TPMT_PUBLIC", offset, "ends too early");
}
