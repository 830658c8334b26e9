// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>A string: a sequence of Unicode scalar values. A lone surrogate becomes U+FFFD when it is written as UTF-8.</summary>
public sealed class RegoString : RegoValue
{
    private RegoString(string value)
        : base(RegoKind.String, 0) => Value = value;

    /// <summary>The empty string.</summary>
    public static RegoString Empty { get; } = new(string.Empty);

    /// <summary>The text.</summary>
    public string Value { get; }

    /// <summary>Wraps a text.</summary>
    public static RegoString Of(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return value.Length == 0 ? Empty : new RegoString(value);
    }

    /// <summary>Order by code points, which is also the order of the UTF-8 bytes.</summary>
    internal static int Compare(string a, string b)
    {
        int length = Math.Min(a.Length, b.Length);
        int at = a.AsSpan(0, length).CommonPrefixLength(b.AsSpan(0, length));
        if (at == length)
        {
            return a.Length.CompareTo(b.Length);
        }

        char x = a[at], y = b[at];
        // UTF-16 puts surrogates below U+E000..U+FFFF; code points put them above.
        bool xHigh = char.IsSurrogate(x), yHigh = char.IsSurrogate(y);
        return xHigh == yHigh ? x.CompareTo(y) : xHigh ? 1 : -1;
    }

    private protected override bool EqualsSameKind(RegoValue other) => string.Equals(Value, ((RegoString)other).Value, StringComparison.Ordinal);

    private protected override int CompareSameKind(RegoValue other) => Compare(Value, ((RegoString)other).Value);

    private protected override int ComputeHash() => Value.GetHashCode(StringComparison.Ordinal);
}
