// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Rego.Builtins.Json;
using Coco.Rego.Builtins.Text;
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Base64, hexadecimal, query strings, JSON and YAML. Decoded bytes that are not UTF-8 become U+FFFD.</summary>
internal static class EncodingBuiltins
{
    internal static IEnumerable<Builtin> All() =>
    [
        new("base64.encode", [Str], static (c, a) => Encode(c, a[0], 4, Convert.ToBase64String)),
        new("base64.decode", [Str], static (c, a) => Decode(c, a[0].TextOf(), url: false)),
        new("base64.is_valid", [Any], static (c, a) => a[0] is RegoString s && Base64Text.TryDecode(Charged(c, s.Value), url: false, out _, out _)),
        new("base64url.encode", [Str], static (c, a) => Encode(c, a[0], 4, static b => Base64Text.EncodeUrl(b, padded: true))),
        new("base64url.encode_no_pad", [Str], static (c, a) => Encode(c, a[0], 4, static b => Base64Text.EncodeUrl(b, padded: false))),
        new("base64url.decode", [Str], static (c, a) => Decode(c, a[0].TextOf(), url: true)),
        new("hex.encode", [Str], static (c, a) => Encode(c, a[0], 6, Convert.ToHexStringLower)),
        new("hex.decode", [Str], static (c, a) => DecodeHex(c, a[0].TextOf())),
        new("urlquery.encode", [Str], static (c, a) => Escape(c, a[0].TextOf())),
        new("urlquery.decode", [Str], static (c, a) => Unescape(c, a[0].TextOf())),
        new("urlquery.encode_object", [Obj], static (c, a) => EscapeObject(c, (RegoObject)a[0])),
        new("urlquery.decode_object", [Str], static (c, a) => UnescapeObject(c, a[0].TextOf())),
        new("json.marshal", [Any], static (c, a) => c.Output(JsonText.Write(c, a[0], JsonText.Style.Compact))),
        new("json.marshal_with_options", [Any, Obj], static (c, a) => MarshalWithOptions(c, a[0], (RegoObject)a[1])),
        new("json.unmarshal", [Str], static (c, a) => Unmarshal(c, a[0].TextOf())),
        new("json.is_valid", [Any], static (c, a) => a[0] is RegoString s && RegoValue.ParseJson(Charged(c, s.Value)).Refusal is null),
        new("yaml.marshal", [Any], static (c, a) => c.Output(YamlText.Write(c, a[0]))),
        new("yaml.unmarshal", [Str], static (c, a) => YamlText.TryRead(c, a[0].TextOf(), out var value, out var error) ? value : c.Fail(error)),
        new("yaml.is_valid", [Any], static (c, a) => a[0] is RegoString s && YamlText.TryRead(c, s.Value, out _, out _)),
    ];

    private static string Charged(BuiltinContext context, string text)
    {
        context.Charge(text.Length / 16);
        return text;
    }

    private static RegoValue Encode(BuiltinContext context, RegoValue value, int growth, Func<byte[], string> encode)
    {
        context.ChargeOutput(value.TextOf().Length * (long)growth / 3);
        return RegoString.Of(encode(Encoding.UTF8.GetBytes(value.TextOf())));
    }

    private static RegoValue? Decode(BuiltinContext context, string text, bool url) =>
        Base64Text.TryDecode(Charged(context, text), url, out var bytes, out var error)
            ? context.Output(Encoding.UTF8.GetString(bytes))
            : context.Fail(error);

    private static RegoValue? DecodeHex(BuiltinContext context, string text)
    {
        context.Charge(text.Length / 16);
        var bad = text.AsSpan().IndexOfAnyExcept("0123456789abcdefABCDEF");
        if (bad >= 0)
        {
            return context.Fail($"encoding/hex: invalid byte: {GoQuote.QuoteRune(text[bad], ascii: false)}");
        }

        return text.Length % 2 != 0
            ? context.Fail("encoding/hex: odd length hex string")
            : context.Output(Encoding.UTF8.GetString(Convert.FromHexString(text)));
    }

    private static RegoValue Escape(BuiltinContext context, string text)
    {
        context.ChargeOutput(text.Length);
        return context.Output(UrlQuery.Escape(text));
    }

    private static RegoValue? Unescape(BuiltinContext context, string text)
    {
        context.Charge(text.Length / 16);
        return UrlQuery.Unescape(text, out var error) is { } decoded ? context.Output(decoded) : context.Fail(error);
    }

    private static RegoValue? EscapeObject(BuiltinContext context, RegoObject members)
    {
        var result = new StringBuilder();
        for (var i = 0; i < members.Count; i++)
        {
            if (members.Keys[i] is not RegoString key)
            {
                return context.FailType($"operand 1 must be object containing string keys but got object containing {members.Keys[i].TypeName}");
            }

            ReadOnlySpan<RegoValue> values = members.Values[i] is RegoString ? new[] { members.Values[i] } : members.Values[i].ItemsOf();
            if (members.Values[i] is not (RegoString or RegoArray or RegoSet))
            {
                return context.FailOperand(1, "one of {string, array, set}", members.Values[i]);
            }

            foreach (var value in values)
            {
                if (value is not RegoString text)
                {
                    return context.FailType($"operand 1 must be string but got {value.TypeName}");
                }

                context.ChargeOutput(result.Length + (3L * (key.Value.Length + text.Value.Length)));
                result.Append(result.Length > 0 ? "&" : "").Append(UrlQuery.Escape(key.Value)).Append('=').Append(UrlQuery.Escape(text.Value));
            }
        }

        return RegoString.Of(result.ToString());
    }

    private static RegoValue? UnescapeObject(BuiltinContext context, string text)
    {
        context.Charge(text.Length / 16);
        var result = new Dictionary<RegoValue, List<RegoValue>>();
        foreach (var pair in text.Split('&'))
        {
            if (pair.Length == 0)
            {
                continue;
            }

            if (pair.Contains(';', StringComparison.Ordinal))
            {
                return context.Fail("invalid semicolon separator in query");
            }

            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var key = UrlQuery.Unescape(equals < 0 ? pair : pair.AsSpan(0, equals), out var keyError);
            var value = UrlQuery.Unescape(equals < 0 ? "" : pair.AsSpan(equals + 1), out var valueError);
            if (key is null || value is null)
            {
                return context.Fail(key is null ? keyError : valueError);
            }

            context.ChargeValues(2);
            if (!result.TryGetValue(key, out var values))
            {
                result[key] = values = [];
            }

            values.Add(value);
        }

        return RegoObject.Adopt([.. result.Keys], [.. result.Values.Select(static values => (RegoValue)RegoArray.OfList(values))]);
    }

    private static RegoValue? MarshalWithOptions(BuiltinContext context, RegoValue value, RegoObject options)
    {
        bool? pretty = null;
        var implied = false;
        string indent = "\t", prefix = "";
        for (var i = 0; i < options.Count; i++)
        {
            var option = options.Values[i];
            switch (options.Keys[i])
            {
                case RegoString { Value: "pretty" }:
                    if (option is not RegoBoolean flag)
                    {
                        return context.FailType($"operand 2 key \"pretty\" failed cast to bool");
                    }

                    pretty = flag.Value;
                    break;
                case RegoString { Value: "indent" or "prefix" } key:
                    if (option is not RegoString text)
                    {
                        return context.FailType($"operand 2 key \"{key.Value}\" failed cast to string");
                    }

                    (indent, prefix) = key.Value == "indent" ? (text.Value, prefix) : (indent, text.Value);
                    implied = true;
                    break;
                default:
                    return context.FailType($"operand 2 object contained unknown key {options.Keys[i]}");
            }
        }

        var style = pretty ?? implied ? new JsonText.Style(indent, prefix) : JsonText.Style.Compact;
        return context.Output(JsonText.Write(context, value, style));
    }

    private static RegoValue? Unmarshal(BuiltinContext context, string text)
    {
        var parsed = RegoValue.ParseJson(Charged(context, text));
        if (!parsed.TryGet(out var value, out var refusal))
        {
            return context.Fail(refusal.Detail);
        }

        return value;
    }
}
