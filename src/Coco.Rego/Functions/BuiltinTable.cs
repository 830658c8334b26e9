// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using Coco.Rego.Builtins;

namespace Coco.Rego.Functions;

/// <summary>All built-in functions by name.</summary>
internal static class BuiltinTable
{
    private static readonly Lazy<FrozenDictionary<string, Builtin>> Functions = new(Load);

    /// <summary>The function of a name; null when there is none.</summary>
    internal static Builtin? Find(string name) => Functions.Value.GetValueOrDefault(name);

    /// <summary>All names.</summary>
    internal static IEnumerable<string> Names => Functions.Value.Keys;

    private static FrozenDictionary<string, Builtin> Load()
    {
        var table = new Dictionary<string, Builtin>(StringComparer.Ordinal);
        foreach (Builtin one in OperatorBuiltins.All())
        {
            table.Add(one.Name, one);
        }

        foreach (Builtin one in PolicyBuiltins.All())
        {
            table.Add(one.Name, one);
        }

        foreach (Builtin one in BuiltinLibrary.All())
        {
            table.Add(one.Name, one);
        }

        return table.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
