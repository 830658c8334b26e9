// SPDX-License-Identifier: Apache-2.0
namespace Coco.Storage;

/// <summary>The rules that keys and values of every store obey.</summary>
public static class StoreKeys
{
    /// <summary>Longest key in bytes (keys are ASCII).</summary>
    public const int MaxKeyBytes = 512;

    /// <summary>Largest value in bytes.</summary>
    public const int MaxValueBytes = 8 * 1024 * 1024;

    /// <summary>Null when <paramref name="key"/> is acceptable, else why not.</summary>
    public static Refusal? Check(string? key)
    {
        if (key is null || key.Length is 0 or > MaxKeyBytes)
        {
            return new Refusal(RefusalCode.Malformed, $"a store key has 1 to {MaxKeyBytes} characters");
        }

        int segmentStart = 0;
        for (int i = 0; i <= key.Length; i++)
        {
            if (i == key.Length || key[i] == '/')
            {
                ReadOnlySpan<char> segment = key.AsSpan(segmentStart, i - segmentStart);
                if (segment.Length == 0 || segment is "." or "..")
                {
                    return new Refusal(RefusalCode.Malformed, "a store key has no empty segment, no '.' and no '..'");
                }

                segmentStart = i + 1;
                continue;
            }

            char c = key[i];
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
            {
                return new Refusal(RefusalCode.Malformed, $"a store key may hold letters, digits, '.', '_', '-' and '/', found U+{(int)c:X4} at {i}");
            }
        }

        return null;
    }

    /// <summary>Throws where <see cref="Check"/> refuses: by then the caller must have parsed the name.</summary>
    /// <exception cref="ArgumentException">The key breaks the rules.</exception>
    internal static void Require(string key)
    {
        if (Check(key) is { } refusal)
        {
            throw new ArgumentException(refusal.Detail, nameof(key));
        }
    }

    /// <summary>Throws for a value over the limit.</summary>
    /// <exception cref="ArgumentException">The value is larger than <see cref="MaxValueBytes"/>.</exception>
    internal static void RequireValue(ReadOnlyMemory<byte> value)
    {
        if (value.Length > MaxValueBytes)
        {
            throw new ArgumentException($"a stored value has at most {MaxValueBytes} bytes", nameof(value));
        }
    }
}
