// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>Remembers from where in the input a collection comes, by reference, so that reads through variables have a path too.</summary>
internal sealed class InputPaths
{
    private readonly Dictionary<RegoValue, string> _paths = new(ReferenceEqualityComparer.Instance);

    internal void Root(RegoValue? input)
    {
        if (input is not null)
        {
            Note(input, "input");
        }
    }

    /// <summary>The path of a part; null when the value is not of the input.</summary>
    internal string? Of(RegoValue value, RegoValue key) => _paths.TryGetValue(value, out string? path) ? path + Part(key) : null;

    internal void Note(RegoValue value, string path)
    {
        // Empty collections are shared by all documents and scalars have no parts.
        if (value is RegoArray { Count: > 0 } or RegoObject { Count: > 0 })
        {
            _paths.TryAdd(value, path);
        }
    }

    internal void Children(RegoValue collection)
    {
        if (!_paths.TryGetValue(collection, out string? path))
        {
            return;
        }

        if (collection is RegoArray array)
        {
            for (int i = 0; i < array.Count; i++)
            {
                Note(array[i], path + "[" + i.ToString(System.Globalization.CultureInfo.InvariantCulture) + "]");
            }
        }
        else if (collection is RegoObject members)
        {
            for (int i = 0; i < members.Count; i++)
            {
                Note(members.Values[i], path + Part(members.Keys[i]));
            }
        }
    }

    private static string Part(RegoValue key) =>
        key is RegoString { Value: { Length: > 0 } name } && !char.IsAsciiDigit(name[0]) && name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_')
            ? "." + name
            : "[" + key + "]";
}
