// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Coco.Attestation.Decisions;

/// <summary>Ids of decisions: 26 characters of Crockford's base 32 in lower case, 48 bits of milliseconds and 80 random ones. Later ids sort later.</summary>
internal static class DecisionId
{
    public const int Length = 26;

    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    public static string Create(DateTimeOffset at)
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes[6..]);
        return Encode(at.ToUnixTimeMilliseconds(), bytes);
    }

    /// <summary>The smallest id of an instant.</summary>
    public static string First(DateTimeOffset at) => Encode(at.ToUnixTimeMilliseconds(), stackalloc byte[16]);

    /// <summary>Whether a text has the form of an id.</summary>
    public static bool IsValid(string? text) => text is { Length: Length } && text.All(c => Alphabet.Contains(c, StringComparison.Ordinal));

    private static string Encode(long milliseconds, Span<byte> bytes)
    {
        Span<byte> time = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(time, Math.Max(0, milliseconds));
        time[2..].CopyTo(bytes);
        UInt128 value = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        Span<char> text = stackalloc char[Length];
        for (int i = Length - 1; i >= 0; i--)
        {
            text[i] = Alphabet[(int)(value & 31)];
            value >>= 5;
        }

        return new string(text);
    }
}
