// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins.Text;

/// <summary>A version as Semantic Versioning 2.0.0 has it. Numbers may be of any length.</summary>
internal readonly struct SemanticVersion : IComparable<SemanticVersion>
{
    private readonly string[] _core;
    private readonly string[] _preRelease;

    private SemanticVersion(string[] core, string[] preRelease)
    {
        _core = core;
        _preRelease = preRelease;
    }

    public static bool TryParse(string text, out SemanticVersion version)
    {
        version = default;
        var plus = text.IndexOf('+', StringComparison.Ordinal);
        if (plus >= 0 && !text[(plus + 1)..].Split('.').All(IsIdentifier))
        {
            return false;
        }

        var rest = plus < 0 ? text : text[..plus];
        var dash = rest.IndexOf('-', StringComparison.Ordinal);
        var core = (dash < 0 ? rest : rest[..dash]).Split('.');
        string[] preRelease = dash < 0 ? [] : rest[(dash + 1)..].Split('.');
        if (core.Length != 3 || !core.All(static part => IsNumber(part) && IsCanonical(part))
            || !preRelease.All(static part => IsIdentifier(part) && (!IsNumber(part) || IsCanonical(part))))
        {
            return false;
        }

        version = new SemanticVersion(core, preRelease);
        return true;
    }

    public int CompareTo(SemanticVersion other)
    {
        for (var i = 0; i < 3; i++)
        {
            var order = CompareNumbers(_core[i], other._core[i]);
            if (order != 0)
            {
                return order;
            }
        }

        // A version without a pre-release comes after all of its pre-releases.
        if (_preRelease.Length == 0 || other._preRelease.Length == 0)
        {
            return other._preRelease.Length.CompareTo(_preRelease.Length) is var o && o != 0 ? Math.Sign(o) : 0;
        }

        for (var i = 0; i < Math.Min(_preRelease.Length, other._preRelease.Length); i++)
        {
            var (a, b) = (_preRelease[i], other._preRelease[i]);
            var order = (IsNumber(a), IsNumber(b)) switch
            {
                (true, true) => CompareNumbers(a, b),
                (true, false) => -1,
                (false, true) => 1,
                _ => Math.Sign(string.CompareOrdinal(a, b)),
            };
            if (order != 0)
            {
                return order;
            }
        }

        return _preRelease.Length.CompareTo(other._preRelease.Length);
    }

    private static int CompareNumbers(string a, string b) =>
        a.Length != b.Length ? a.Length.CompareTo(b.Length) : Math.Sign(string.CompareOrdinal(a, b));

    private static bool IsNumber(string part) => part.Length > 0 && part.All(char.IsAsciiDigit);

    private static bool IsCanonical(string number) => number.Length == 1 || number[0] != '0';

    private static bool IsIdentifier(string part) => part.Length > 0 && part.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-');
}
