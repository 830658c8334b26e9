// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Attestation;

/// <summary>How the attestation service behaves. Read once, at start.</summary>
public sealed record AttestationOptions
{
    /// <summary>What the token says and how long it lives.</summary>
    public TokenOptions Token { get; init; } = new();

    /// <summary>The signing key; null: one is generated and kept in the store, so that every replica has the same.</summary>
    public SignerOptions? Signer { get; init; }

    /// <summary>Evidences in one request. Default 64.</summary>
    public int MaxEvidences { get; init; } = 64;

    /// <summary>Largest init-data document in bytes. Default 1 MiB.</summary>
    public int MaxInitDataBytes { get; init; } = 1 << 20;

    /// <summary>Largest policy in bytes. Default 1 MiB.</summary>
    public int MaxPolicyBytes { get; init; } = 1 << 20;

    /// <summary>Time for one query of reference values. Default 10 s.</summary>
    public TimeSpan ReferenceValueTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Says so in every token (<c>coco.insecure_simulated_tee</c>): evidence under simulated roots is accepted here.</summary>
    public bool InsecureSimulatedTee { get; init; }

    /// <summary>Tells the doctor that the host's store, and a generated signing key with it, lives no longer than the process.</summary>
    public bool StoreIsEphemeral { get; init; }

    /// <summary>Decision records and the evidence vault.</summary>
    public DecisionOptions Decisions { get; init; } = new();

    /// <summary>
    /// Policies that are evaluated beside the live ones and counted, and change nothing: full id of the live policy to the text of its shadow. One
    /// that is given here wins over one that is stored as <c>&lt;id&gt;.shadow</c>.
    /// </summary>
    public ImmutableSortedDictionary<string, string> ShadowPolicies { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}
