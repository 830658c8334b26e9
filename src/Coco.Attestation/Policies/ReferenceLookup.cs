// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.Attestation.Policies;

/// <summary>The reference values of one appraisal: what is known, what was asked for, what is still needed. Not thread-safe.</summary>
internal sealed class ReferenceLookup
{
    private readonly Dictionary<string, JsonElement?> _known = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _asked = new(StringComparer.Ordinal);
    private readonly HashSet<string> _missing = new(StringComparer.Ordinal);

    /// <summary>The names that the policy asked for.</summary>
    public IReadOnlyCollection<string> Asked => _asked;

    /// <summary>Asked for, but not fetched yet.</summary>
    public IReadOnlyCollection<string> Missing => _missing;

    /// <summary>Notes what the provider answered; null means unknown.</summary>
    public void Put(string name, JsonElement? value)
    {
        _known[name] = value;
        _missing.Remove(name);
    }

    /// <summary>False when the name has to be fetched first.</summary>
    public bool TryGet(string name, out JsonElement? value)
    {
        _asked.Add(name);
        if (_known.TryGetValue(name, out value))
        {
            return true;
        }

        _missing.Add(name);
        return false;
    }

    /// <summary>What came back for a name that was asked for.</summary>
    public JsonElement? Answer(string name) => _known.GetValueOrDefault(name);
}
