// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Tomlyn;
using Tomlyn.Model;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace Coco.Protocol;

/// <summary>Reads TOML 1.0 from outside into the JSON model: tables become objects in the order of the text, dates become text.</summary>
public static class TomlJson
{
    /// <summary>Default limit of size in bytes: 1 MiB.</summary>
    public const int DefaultMaxBytes = 1 << 20;

    private const int MaxDepth = 64;

    /// <summary>Reads a document. Refused: larger than <paramref name="maxBytes"/>, deeper than 64, duplicate keys, not UTF-8, infinities and NaN.</summary>
    public static Result<JsonObject> Parse(ReadOnlySpan<byte> utf8, int maxBytes = DefaultMaxBytes)
    {
        if (utf8.Length > maxBytes)
        {
            return new Refusal(RefusalCode.TooLarge, $"TOML of {utf8.Length} bytes, {maxBytes} are allowed");
        }

        return System.Text.Unicode.Utf8.IsValid(utf8)
            ? Read(Encoding.UTF8.GetString(utf8))
            : new Refusal(RefusalCode.Malformed, "TOML is not valid UTF-8");
    }

    /// <summary>The same for text.</summary>
    public static Result<JsonObject> Parse(string text, int maxBytes = DefaultMaxBytes)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > maxBytes || Encoding.UTF8.GetByteCount(text) > maxBytes)
        {
            return new Refusal(RefusalCode.TooLarge, $"TOML of {text.Length} characters, {maxBytes} bytes are allowed");
        }

        return Read(text);
    }

    private static Result<JsonObject> Read(string text)
    {
        // The library's parser recurses for nested arrays and inline tables before it looks at its own limit.
        if (MaxBrackets(text) > MaxDepth)
        {
            return new Refusal(RefusalCode.TooLarge, $"TOML is nested deeper than {MaxDepth}");
        }

        TomlTable? table;
        try
        {
            table = TomlSerializer.Deserialize(text, TomlTableContext.Default.TomlTable);
        }
        catch (TomlException e)
        {
            // The library's words repeat the text, which may be a secret.
            return At("not TOML", e.Line ?? 0, e.Column ?? 0);
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException or InvalidOperationException)
        {
            return new Refusal(RefusalCode.Malformed, "not TOML: a value is out of range");
        }

        if (table is null)
        {
            return new JsonObject();
        }

        if (!Convert(table, string.Empty, 0).TryGet(out JsonObject? json, out Refusal? refusal))
        {
            return refusal;
        }

        return CheckUnique(text) is { } twice ? twice : json;
    }

    // Reading into tables lets the last of two equal keys win; the syntax tree's validation is where TOML's rule is kept.
    private static Refusal? CheckUnique(string text)
    {
        DocumentSyntax document = SyntaxParser.Parse(text, string.Empty, validate: true);
        if (!document.HasErrors)
        {
            return null;
        }

        DiagnosticMessage first = document.Diagnostics[0];
        string what = first.Message.Contains("already defined", StringComparison.Ordinal) ? "not TOML: a key is defined twice" : "not TOML";
        return At(what, first.Span.Start.Line + 1, first.Span.Start.Column + 1);
    }

    private static Refusal At(string what, int line, int column) =>
        new(RefusalCode.Malformed, string.Create(CultureInfo.InvariantCulture, $"{what}: line {line}, column {column}"));

    private static Result<JsonObject> Convert(TomlTable table, string path, int depth)
    {
        if (depth > MaxDepth)
        {
            return new Refusal(RefusalCode.TooLarge, $"TOML is nested deeper than {MaxDepth}");
        }

        var json = new JsonObject();
        foreach ((string key, object? value) in table)
        {
            string inner = path.Length == 0 ? key : path + "." + key;
            if (!ConvertValue(value, inner, depth + 1, out JsonNode? node, out Refusal? refusal))
            {
                return refusal!;
            }

            json[key] = node;
        }

        return json;
    }

    private static bool ConvertValue(object? value, string path, int depth, out JsonNode? node, out Refusal? refusal)
    {
        node = null;
        refusal = null;
        switch (value)
        {
            case string s:
                node = JsonValue.Create(s);
                return true;
            case bool b:
                node = JsonValue.Create(b);
                return true;
            case long l:
                node = JsonValue.Create(l);
                return true;
            case double d when double.IsFinite(d):
                node = JsonValue.Create(d);
                return true;
            case TomlDateTime date:
                node = JsonValue.Create(date.ToString());
                return true;
            case TomlTable table:
                if (Convert(table, path, depth).TryGet(out JsonObject? json, out refusal))
                {
                    node = json;
                    return true;
                }

                return false;
            case TomlTableArray tables:
                return ConvertList(tables, path, depth, out node, out refusal);
            case TomlArray array:
                return ConvertList(array, path, depth, out node, out refusal);
            default:
                refusal = new Refusal(RefusalCode.Malformed, $"{path}: a value of this kind has no JSON form") { Field = path };
                return false;
        }
    }

    private static bool ConvertList(System.Collections.IEnumerable items, string path, int depth, out JsonNode? node, out Refusal? refusal)
    {
        node = null;
        refusal = null;
        if (depth > MaxDepth)
        {
            refusal = new Refusal(RefusalCode.TooLarge, $"TOML is nested deeper than {MaxDepth}");
            return false;
        }

        var list = new JsonArray();
        foreach (object? item in items)
        {
            if (!ConvertValue(item, path + "[" + list.Count.ToString(CultureInfo.InvariantCulture) + "]", depth + 1, out JsonNode? inner, out refusal))
            {
                return false;
            }

            list.Add(inner);
        }

        node = list;
        return true;
    }

    // Counts brackets that are open outside of strings and comments; never fewer than the parser will see.
    private static int MaxBrackets(string text)
    {
        int open = 0;
        int most = 0;
        for (int i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '[' or '{':
                    most = Math.Max(most, ++open);
                    break;
                case ']' or '}':
                    open = Math.Max(0, open - 1);
                    break;
                case '#':
                    i = text.IndexOf('\n', i);
                    if (i < 0)
                    {
                        return most;
                    }

                    break;
                case '"' or '\'':
                    i = EndOfString(text, i);
                    break;
                default:
                    break;
            }
        }

        return most;
    }

    private static int EndOfString(string text, int start)
    {
        char quote = text[start];
        bool basic = quote == '"';
        if (string.CompareOrdinal(text, start, basic ? "\"\"\"" : "'''", 0, 3) == 0)
        {
            for (int i = start + 3; i < text.Length; i++)
            {
                if (basic && text[i] == '\\')
                {
                    i++;
                }
                else if (text[i] == quote && string.CompareOrdinal(text, i, basic ? "\"\"\"" : "'''", 0, 3) == 0)
                {
                    // Up to two more quotes belong to the content.
                    int end = i + 2;
                    while (end + 1 < text.Length && text[end + 1] == quote && end < i + 4)
                    {
                        end++;
                    }

                    return end;
                }
            }

            return text.Length;
        }

        for (int i = start + 1; i < text.Length; i++)
        {
            if (basic && text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == quote || text[i] == '\n')
            {
                return i;
            }
        }

        return text.Length;
    }
}
