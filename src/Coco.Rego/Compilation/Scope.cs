// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Compilation;

/// <summary>The names of one body.</summary>
internal sealed class Scope(Scope? parent, CoreBody body)
{
    internal Scope? Parent { get; } = parent;

    internal CoreBody Body { get; } = body;

    internal Dictionary<string, Variable> Variables { get; } = new(StringComparer.Ordinal);

    /// <summary>Names that a declaration in this body introduces, maybe further down.</summary>
    internal HashSet<string> Declared { get; init; } = [];

    internal bool Knows(string name)
    {
        for (Scope? at = this; at is not null; at = at.Parent)
        {
            if (at.Variables.ContainsKey(name) || at.Declared.Contains(name))
            {
                return true;
            }
        }

        return false;
    }
}
