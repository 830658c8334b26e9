// SPDX-License-Identifier: Apache-2.0
using Coco.ShangMi;

namespace Coco.Tee.Csv;

/// <summary>The public key of a Hygon certificate with the identifier that goes into its signatures.</summary>
/// <param name="X">x, 32 bytes, big-endian.</param>
/// <param name="Y">y, 32 bytes, big-endian.</param>
/// <param name="UserId">The signer's identifier, for example <c>HYGON-SSD-HRK</c>.</param>
/// <param name="Usage">What the key is for.</param>
/// <param name="Algorithm">4: SM2 signatures; 0 where the certificate has no such field (HRK, HSK).</param>
public sealed record HygonKey(ReadOnlyMemory<byte> X, ReadOnlyMemory<byte> Y, ReadOnlyMemory<byte> UserId, HygonKeyUsage Usage, uint Algorithm)
{
    /// <summary>Length of a number field; 32 bytes of it are used.</summary>
    internal const int NumberSize = 72;

    /// <summary>Length of the identifier's field.</summary>
    internal const int UserIdSize = 254;

    private const uint Sm2Curve = 3;

    /// <summary>Whether r ‖ s is this key's signature over <paramref name="message"/>; false also for a point that is not on the curve.</summary>
    public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        Sm2PublicKey.Parse(X.Span, Y.Span).TryGet(out Sm2PublicKey? key, out _) && key.VerifyData(message, signature, UserId.Span);

    /// <summary>Reads group, x, y (72 bytes each, little-endian), the identifier's size and the identifier.</summary>
    /// <param name="bytes">The certificate.</param>
    /// <param name="at">Offset of the group.</param>
    /// <param name="usage">The usage found elsewhere.</param>
    /// <param name="algorithm">The algorithm found elsewhere.</param>
    internal static Result<HygonKey> Read(ReadOnlyMemory<byte> bytes, int at, HygonKeyUsage usage, uint algorithm)
    {
        var reader = new ByteReader(bytes.Span[at..], at);
        if (!reader.TryReadUInt32LittleEndian(out uint group) || !reader.TryRead(NumberSize, out ReadOnlySpan<byte> x)
            || !reader.TryRead(NumberSize, out ReadOnlySpan<byte> y) || !reader.TryReadUInt16LittleEndian(out ushort idSize)
            || !reader.TryRead(UserIdSize, out ReadOnlySpan<byte> id))
        {
            return Refusal.Malformed("pubkey", at, "ends too early");
        }

        if (group != Sm2Curve)
        {
            return new Refusal(RefusalCode.Unsupported, $"pubkey.g at offset {at}: {group} is not SM2-256") { Field = "pubkey.g", Offset = at };
        }

        if (idSize > UserIdSize)
        {
            return Refusal.Malformed("uid_size", at + 4 + (2 * NumberSize), $"{idSize}, at most {UserIdSize}");
        }

        if (!TryReadNumber(x, out byte[] xBytes) || !TryReadNumber(y, out byte[] yBytes))
        {
            return Refusal.Malformed("pubkey", at + 4, "a coordinate has more than 32 bytes");
        }

        return new HygonKey(xBytes, yBytes, id[..idSize].ToArray(), usage, algorithm);
    }

    /// <summary>Reads r and s (72 bytes each, little-endian) as r ‖ s of 64 bytes, big-endian.</summary>
    internal static Result<ReadOnlyMemory<byte>> ReadSignature(ReadOnlySpan<byte> bytes, int at)
    {
        if (!TryReadNumber(bytes.Slice(at, NumberSize), out byte[] r) || !TryReadNumber(bytes.Slice(at + NumberSize, NumberSize), out byte[] s))
        {
            return Refusal.Malformed("signature", at, "r or s has more than 32 bytes");
        }

        return (ReadOnlyMemory<byte>)(byte[])[.. r, .. s];
    }

    private static bool TryReadNumber(ReadOnlySpan<byte> field, out byte[] bigEndian)
    {
        bigEndian = field[..Sm2PublicKey.FieldSize].ToArray();
        Array.Reverse(bigEndian);
        return field[Sm2PublicKey.FieldSize..].IndexOfAnyExcept((byte)0) < 0;
    }
}
