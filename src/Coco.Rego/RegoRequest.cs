// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>What one evaluation is given.</summary>
public sealed record RegoRequest
{
    /// <summary>The input document; null for none.</summary>
    public RegoValue? Input { get; init; }

    /// <summary>Base data; null for that with which the program was compiled.</summary>
    public RegoValue? Data { get; init; }

    /// <summary>What it may use. Default: <see cref="RegoLimits.Default"/>.</summary>
    public RegoLimits Limits { get; init; } = RegoLimits.Default;

    /// <summary>The host's functions by name, as declared in <see cref="RegoCompileOptions.HostFunctions"/>.</summary>
    public IReadOnlyDictionary<string, RegoHostFunction>? Functions { get; init; }

    /// <summary>The outside world, as far as it was granted when compiling.</summary>
    public RegoHost Host { get; init; } = RegoHost.Default;

    /// <summary>Whether an error of a built-in function ends the evaluation (as attestation policies expect) or makes the call undefined. Default: false.</summary>
    public bool StrictBuiltinErrors { get; init; }

    /// <summary>Whether to record why rules did not hold. Costs several times the evaluation: evaluate without first.</summary>
    public bool Explain { get; init; }

    /// <summary>Most entries that an explanation records. Default: 2,000.</summary>
    public int MaxTraceEvents { get; init; } = 2_000;

    /// <summary>Collects which lines were evaluated; null for no coverage.</summary>
    public RegoCoverage? Coverage { get; init; }

    /// <summary>Ends the evaluation with a fault.</summary>
    public CancellationToken Cancellation { get; init; }
}
