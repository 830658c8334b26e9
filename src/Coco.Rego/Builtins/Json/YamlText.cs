// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using Coco.Rego.Functions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Coco.Rego.Builtins.Json;

/// <summary>YAML documents that say what JSON can say. Only the first document of a stream is read.</summary>
internal static class YamlText
{
    private const int MaxDepth = 256;

    /// <summary>Reads the first document; the error names the line.</summary>
    public static bool TryRead(BuiltinContext context, string text, out RegoValue value, out string error)
    {
        context.Charge(text.Length / 8);
        value = RegoValue.Null;
        error = "";
        try
        {
            var parser = new Parser(new StringReader(text));
            parser.Consume<StreamStart>();
            if (parser.TryConsume<StreamEnd>(out _))
            {
                return true;
            }

            parser.Consume<DocumentStart>();
            value = new Reader(context, parser).Node(0);
            parser.Consume<DocumentEnd>();
            return true;
        }
        catch (YamlException e)
        {
            error = $"yaml: line {e.Start.Line}: {Words(e.Message)}";
            return false;
        }
    }

    /// <summary>Block style, members sorted.</summary>
    public static string Write(BuiltinContext context, RegoValue value)
    {
        var result = new StringBuilder();
        Write(context, result, value, 0, inSequence: false);
        if (result.Length == 0 || result[^1] != '\n')
        {
            result.Append('\n');
        }

        return result.ToString();
    }

    // "While parsing …, did not find …" is said by its second half.
    private static string Words(string message)
    {
        var at = message.IndexOf("did not find", StringComparison.Ordinal);
        var words = at >= 0 ? message[at..] : message;
        return words.TrimEnd('.');
    }

    private static void Write(BuiltinContext context, StringBuilder result, RegoValue value, int level, bool inSequence)
    {
        context.Charge(1);
        context.ChargeOutput(result.Length + (2L * level));
        switch (value)
        {
            case RegoObject { Count: > 0 } members:
                for (var i = 0; i < members.Count; i++)
                {
                    if (i > 0 || !inSequence)
                    {
                        result.Append(' ', 2 * level);
                    }

                    result.Append(Scalar(members.Keys[i] is RegoString name ? name.Value : members.Keys[i].ToJson(), members.Keys[i] is RegoString)).Append(':');
                    Member(context, result, members.Values[i], level);
                }

                break;
            case RegoArray { Count: > 0 } or RegoSet { Count: > 0 }:
                var items = value.ItemsOf();
                for (var i = 0; i < items.Length; i++)
                {
                    if (i > 0 || !inSequence)
                    {
                        result.Append(' ', 2 * level);
                    }

                    result.Append("- ");
                    Write(context, result, items[i], level + 1, inSequence: true);
                }

                break;
            default:
                result.Append(Flow(value)).Append('\n');
                break;
        }
    }

    private static void Member(BuiltinContext context, StringBuilder result, RegoValue value, int level)
    {
        if (value.KeysOf().Length == 0)
        {
            result.Append(' ').Append(Flow(value)).Append('\n');
            return;
        }

        result.Append('\n');

        // A sequence stands at the same indentation as the key it belongs to.
        Write(context, result, value, value is RegoObject ? level + 1 : level, inSequence: false);
    }

    private static string Flow(RegoValue value) => value switch
    {
        RegoString text => Scalar(text.Value, isText: true),
        RegoObject => "{}",
        RegoArray or RegoSet => "[]",
        _ => value.ToJson(),
    };

    // Plain where nothing in it can be taken for something else; otherwise as a JSON string, which YAML includes.
    private static string Scalar(string text, bool isText)
    {
        var plain = text.Length > 0
            && (char.IsAsciiLetter(text[0]) || text[0] is '_' or '/' or '.')
            && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/' or ' ' or '+' or '=' or '@' or '(' or ')')
            && text[^1] != ' '
            && Resolve(text) is RegoString
            && text.ToLowerInvariant() is not ("y" or "n" or "yes" or "no" or "on" or "off");
        return plain || !isText ? text : RegoString.Of(text).ToJson();
    }

    // The core schema of YAML 1.2.
    private static RegoValue Resolve(string text)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return RegoValue.Null;
            case "true" or "True" or "TRUE":
                return RegoValue.True;
            case "false" or "False" or "FALSE":
                return RegoValue.False;
        }

        if (text.StartsWith("0x", StringComparison.Ordinal)
            && System.Numerics.BigInteger.TryParse("0" + text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex)
            && text.Length is > 2 and < 64)
        {
            return RegoNumber.Of(hex);
        }

        if (text.StartsWith("0o", StringComparison.Ordinal) && text.Length is > 2 and < 22 && text.AsSpan(2).IndexOfAnyExceptInRange('0', '7') < 0)
        {
            return RegoNumber.Of(Convert.ToInt64(text[2..], 8));
        }

        var digits = text[0] is '-' or '+' ? text.AsSpan(1) : text;
        return !digits.IsEmpty && (char.IsAsciiDigit(digits[0]) || digits[0] == '.') && NumberText.TryParse(text, out var number) ? number : text;
    }

    private sealed class Reader(BuiltinContext context, Parser parser)
    {
        private readonly Dictionary<string, RegoValue> _anchors = new(StringComparer.Ordinal);

        public RegoValue Node(int depth)
        {
            context.Charge(1);
            context.ChargeValues(1);
            if (depth > MaxDepth)
            {
                throw new YamlException(parser.Current!.Start, parser.Current.End, "exceeded max depth");
            }

            if (parser.TryConsume<AnchorAlias>(out var alias))
            {
                return _anchors.TryGetValue(alias.Value.Value, out var known)
                    ? known
                    : throw new YamlException(alias.Start, alias.End, $"unknown anchor '{alias.Value.Value}' referenced");
            }

            var anchor = (parser.Current as NodeEvent)?.Anchor ?? AnchorName.Empty;
            RegoValue value;
            if (parser.TryConsume<Scalar>(out var scalar))
            {
                value = scalar.IsPlainImplicit && scalar.Style == ScalarStyle.Plain && scalar.Tag.IsEmpty
                    ? Resolve(scalar.Value)
                    : Tagged(scalar);
            }
            else
            {
                value = parser.Accept<SequenceStart>(out _) ? Sequence(depth) : Mapping(depth);
            }

            if (!anchor.IsEmpty)
            {
                _anchors[anchor.Value] = value;
            }

            return value;
        }

        private static RegoValue Tagged(Scalar scalar) => scalar.Tag.IsEmpty || scalar.Tag.IsNonSpecific ? scalar.Value : scalar.Tag.Value switch
        {
            "tag:yaml.org,2002:int" or "tag:yaml.org,2002:float" or "tag:yaml.org,2002:bool" or "tag:yaml.org,2002:null" => Resolve(scalar.Value),
            _ => scalar.Value,
        };

        private RegoArray Sequence(int depth)
        {
            parser.Consume<SequenceStart>();
            var items = new List<RegoValue>();
            while (!parser.TryConsume<SequenceEnd>(out _))
            {
                items.Add(Node(depth + 1));
            }

            return RegoArray.OfList(items);
        }

        private RegoObject Mapping(int depth)
        {
            parser.Consume<MappingStart>();
            var merged = RegoObject.Empty;
            var keys = new List<RegoValue>();
            var values = new List<RegoValue>();
            var seen = new HashSet<RegoValue>();
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                var start = parser.Current!.Start;
                var key = Node(depth + 1);
                var value = Node(depth + 1);
                if (key is RegoString { Value: "<<" } && value is RegoObject or RegoArray && key.Equals(RegoString.Of("<<")))
                {
                    foreach (var source in value is RegoArray list ? list.Items : [value])
                    {
                        merged = source is RegoObject members ? CollectionBuiltins.Merge(context, members, merged) : merged;
                    }

                    continue;
                }

                // Keys of JSON are strings.
                RegoValue name = key is RegoString ? key : key.ToJson();
                if (!seen.Add(name))
                {
                    throw new YamlException(start, start, $"key {name} already set in map");
                }

                keys.Add(name);
                values.Add(value);
            }

            var own = RegoObject.Adopt([.. keys], [.. values]);
            if (merged.Count == 0)
            {
                return own;
            }

            foreach (var (key, value) in keys.Zip(values))
            {
                merged = merged.With(key, value);
            }

            return merged;
        }
    }
}
