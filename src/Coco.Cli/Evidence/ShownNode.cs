// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json.Nodes;

namespace Coco.Cli.EvidenceCommands;

/// <summary>A field to show: a name, a value, and fields inside it.</summary>
/// <param name="Name">Its name in the vendor's document.</param>
/// <param name="Value">Its value as text; null where it is only a heading.</param>
internal sealed record ShownNode(string Name, string? Value = null)
{
    private readonly List<ShownNode> _children = [];

    /// <summary>The fields inside.</summary>
    public IReadOnlyList<ShownNode> Children => _children;

    /// <summary>Adds a field.</summary>
    public ShownNode Add(string name, string? value)
    {
        _children.Add(new ShownNode(name, value));
        return this;
    }

    /// <summary>Adds bytes, as hexadecimal.</summary>
    public ShownNode Add(string name, ReadOnlyMemory<byte> bytes) => Add(name, Convert.ToHexStringLower(bytes.Span));

    /// <summary>Adds a field with fields inside, and gives it.</summary>
    public ShownNode Open(string name, string? value = null)
    {
        var child = new ShownNode(name, value);
        _children.Add(child);
        return child;
    }

    /// <summary>Adds a node.</summary>
    public ShownNode Add(ShownNode child)
    {
        _children.Add(child);
        return this;
    }

    /// <summary>Turns JSON into fields.</summary>
    public static ShownNode FromJson(string name, JsonNode? json)
    {
        switch (json)
        {
            case JsonObject o:
                var node = new ShownNode(name);
                foreach ((string key, JsonNode? value) in o)
                {
                    node._children.Add(FromJson(key, value));
                }

                return node;
            case JsonArray a when a.Count > 0 && a.All(i => i is JsonObject or JsonArray):
                var list = new ShownNode(name);
                for (int i = 0; i < a.Count; i++)
                {
                    list._children.Add(FromJson($"[{i}]", a[i]));
                }

                return list;
            case JsonArray a:
                return new ShownNode(name, "[" + string.Join(", ", a.Select(i => i?.ToString() ?? "null")) + "]");
            default:
                return new ShownNode(name, json?.ToString() ?? "null");
        }
    }

    /// <summary>For people: one line a field, indented.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        Write(text, 0);
        return text.ToString();
    }

    /// <summary>For programs.</summary>
    public JsonNode? ToJson()
    {
        if (_children.Count == 0)
        {
            return Value is null ? new JsonObject() : JsonValue.Create(Value);
        }

        var json = new JsonObject();
        if (Value is not null)
        {
            json["value"] = Value;
        }

        foreach (ShownNode child in _children)
        {
            string name = child.Name;
            for (int n = 2; json.ContainsKey(name); n++)
            {
                name = $"{child.Name} ({n})";
            }

            json[name] = child.ToJson();
        }

        return json;
    }

    private void Write(StringBuilder text, int depth)
    {
        text.Append(' ', depth * 2).Append(Name);
        if (Value is not null)
        {
            text.Append(' ', Math.Max(1, 26 - Name.Length - (depth * 2))).Append(Value);
        }

        text.Append('\n');
        foreach (ShownNode child in _children)
        {
            child.Write(text, depth + 1);
        }
    }
}
