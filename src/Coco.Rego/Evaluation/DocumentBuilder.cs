// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Evaluation;

/// <summary>Collects the entries of a partial object, which may be nested and may end in sets.</summary>
internal sealed class DocumentBuilder
{
    // A value, a set that grows, or a builder.
    private readonly Dictionary<RegoValue, object> _entries = [];

    /// <summary>How many entries were offered.</summary>
    internal int Added { get; private set; }

    /// <summary>Adds an entry; false when another one is in its way.</summary>
    internal bool Add(ReadOnlySpan<RegoValue> path, RegoValue value, bool isMember)
    {
        Added++;
        if (Descend(path) is not { } at)
        {
            return false;
        }

        if (!at._entries.TryGetValue(path[^1], out object? there))
        {
            at._entries.Add(path[^1], isMember ? new List<RegoValue> { value } : value);
            return true;
        }

        if (isMember)
        {
            if (there is not List<RegoValue> members)
            {
                return false;
            }

            members.Add(value);
            return true;
        }

        return there is RegoValue before && before.Equals(value);
    }

    /// <summary>Makes sure that there is a set, maybe an empty one.</summary>
    internal void AddEmptySet(ReadOnlySpan<RegoValue> path)
    {
        Descend(path)?._entries.TryAdd(path[^1], new List<RegoValue>());
    }

    /// <summary>The only value, however deep; null when there is none.</summary>
    internal RegoValue? Single()
    {
        object? at = this;
        while (at is DocumentBuilder builder)
        {
            at = builder._entries.Values.FirstOrDefault();
        }

        return at as RegoValue;
    }

    /// <summary>Adds an entry where there is none.</summary>
    internal void AddDefault(ReadOnlySpan<RegoValue> path, RegoValue value)
    {
        object? at = this;
        foreach (RegoValue key in path)
        {
            if (at is not DocumentBuilder builder)
            {
                return;
            }

            if (!builder._entries.TryGetValue(key, out at))
            {
                Add(path, value, isMember: false);
                return;
            }
        }
    }

    internal RegoObject Build()
    {
        var keys = new RegoValue[_entries.Count];
        var values = new RegoValue[_entries.Count];
        int i = 0;
        foreach ((RegoValue key, object entry) in _entries)
        {
            keys[i] = key;
            values[i++] = entry switch
            {
                RegoValue value => value,
                List<RegoValue> members => RegoSet.OfList(members),
                _ => ((DocumentBuilder)entry).Build(),
            };
        }

        return RegoObject.Adopt(keys, values);
    }

    // The builder of the last step but one; null when something else is in its way.
    private DocumentBuilder? Descend(ReadOnlySpan<RegoValue> path)
    {
        DocumentBuilder at = this;
        foreach (RegoValue key in path[..^1])
        {
            if (!at._entries.TryGetValue(key, out object? below))
            {
                below = new DocumentBuilder();
                at._entries.Add(key, below);
            }

            if (below is not DocumentBuilder deeper)
            {
                return null;
            }

            at = deeper;
        }

        return at;
    }
}
