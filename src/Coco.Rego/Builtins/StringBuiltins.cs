// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Rego.Builtins.Text;
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Strings. Positions and lengths are in code points.</summary>
internal static class StringBuiltins
{
    internal static IEnumerable<Builtin> All() =>
    [
        new("concat", [Str, Any], static (c, a) => Concat(c, a[0].TextOf(), a[1])),
        new("contains", [Str, Str], static (c, a) => Search(c, a, static (s, t) => s.Contains(t, StringComparison.Ordinal))),
        new("startswith", [Str, Str], static (c, a) => Search(c, a, static (s, t) => s.StartsWith(t, StringComparison.Ordinal))),
        new("endswith", [Str, Str], static (c, a) => Search(c, a, static (s, t) => s.EndsWith(t, StringComparison.Ordinal))),
        new("indexof", [Str, Str], static (c, a) => IndexOf(c, a[0].TextOf(), a[1].TextOf())),
        new("indexof_n", [Str, Str], static (c, a) => IndexOfAll(c, a[0].TextOf(), a[1].TextOf())),
        new("lower", [Str], static (c, a) => c.Output(a[0].TextOf().ToLowerInvariant())),
        new("upper", [Str], static (c, a) => c.Output(a[0].TextOf().ToUpperInvariant())),
        new("replace", [Str, Str, Str], static (c, a) => Replace(c, a[0].TextOf(), a[1].TextOf(), a[2].TextOf())),
        new("split", [Str, Str], static (c, a) => Split(c, a[0].TextOf(), a[1].TextOf())),
        new("substring", [Str, Num, Num], static (c, a) => Substring(c, a[0].TextOf(), a[1], a[2])),
        new("trim", [Str, Str], static (c, a) => Trim(c, a[0].TextOf(), a[1].TextOf(), left: true, right: true)),
        new("trim_left", [Str, Str], static (c, a) => Trim(c, a[0].TextOf(), a[1].TextOf(), left: true, right: false)),
        new("trim_right", [Str, Str], static (c, a) => Trim(c, a[0].TextOf(), a[1].TextOf(), left: false, right: true)),
        new("trim_prefix", [Str, Str], static (c, a) => TrimOnce(c, a[0].TextOf(), a[1].TextOf(), prefix: true)),
        new("trim_suffix", [Str, Str], static (c, a) => TrimOnce(c, a[0].TextOf(), a[1].TextOf(), prefix: false)),
        new("trim_space", [Str], static (c, a) => c.Output(a[0].TextOf().Trim())),
        new("strings.any_prefix_match", [Any, Any], static (c, a) => AnyMatch(c, a[0], a[1], prefix: true)),
        new("strings.any_suffix_match", [Any, Any], static (c, a) => AnyMatch(c, a[0], a[1], prefix: false)),
        new("strings.count", [Str, Str], static (c, a) => Count(c, a[0].TextOf(), a[1].TextOf())),
        new("strings.replace_n", [Obj, Str], static (c, a) => ReplaceAll(c, (RegoObject)a[0], a[1].TextOf())),
        new("strings.reverse", [Str], static (c, a) => Reverse(c, a[0].TextOf())),
        new("strings.render_template", [Str, Obj], static (c, a) => GoTemplate.Render(c, a[0].TextOf(), (RegoObject)a[1])),
        new("sprintf", [Str, Arr], static (c, a) => GoFormat.Format(c, a[0].TextOf(), (RegoArray)a[1])),
    ];

    private static RegoBoolean Search(BuiltinContext context, ReadOnlySpan<RegoValue> arguments, Func<string, string, bool> test)
    {
        context.Charge(arguments[0].TextOf().Length / 64);
        return RegoBoolean.Of(test(arguments[0].TextOf(), arguments[1].TextOf()));
    }

    private static RegoValue? Concat(BuiltinContext context, string separator, RegoValue parts)
    {
        if (parts is not (RegoArray or RegoSet))
        {
            return context.FailOperand(2, "one of {set, array}", parts);
        }

        var items = parts.ItemsOf();
        context.Charge(items.Length);
        long length = Math.Max(0, items.Length - 1) * (long)separator.Length;
        foreach (var item in items)
        {
            if (item is not RegoString text)
            {
                return context.FailElement(2, parts, "strings", item);
            }

            length += text.Value.Length;
        }

        context.ChargeOutput(length);
        var result = new StringBuilder((int)length);
        for (var i = 0; i < items.Length; i++)
        {
            result.Append(i > 0 ? separator : "").Append(items[i].TextOf());
        }

        return RegoString.Of(result.ToString());
    }

    private static RegoValue? IndexOf(BuiltinContext context, string text, string search)
    {
        if (search.Length == 0)
        {
            return context.Fail("empty search character");
        }

        context.Charge(text.Length / 64);
        var index = text.IndexOf(search, StringComparison.Ordinal);
        return index < 0 ? -1 : CodePoints.Count(text.AsSpan(0, index));
    }

    private static RegoValue? IndexOfAll(BuiltinContext context, string text, string search)
    {
        if (search.Length == 0)
        {
            return context.Fail("empty search character");
        }

        context.Charge(text.Length / 64);
        var result = new List<RegoValue>();
        var seen = 0;
        var seenPoints = 0;
        for (var at = text.IndexOf(search, StringComparison.Ordinal); at >= 0; at = text.IndexOf(search, at + search.Length, StringComparison.Ordinal))
        {
            seenPoints += CodePoints.Count(text.AsSpan(seen, at - seen));
            seen = at;
            result.Add(seenPoints);
        }

        return context.OutputArray(result);
    }

    private static RegoValue Replace(BuiltinContext context, string text, string old, string replacement)
    {
        context.Charge(text.Length / 64);
        if (old.Length == 0)
        {
            return Interleave(context, text, replacement);
        }

        if (replacement.Length > old.Length)
        {
            context.ChargeOutput(text.Length + (Occurrences(text, old) * (long)(replacement.Length - old.Length)));
        }

        return context.Output(text.Replace(old, replacement, StringComparison.Ordinal));
    }

    // The empty string is found before each character and at the end.
    private static RegoValue Interleave(BuiltinContext context, string text, string replacement)
    {
        context.ChargeOutput(text.Length + ((text.Length + 1L) * replacement.Length));
        var result = new StringBuilder(replacement);
        for (var i = 0; i < text.Length;)
        {
            var width = CodePoints.WidthAt(text, i);
            result.Append(text, i, width).Append(replacement);
            i += width;
        }

        return RegoString.Of(result.ToString());
    }

    private static int Occurrences(string text, string search)
    {
        var count = 0;
        for (var at = text.IndexOf(search, StringComparison.Ordinal); at >= 0; at = text.IndexOf(search, at + search.Length, StringComparison.Ordinal))
        {
            count++;
        }

        return count;
    }

    private static RegoArray Split(BuiltinContext context, string text, string delimiter)
    {
        context.Charge(text.Length / 64);
        var parts = new List<RegoValue>();
        if (delimiter.Length > 0)
        {
            context.ChargeValues(Occurrences(text, delimiter));
            foreach (var part in text.Split(delimiter))
            {
                parts.Add(RegoString.Of(part));
            }

            return context.OutputArray(parts);
        }

        context.ChargeValues(text.Length);
        for (var i = 0; i < text.Length;)
        {
            var width = CodePoints.WidthAt(text, i);
            parts.Add(RegoString.Of(text.Substring(i, width)));
            i += width;
        }

        return context.OutputArray(parts);
    }

    private static RegoValue? Substring(BuiltinContext context, string text, RegoValue offset, RegoValue length)
    {
        if (!TryClamped(context, 2, offset, out var start) || !TryClamped(context, 3, length, out var count))
        {
            return null;
        }

        if (start < 0)
        {
            return context.Fail("negative offset");
        }

        context.Charge(text.Length / 64);
        var from = CodePoints.IndexOf(text, start);
        var rest = text.AsSpan(from);
        return context.Output((count < 0 ? rest : rest[..CodePoints.IndexOf(rest, count)]).ToString());
    }

    private static RegoValue Trim(BuiltinContext context, string text, string cutset, bool left, bool right)
    {
        context.Charge((text.Length / 64) + (cutset.Length / 64));
        var set = new HashSet<Rune>();
        foreach (var rune in cutset.EnumerateRunes())
        {
            set.Add(rune);
        }

        var span = text.AsSpan();
        while (left && Rune.DecodeFromUtf16(span, out var first, out var width) == System.Buffers.OperationStatus.Done && set.Contains(first))
        {
            span = span[width..];
        }

        while (right && Rune.DecodeLastFromUtf16(span, out var last, out var width) == System.Buffers.OperationStatus.Done && set.Contains(last))
        {
            span = span[..^width];
        }

        return context.Output(span.ToString());
    }

    private static RegoValue TrimOnce(BuiltinContext context, string text, string part, bool prefix)
    {
        if (prefix && text.StartsWith(part, StringComparison.Ordinal))
        {
            text = text[part.Length..];
        }
        else if (!prefix && text.EndsWith(part, StringComparison.Ordinal))
        {
            text = text[..^part.Length];
        }

        return context.Output(text);
    }

    private static RegoValue? AnyMatch(BuiltinContext context, RegoValue search, RegoValue bases, bool prefix)
    {
        if (!TryStrings(context, 1, search, out var texts) || !TryStrings(context, 2, bases, out var parts))
        {
            return null;
        }

        foreach (var text in texts)
        {
            context.Charge(1 + (parts.Length / 4));
            foreach (var part in parts)
            {
                var matches = prefix
                    ? text.TextOf().StartsWith(part.TextOf(), StringComparison.Ordinal)
                    : text.TextOf().EndsWith(part.TextOf(), StringComparison.Ordinal);
                if (matches)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool TryStrings(BuiltinContext context, int operand, RegoValue value, out ReadOnlySpan<RegoValue> strings)
    {
        strings = default;
        if (value is RegoString)
        {
            strings = new[] { value };
            return true;
        }

        if (value is not (RegoArray or RegoSet))
        {
            context.FailOperand(operand, "one of {string, set, array}", value);
            return false;
        }

        strings = value.ItemsOf();
        foreach (var item in strings)
        {
            if (item is not RegoString)
            {
                context.FailElement(operand, value, "strings", item);
                return false;
            }
        }

        return true;
    }

    private static RegoValue Count(BuiltinContext context, string text, string search)
    {
        context.Charge(text.Length / 64);
        return search.Length == 0 ? CodePoints.Count(text) + 1 : Occurrences(text, search);
    }

    private static RegoValue? ReplaceAll(BuiltinContext context, RegoObject pairs, string text)
    {
        for (var i = 0; i < pairs.Count; i++)
        {
            if (pairs.Keys[i] is not RegoString)
            {
                return context.FailType("operand 1 non-string key found in pattern object");
            }

            if (pairs.Values[i] is not RegoString)
            {
                return context.FailType("operand 1 non-string value found in pattern object");
            }
        }

        var result = new StringBuilder();
        for (var at = 0; at <= text.Length;)
        {
            context.Charge(1 + (pairs.Count / 4));
            var match = FirstMatch(pairs, text, at);
            if (match >= 0)
            {
                var replacement = pairs.Values[match].TextOf();
                context.ChargeOutput(result.Length + (long)replacement.Length);
                result.Append(replacement);
                at += pairs.Keys[match].TextOf().Length;
            }

            // An empty key is found once at each position.
            if (match < 0 || pairs.Keys[match].TextOf().Length == 0)
            {
                if (at < text.Length)
                {
                    var width = CodePoints.WidthAt(text, at);
                    result.Append(text, at, width);
                    at += width;
                }
                else
                {
                    at++;
                }
            }
        }

        return context.Output(result.ToString());
    }

    private static int FirstMatch(RegoObject pairs, string text, int at)
    {
        for (var i = 0; i < pairs.Count; i++)
        {
            if (text.AsSpan(at).StartsWith(pairs.Keys[i].TextOf(), StringComparison.Ordinal))
            {
                return i;
            }
        }

        return -1;
    }

    private static RegoValue Reverse(BuiltinContext context, string text)
    {
        context.ChargeOutput(text.Length);
        return RegoString.Of(string.Create(text.Length, text, static (target, source) =>
        {
            for (var i = 0; i < source.Length;)
            {
                var width = CodePoints.WidthAt(source, i);
                source.AsSpan(i, width).CopyTo(target[(target.Length - i - width)..]);
                i += width;
            }
        }));
    }
}
