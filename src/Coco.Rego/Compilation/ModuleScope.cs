// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Syntax;

namespace Coco.Rego.Compilation;

/// <summary>What names mean in one module, outside of rules.</summary>
internal sealed class ModuleScope(Module module, RegoValue[] package, HashSet<string> ruleNames)
{
    internal Module Module { get; } = module;

    internal RegoValue[] Package { get; } = package;

    /// <summary>First names of all rules of the package, from all of its modules.</summary>
    internal HashSet<string> RuleNames { get; } = ruleNames;

    internal Dictionary<string, (bool IsInput, RegoValue[] Path)> Imports { get; } = new(StringComparer.Ordinal);

    internal bool IsGlobal(string name) => name is "input" or "data" || Imports.ContainsKey(name) || RuleNames.Contains(name);
}
