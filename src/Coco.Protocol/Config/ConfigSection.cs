// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Protocol;

/// <summary>A table of a configuration, read key by key. Each mistake is noted with its path and reading goes on; what was never asked for is unknown.</summary>
public sealed class ConfigSection
{
    private readonly JsonObject _table;
    private readonly ConfigProblems _problems;
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    internal ConfigSection(JsonObject table, string path, ConfigProblems problems)
    {
        _table = table;
        Path = path;
        _problems = problems;
    }

    /// <summary>The path from the top; empty for the top itself.</summary>
    public string Path { get; }

    /// <summary>The keys that are there.</summary>
    public IEnumerable<string> Keys => _table.Select(m => m.Key);

    /// <summary>Whether a key is there (and not null).</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>A text; null when absent.</summary>
    /// <param name="key">The key.</param>
    /// <param name="aliases">Older spellings that mean the same.</param>
    public string? Text(string key, params ReadOnlySpan<string> aliases)
    {
        (JsonNode? node, string name) = Find(key, aliases);
        if (node is null)
        {
            return null;
        }

        if (node is JsonValue value && value.GetValueKind() == JsonValueKind.String)
        {
            return value.GetValue<string>();
        }

        Wrong(name, node, "a text");
        return null;
    }

    /// <summary>A text that must be there; empty (and a noted mistake) when it is not.</summary>
    public string RequireText(string key, params ReadOnlySpan<string> aliases)
    {
        if (Find(key, aliases).Node is null)
        {
            _problems.Error(Join(key), "missing", "a text");
            return string.Empty;
        }

        return Text(key, aliases) ?? string.Empty;
    }

    /// <summary>One of some words; null when absent.</summary>
    public string? Choice(string key, params ReadOnlySpan<string> allowed)
    {
        string? text = Text(key);
        if (text is null || allowed.Contains(text))
        {
            return text;
        }

        _problems.Error(Join(key), $"'{text}'", string.Join(", ", allowed.ToArray()));
        return null;
    }

    /// <summary>A truth value; null when absent.</summary>
    public bool? Flag(string key, params ReadOnlySpan<string> aliases)
    {
        (JsonNode? node, string name) = Find(key, aliases);
        switch (node?.GetValueKind())
        {
            case null:
                return null;
            case JsonValueKind.True:
                return true;
            case JsonValueKind.False:
                return false;
            default:
                Wrong(name, node, "true or false");
                return null;
        }
    }

    /// <summary>A whole number within bounds; null when absent.</summary>
    public long? Number(string key, long min = 0, long max = long.MaxValue, params ReadOnlySpan<string> aliases)
    {
        (JsonNode? node, string name) = Find(key, aliases);
        if (node is null)
        {
            return null;
        }

        if (node is JsonValue value && value.GetValueKind() == JsonValueKind.Number
            && long.TryParse(value.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= min && number <= max)
        {
            return number;
        }

        Wrong(name, node, string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}"));
        return null;
    }

    /// <summary>A table; null when absent.</summary>
    public ConfigSection? Section(string key, params ReadOnlySpan<string> aliases)
    {
        (JsonNode? node, string name) = Find(key, aliases);
        switch (node)
        {
            case null:
                return null;
            case JsonObject table:
                return new ConfigSection(table, Join(name), _problems);
            default:
                Wrong(name, node, "a table");
                return null;
        }
    }

    /// <summary>A list of tables; empty when absent.</summary>
    public ImmutableArray<ConfigSection> Sections(string key)
    {
        ImmutableArray<ConfigSection>.Builder all = ImmutableArray.CreateBuilder<ConfigSection>();
        foreach ((JsonNode? item, string path) in Items(key, "a list of tables"))
        {
            if (item is JsonObject table)
            {
                all.Add(new ConfigSection(table, path, _problems));
            }
            else
            {
                _problems.Error(path, Describe(item), "a table");
            }
        }

        return all.ToImmutable();
    }

    /// <summary>A list of texts; empty when absent.</summary>
    public ImmutableArray<string> Texts(string key)
    {
        ImmutableArray<string>.Builder all = ImmutableArray.CreateBuilder<string>();
        foreach ((JsonNode? item, string path) in Items(key, "a list of texts"))
        {
            if (item is JsonValue value && value.GetValueKind() == JsonValueKind.String)
            {
                all.Add(value.GetValue<string>());
            }
            else
            {
                _problems.Error(path, Describe(item), "a text");
            }
        }

        return all.ToImmutable();
    }

    /// <summary>Any value, for what a plugin reads itself; null when absent.</summary>
    public JsonNode? Raw(string key) => Find(key);

    /// <summary>Notes a mistake of this section's own rules.</summary>
    public void Error(string key, string found, string allowed) => _problems.Error(key.Length == 0 ? Path : Join(key), found, allowed);

    /// <summary>Notes a warning.</summary>
    public void Warn(string key, string found, string allowed) => _problems.Warn(key.Length == 0 ? Path : Join(key), found, allowed);

    /// <summary>Notes every key that was never asked for: an error in sections of security, a warning elsewhere.</summary>
    public void CheckUnknownKeys(bool isError)
    {
        foreach ((string key, JsonNode? _) in _table)
        {
            if (_asked.Contains(key))
            {
                continue;
            }

            string allowed = string.Join(", ", _asked.Order(StringComparer.Ordinal));
            if (isError)
            {
                _problems.Error(Join(key), "unknown key", allowed);
            }
            else
            {
                _problems.Warn(Join(key), "unknown key", allowed);
            }
        }
    }

    private static string Describe(JsonNode? node) => node?.GetValueKind() switch
    {
        null => "nothing",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "the number " + node.ToJsonString(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Array => "a list",
        _ => "a table",
    };

    private string Join(string key) => Path.Length == 0 ? key : Path + "." + key;

    private void Wrong(string key, JsonNode node, string allowed) => _problems.Error(Join(key), Describe(node), allowed);

    private JsonNode? Find(string key)
    {
        _asked.Add(key);
        return _table.TryGetPropertyValue(key, out JsonNode? node) ? node : null;
    }

    private (JsonNode? Node, string Name) Find(string key, ReadOnlySpan<string> aliases)
    {
        JsonNode? node = Find(key);
        string name = key;
        foreach (string alias in aliases)
        {
            if (Find(alias) is not { } other)
            {
                continue;
            }

            if (node is not null)
            {
                _problems.Error(Join(alias), "the same as " + name, "one of the two");
                continue;
            }

            (node, name) = (other, alias);
        }

        return (node, name);
    }

    private IEnumerable<(JsonNode? Item, string Path)> Items(string key, string allowed)
    {
        JsonNode? node = Find(key);
        if (node is null)
        {
            yield break;
        }

        if (node is not JsonArray list)
        {
            Wrong(key, node, allowed);
            yield break;
        }

        for (int i = 0; i < list.Count; i++)
        {
            yield return (list[i], string.Create(CultureInfo.InvariantCulture, $"{Join(key)}[{i}]"));
        }
    }
}
