// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Coco.Protocol;

/// <summary>Texts and judgement of versions (kbs.md 2.7).</summary>
public static class ProtocolVersions
{
    /// <summary>All versions and their texts, oldest first.</summary>
    public static ImmutableArray<(ProtocolVersion Version, string Text)> All { get; } =
    [
        (ProtocolVersion.V0_1_0, "0.1.0"),
        (ProtocolVersion.V0_1_1, "0.1.1"),
        (ProtocolVersion.V0_2_0, "0.2.0"),
        (ProtocolVersion.V0_3_0, "0.3.0"),
        (ProtocolVersion.V0_4_0, "0.4.0"),
    ];

    /// <summary>Whether guests of this version only understand the former reply body (kbs.md 4.5).</summary>
    public static bool IsLegacy(this ProtocolVersion version) => version <= ProtocolVersion.V0_1_1;

    /// <summary>The version of a text; false for unknown ones.</summary>
    public static bool TryParse(string text, out ProtocolVersion version)
    {
        foreach ((ProtocolVersion v, string t) in All)
        {
            if (t == text)
            {
                version = v;
                return true;
            }
        }

        version = default;
        return false;
    }

    /// <summary>Strict semantic version; gives the part that is compared (build metadata is not).</summary>
    public static bool TryParseSemantic(string text, [NotNullWhen(true)] out string? compared)
    {
        compared = null;
        if (text.Length is 0 or > 128)
        {
            return false;
        }

        ReadOnlySpan<char> rest = text;
        int plus = rest.IndexOf('+');
        if (plus >= 0)
        {
            if (!AreIdentifiers(rest[(plus + 1)..], numericMayHaveLeadingZero: true))
            {
                return false;
            }

            rest = rest[..plus];
        }

        int dash = rest.IndexOf('-');
        if (dash >= 0 && !AreIdentifiers(rest[(dash + 1)..], numericMayHaveLeadingZero: false))
        {
            return false;
        }

        ReadOnlySpan<char> numbers = dash >= 0 ? rest[..dash] : rest;
        int count = 0;
        foreach (Range part in numbers.Split('.'))
        {
            ReadOnlySpan<char> number = numbers[part];
            if (++count > 3 || number.IsEmpty || number.ContainsAnyExceptInRange('0', '9') || (number.Length > 1 && number[0] == '0') || !ulong.TryParse(number, out _))
            {
                return false;
            }
        }

        if (count != 3)
        {
            return false;
        }

        compared = rest.ToString();
        return true;
    }

    private static bool AreIdentifiers(ReadOnlySpan<char> text, bool numericMayHaveLeadingZero)
    {
        foreach (Range part in text.Split('.'))
        {
            ReadOnlySpan<char> id = text[part];
            if (id.IsEmpty)
            {
                return false;
            }

            bool numeric = true;
            foreach (char c in id)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c != '-')
                {
                    return false;
                }

                numeric &= char.IsAsciiDigit(c);
            }

            if (numeric && !numericMayHaveLeadingZero && id.Length > 1 && id[0] == '0')
            {
                return false;
            }
        }

        return true;
    }
}
