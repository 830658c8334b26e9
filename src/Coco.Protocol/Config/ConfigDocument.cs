// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Protocol;

/// <summary>A configuration as one tree, whatever its syntax was: the file, then the environment over it, then single settings; the last wins. Not thread-safe while it is built.</summary>
public sealed class ConfigDocument
{
    private const int MaxDepth = 64;
    private const int MaxItems = 4096;

    /// <summary>An empty configuration.</summary>
    public ConfigDocument()
        : this([])
    {
    }

    private ConfigDocument(JsonObject root) => Root = root;

    /// <summary>The tree.</summary>
    public JsonObject Root { get; }

    /// <summary>The syntax that a file's name stands for: <c>.toml</c>, <c>.json</c>, <c>.yaml</c>, <c>.yml</c>; TOML for other names.</summary>
    public static ConfigSyntax SyntaxOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".JSON" => ConfigSyntax.Json,
        ".YAML" or ".YML" => ConfigSyntax.Yaml,
        _ => ConfigSyntax.Toml,
    };

    /// <summary>Reads a file's content (at most 1 MiB, depth 64, no duplicate keys). The top level must be a table.</summary>
    public static Result<ConfigDocument> Parse(ReadOnlySpan<byte> content, ConfigSyntax syntax)
    {
        switch (syntax)
        {
            case ConfigSyntax.Toml:
                {
                    return TomlJson.Parse(content).TryGet(out JsonObject? toml, out Refusal? refusal) ? new ConfigDocument(toml) : refusal;
                }

            case ConfigSyntax.Json:
                {
                    return HostileJson.ParseObject(content).TryGet(out JsonElement json, out Refusal? refusal) ? new ConfigDocument(JsonObject.Create(json)!) : refusal;
                }

            case ConfigSyntax.Yaml:
                {
                    if (!YamlJson.Parse(content).TryGet(out JsonNode? yaml, out Refusal? refusal))
                    {
                        return refusal;
                    }

                    return yaml is JsonObject map ? new ConfigDocument(map) : new Refusal(RefusalCode.Malformed, "YAML: the top level is not a mapping");
                }

            default:
                throw new ArgumentOutOfRangeException(nameof(syntax));
        }
    }

    /// <summary>
    /// Lays environment variables over the tree: <c>COCO_KBS__HTTP_SERVER__INSECURE_HTTP=true</c> sets <c>http_server.insecure_http</c> when the prefix is
    /// <c>COCO_KBS__</c>. Names are taken in lower case, in the order of the names.
    /// </summary>
    public Refusal? ApplyEnvironment(IEnumerable<KeyValuePair<string, string>> variables, string prefix)
    {
        ArgumentNullException.ThrowIfNull(variables);
        ArgumentException.ThrowIfNullOrEmpty(prefix);
        foreach ((string name, string value) in variables.Where(v => v.Key.StartsWith(prefix, StringComparison.Ordinal)).OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            string[] path = name[prefix.Length..].ToLowerInvariant().Split("__");
            if (Set(path, value) is { } refusal)
            {
                return refusal.Within(name);
            }
        }

        return null;
    }

    /// <summary>Lays one setting over the tree: <c>http_server.insecure_http=true</c>. A part of the path in double quotes may hold dots; a number names an item of a list.</summary>
    public Refusal? ApplySetting(string setting)
    {
        ArgumentNullException.ThrowIfNull(setting);
        if (!TrySplit(setting, out List<string> path, out string value))
        {
            return new Refusal(RefusalCode.Malformed, $"a setting is key.key=value, not '{(setting.Length > 80 ? setting[..80] + "…" : setting)}'");
        }

        return Set(path, value) is { } refusal ? refusal.Within("--set " + string.Join('.', path)) : null;
    }

    /// <summary>The tree as a section to read typed values from.</summary>
    /// <param name="problems">Where mistakes are gathered.</param>
    public ConfigSection AsSection(ConfigProblems problems) => new(Root, string.Empty, problems);

    private static bool TrySplit(string setting, out List<string> path, out string value)
    {
        path = [];
        value = string.Empty;
        int at = 0;
        while (at < setting.Length)
        {
            string part;
            if (setting[at] == '"')
            {
                int end = setting.IndexOf('"', at + 1);
                if (end < 0)
                {
                    return false;
                }

                part = setting[(at + 1)..end];
                at = end + 1;
            }
            else
            {
                int end = setting.AsSpan(at).IndexOfAny('.', '=');
                if (end < 0)
                {
                    return false;
                }

                part = setting.Substring(at, end);
                at += end;
            }

            if (part.Length == 0 || at >= setting.Length)
            {
                return false;
            }

            path.Add(part);
            if (setting[at] == '=')
            {
                value = setting[(at + 1)..];
                return true;
            }

            if (setting[at] != '.')
            {
                return false;
            }

            at++;
        }

        return false;
    }

    private Refusal? Set(IReadOnlyList<string> path, string text)
    {
        if (path.Count is 0 or > MaxDepth || path.Any(p => p.Length == 0))
        {
            return new Refusal(RefusalCode.Malformed, "the key is empty or too deep");
        }

        JsonNode current = Root;
        for (int i = 0; i < path.Count; i++)
        {
            bool last = i == path.Count - 1;
            string part = path[i];
            switch (current)
            {
                case JsonObject map:
                    if (last)
                    {
                        map[part] = Value(text, map[part]);
                        return null;
                    }

                    if (map[part] is not { } inner)
                    {
                        inner = new JsonObject();
                        map[part] = inner;
                    }

                    current = inner;
                    break;
                case JsonArray list:
                    if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int index) || index > list.Count || index >= MaxItems)
                    {
                        return new Refusal(RefusalCode.Malformed, $"'{string.Join('.', path.Take(i))}' is a list of {list.Count}: '{part}' is no item of it");
                    }

                    if (index == list.Count)
                    {
                        list.Add((JsonNode?)(last ? null : new JsonObject()));
                    }

                    if (last)
                    {
                        list[index] = Value(text, list[index]);
                        return null;
                    }

                    if (list[index] is not { } item)
                    {
                        item = new JsonObject();
                        list[index] = item;
                    }

                    current = item;
                    break;
                default:
                    return new Refusal(RefusalCode.Malformed, $"'{string.Join('.', path.Take(i))}' is a value, so '{part}' cannot be in it");
            }
        }

        return null;
    }

    // JSON where it is JSON, else text; but what is text in the file stays text ("1234" as a password).
    private static JsonNode? Value(string text, JsonNode? present)
    {
        if (present is JsonValue old && old.GetValueKind() == JsonValueKind.String && !text.StartsWith('"'))
        {
            return JsonValue.Create(text);
        }

        if (text.Length > 0 && (text[0] is '{' or '[' or '"' or '-' || char.IsAsciiDigit(text[0]) || text is "true" or "false" or "null")
            && HostileJson.Parse(text).TryGet(out JsonElement element, out _))
        {
            return element.ValueKind switch
            {
                JsonValueKind.Object => JsonObject.Create(element),
                JsonValueKind.Array => JsonArray.Create(element),
                JsonValueKind.Null => null,
                _ => JsonValue.Create(element),
            };
        }

        return JsonValue.Create(text);
    }
}
