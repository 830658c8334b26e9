// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;

namespace Coco.KeyBroker;

/// <summary>A JSON pointer (RFC 6901) to a member; arrays are indexed by number.</summary>
internal sealed class JsonPointer
{
    private readonly ImmutableArray<string> _names;

    private JsonPointer(ImmutableArray<string> names) => _names = names;

    /// <summary>Parses; an empty text or one that does not begin with a slash is refused.</summary>
    public static Result<JsonPointer> Parse(string text)
    {
        if (text.Length < 2 || text[0] != '/')
        {
            return new Refusal(RefusalCode.Malformed, $"'{text}' is not a JSON pointer");
        }

        return new JsonPointer([.. text[1..].Split('/').Select(n => n.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))]);
    }

    public bool TryFind(JsonElement root, out JsonElement found)
    {
        found = root;
        foreach (string name in _names)
        {
            switch (found.ValueKind)
            {
                case JsonValueKind.Object when found.TryGetProperty(name, out JsonElement member):
                    found = member;
                    break;
                case JsonValueKind.Array when int.TryParse(name, System.Globalization.NumberStyles.None, null, out int index) && index < found.GetArrayLength():
                    found = found[index];
                    break;
                default:
                    return false;
            }
        }

        return true;
    }
}
