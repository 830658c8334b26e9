// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Rego;

/// <summary>How modules are read and compiled.</summary>
public sealed record RegoCompileOptions
{
    /// <summary>v1 with v0 where only that parses, no grants, and the host function <c>query_reference_value</c> with one argument.</summary>
    public static RegoCompileOptions Default { get; } = new();

    /// <summary>Which syntax is read. Default: v1, and v0 for modules that are not v1.</summary>
    public RegoVersion Version { get; init; } = RegoVersion.V1OrV0;

    /// <summary>What of the outside world policies may use. Default: nothing.</summary>
    public RegoGrants Grants { get; init; } = RegoGrants.None;

    /// <summary>Functions of the host by name, with the number of their arguments. Default: <c>query_reference_value</c>, 1.</summary>
    public ImmutableDictionary<string, int> HostFunctions { get; init; } =
        ImmutableDictionary<string, int>.Empty.Add("query_reference_value", 1);

    /// <summary>Longest source in characters. Default: 16 Mi.</summary>
    public int MaxSourceLength { get; init; } = 16 * 1024 * 1024;

    /// <summary>Data that is known when compiling; rules may not stand where data is. Default: none.</summary>
    public RegoValue? Data { get; init; }
}
