// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Rego.Builtins.Patterns;
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Regular expressions and globs.</summary>
internal static class PatternBuiltins
{
    internal static IEnumerable<Builtin> All() =>
    [
        new("regex.match", [Str, Str], static (c, a) => Match(c, a[0].TextOf(), a[1].TextOf())),
        new("re_match", [Str, Str], static (c, a) => Match(c, a[0].TextOf(), a[1].TextOf())) { IsV0Only = true },
        new("regex.is_valid", [Any], static (c, a) => IsValid(c, a[0])),
        new("regex.split", [Str, Str], static (c, a) => Split(c, a[0].TextOf(), a[1].TextOf())),
        new("regex.replace", [Str, Str, Str], static (c, a) => Replace(c, a[0].TextOf(), a[1].TextOf(), a[2].TextOf())),
        new("regex.find_n", [Str, Str, Num], static (c, a) => Find(c, a[0].TextOf(), a[1].TextOf(), a[2], groups: false)),
        new("regex.find_all_string_submatch_n", [Str, Str, Num], static (c, a) => Find(c, a[0].TextOf(), a[1].TextOf(), a[2], groups: true)),
        new("regex.template_match", [Str, Str, Str, Str], static (c, a) => TemplateMatch(c, a[0].TextOf(), a[1].TextOf(), a[2].TextOf(), a[3].TextOf())),
        new("regex.globs_match", [Str, Str], static (c, a) => GlobsMatch(c, a[0].TextOf(), a[1].TextOf())),
        new("glob.match", [Str, Any, Str], static (c, a) => GlobMatch(c, a[0].TextOf(), a[1], a[2].TextOf())),
        new("glob.quote_meta", [Str], static (c, a) => c.Output(GlobPattern.QuoteMeta(a[0].TextOf()))),
    ];

    private static Re2Regex? Compile(BuiltinContext context, string pattern)
    {
        context.ChargeRegex(pattern.Length);
        if (Re2Regex.TryCompile(pattern, out var regex, out var error))
        {
            return regex;
        }

        context.Fail(error);
        return null;
    }

    private static RegoValue? Match(BuiltinContext context, string pattern, string text) =>
        Compile(context, pattern) is { } regex ? RegoBoolean.Of(RegexWork.IsMatch(context, regex, text)) : null;

    private static RegoBoolean IsValid(BuiltinContext context, RegoValue pattern)
    {
        if (pattern is not RegoString text)
        {
            return RegoValue.False;
        }

        context.ChargeRegex(text.Value.Length);
        return RegoBoolean.Of(Re2Regex.TryCompile(text.Value, out _, out _));
    }

    private static RegoValue? Split(BuiltinContext context, string pattern, string text)
    {
        if (Compile(context, pattern) is not { } regex)
        {
            return null;
        }

        var parts = RegexWork.Run(context, (ref long budget) => regex.Split(text, ref budget));
        return context.OutputArray(parts.ConvertAll(static part => (RegoValue)RegoString.Of(part)));
    }

    private static RegoValue? Replace(BuiltinContext context, string text, string pattern, string replacement)
    {
        if (Compile(context, pattern) is not { } regex)
        {
            return null;
        }

        var limit = context.Limits.MaxOutputLength;
        var result = RegexWork.Run(context, (ref long budget) => regex.Replace(text, replacement, limit, ref budget));
        return result is null ? throw new RegoLimitException(RegoLimit.Output, $"a string of more than {limit} characters") : context.Output(result);
    }

    private static RegoValue? Find(BuiltinContext context, string pattern, string text, RegoValue limit, bool groups)
    {
        if (!TryClamped(context, 3, limit, out var count) || Compile(context, pattern) is not { } regex)
        {
            return null;
        }

        var matches = RegexWork.Run(context, (ref long budget) => regex.FindAll(text, count, ref budget));
        return context.OutputArray(matches.ConvertAll(match => groups ? Groups(context, text, match) : Part(text, match, 0)));
    }

    private static RegoValue Groups(BuiltinContext context, string text, int[] match)
    {
        context.ChargeValues(match.Length / 2);
        var parts = new RegoValue[match.Length / 2];
        for (var i = 0; i < parts.Length; i++)
        {
            parts[i] = Part(text, match, i);
            context.Charge(parts[i].TextOf().Length / 64);
        }

        return RegoArray.Adopt(parts);
    }

    private static RegoValue Part(string text, int[] match, int group) =>
        match[2 * group] < 0 ? RegoString.Empty : RegoString.Of(text[match[2 * group]..match[(2 * group) + 1]]);

    private static RegoValue? TemplateMatch(BuiltinContext context, string template, string text, string open, string close)
    {
        if (open.Length != 1)
        {
            return context.Fail($"start delimiter has to be exactly one character long but is {Encoding.UTF8.GetByteCount(open)} long");
        }

        if (close.Length != 1)
        {
            return context.Fail($"end delimiter has to be exactly one character long but is {Encoding.UTF8.GetByteCount(close)} long");
        }

        context.ChargeRegex(template.Length);
        var pattern = new StringBuilder("^");
        int level = 0, start = 0, end = 0;
        for (var i = 0; i < template.Length; i++)
        {
            if (template[i] == open[0])
            {
                if (++level == 1)
                {
                    start = i;
                }
            }
            else if (template[i] == close[0])
            {
                if (--level == 0)
                {
                    pattern.Append(Re2Regex.QuoteMeta(template.AsSpan(end, start - end)));
                    var part = template[(start + 1)..i];
                    if (!Re2Regex.TryCompile($"^({part})$", out _, out var error))
                    {
                        return context.Fail(error);
                    }

                    pattern.Append('(').Append(part).Append(')');
                    end = i + 1;
                }
                else if (level < 0)
                {
                    break;
                }
            }
        }

        if (level != 0)
        {
            return context.Fail($"unbalanced braces in \"{template}\"");
        }

        pattern.Append(Re2Regex.QuoteMeta(template.AsSpan(end))).Append('$');
        return Re2Regex.TryCompile(pattern.ToString(), out var regex, out var wrong)
            ? RegexWork.IsMatch(context, regex, text)
            : context.Fail(wrong);
    }

    private static RegoValue? GlobsMatch(BuiltinContext context, string left, string right)
    {
        context.ChargeRegex(left.Length);
        context.ChargeRegex(right.Length);
        context.Charge(1 + ((long)left.Length * right.Length / 8));
        var result = GlobIntersection.IsNonEmpty(left, right, out var error);
        return error is null ? result : context.Fail(error);
    }

    private static RegoValue? GlobMatch(BuiltinContext context, string pattern, RegoValue delimiters, string text)
    {
        var runes = "";
        switch (delimiters)
        {
            case RegoNull:
                break;
            case RegoArray { Count: 0 }:
                runes = ".";
                break;
            case RegoArray array:
                foreach (var item in array.Items)
                {
                    if (item is not RegoString delimiter || CodePoints.Count(delimiter.Value) != 1)
                    {
                        return context.FailElement(2, array, "strings of one character", item);
                    }

                    runes += delimiter.Value;
                }

                break;
            default:
                return context.FailOperand(2, "one of {null, array}", delimiters);
        }

        context.ChargeRegex(pattern.Length + runes.Length);
        return GlobPattern.TryCompile(pattern, runes, out var matcher, out var error)
            ? RegexWork.IsMatch(context, matcher, text)
            : context.Fail(error);
    }
}
