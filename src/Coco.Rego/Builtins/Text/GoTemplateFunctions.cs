// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Text;
using Coco.Rego.Functions;

namespace Coco.Rego.Builtins.Text;

/// <summary>The functions that templates may call.</summary>
internal static class GoTemplateFunctions
{
    private static readonly string[] Names =
    [
        "and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index", "slice", "print", "printf", "println", "html", "urlquery",
    ];

    public static bool Exists(string name) => Names.Contains(name);

    /// <summary>What <c>if</c> takes as true: all but false, zero, null and what is empty or undefined.</summary>
    public static bool IsTrue(RegoValue? value) => value switch
    {
        null or RegoNull => false,
        RegoBoolean boolean => boolean.Value,
        RegoNumber number => number.Sign != 0,
        RegoString text => text.Value.Length > 0,
        _ => value.KeysOf().Length > 0,
    };

    /// <summary>How a value is written.</summary>
    public static string Show(RegoValue? value) => value switch
    {
        null or RegoNull => "<undefined>",
        RegoObject members => "map[" + string.Join(' ', members.Keys.ToArray().Select((key, i) => Show(key) + ":" + Show(members.Values[i]))) + "]",
        RegoArray or RegoSet => "[" + string.Join(' ', value.ItemsOf().ToArray().Select(Show)) + "]",
        _ => value.ToDisplayString(),
    };

    /// <exception cref="FormatException">The arguments do not fit.</exception>
    public static RegoValue? Call(BuiltinContext context, string name, List<RegoValue?> arguments)
    {
        switch (name)
        {
            case "and":
                return arguments.Find(static value => !IsTrue(value)) is { } falsy ? falsy : arguments.Exists(static value => value is null) ? null : Last(arguments);
            case "or":
                return arguments.Find(IsTrue) ?? Last(arguments);
            case "not":
                return !IsTrue(One(arguments));
            case "len":
                return Length(One(arguments));
            case "print" or "println":
                var separator = name == "println" ? " " : "";
                return string.Join(separator, arguments.Select(Show)) + (name == "println" ? "\n" : "");
            case "printf":
                if (arguments.Count == 0 || arguments[0] is not RegoString format)
                {
                    throw new FormatException("template: wrong type for value; expected string");
                }

                return GoFormat.Format(context, format.Value, RegoArray.Of([.. arguments.Skip(1).Select(static value => value ?? "<undefined>")]));
            case "html":
                return WebUtility.HtmlEncode(string.Concat(arguments.Select(Show)));
            case "urlquery":
                return UrlQuery.Escape(string.Concat(arguments.Select(Show)));
            case "index":
                return Index(arguments);
            case "slice":
                return Slice(arguments);
            default:
                return Compare(name, arguments);
        }
    }

    private static RegoValue? Last(List<RegoValue?> arguments) =>
        arguments.Count == 0 ? throw new FormatException("template: wrong number of args") : arguments[^1];

    private static RegoValue? One(List<RegoValue?> arguments) =>
        arguments.Count == 1 ? arguments[0] : throw new FormatException("template: wrong number of args: want 1");

    private static RegoValue Length(RegoValue? value) => value switch
    {
        RegoString text => Encoding.UTF8.GetByteCount(text.Value),
        RegoArray or RegoSet or RegoObject => value.KeysOf().Length,
        _ => throw new FormatException("template: len of a value that has none"),
    };

    private static RegoValue? Index(List<RegoValue?> arguments)
    {
        var value = arguments.Count > 0 ? arguments[0] : throw new FormatException("template: wrong number of args");
        foreach (var key in arguments.Skip(1))
        {
            if (value is null || key is null)
            {
                throw new FormatException("template: index of untyped nil");
            }

            if (value is RegoArray array && array.Lookup(key) is null)
            {
                throw new FormatException("template: index out of range");
            }

            value = value.Lookup(key);
        }

        return value;
    }

    private static RegoValue Slice(List<RegoValue?> arguments)
    {
        if (arguments.Count is < 1 or > 3)
        {
            throw new FormatException("template: wrong number of args for slice");
        }

        var bytes = arguments[0] is RegoString text ? Encoding.UTF8.GetBytes(text.Value) : null;
        var count = bytes?.Length ?? (arguments[0] as RegoArray ?? throw new FormatException("template: can't slice item")).Count;
        int from = Bound(1, 0), to = Bound(2, count);
        if (from < 0 || to > count || from > to)
        {
            throw new FormatException("template: index out of range");
        }

        return bytes is not null ? Encoding.UTF8.GetString(bytes[from..to]) : RegoArray.Of(((RegoArray)arguments[0]!).Items[from..to]);

        int Bound(int index, int fallback) =>
            index >= arguments.Count ? fallback : arguments[index] is RegoNumber n && n.TryGetInt32(out var i) ? i : throw new FormatException("template: cannot index slice");
    }

    private static RegoValue Compare(string name, List<RegoValue?> arguments)
    {
        if (arguments.Count < 2 || (name != "eq" && arguments.Count != 2))
        {
            throw new FormatException("template: missing argument for comparison");
        }

        var (left, right) = (arguments[0], arguments[1]);
        if (name is "eq")
        {
            return arguments.Skip(1).Any(other => left is null ? other is null : left.Equals(other));
        }

        if (name is "ne")
        {
            return !(left is null ? right is null : left.Equals(right));
        }

        if (left is null || right is null || left.Kind != right.Kind || left is not (RegoNumber or RegoString))
        {
            throw new FormatException("template: incompatible types for comparison");
        }

        var order = left.CompareTo(right);
        return name switch
        {
            "lt" => order < 0,
            "le" => order <= 0,
            "gt" => order > 0,
            _ => order >= 0,
        };
    }
}
