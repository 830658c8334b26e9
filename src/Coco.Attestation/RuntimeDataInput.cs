// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;

namespace Coco.Attestation;

/// <summary>Runtime data as the caller gave it (attestation-service.md 5.2). Immutable.</summary>
public sealed class RuntimeDataInput
{
    private RuntimeDataInput(Form kind, JsonElement claims, DigestAlgorithm? algorithm, ImmutableArray<ReadOnlyMemory<byte>> bytes)
    {
        Kind = kind;
        Claims = claims;
        Algorithm = algorithm;
        Bytes = bytes;
    }

    internal enum Form
    {
        Absent,
        Raw,
        Structured,
        Candidates,
    }

    /// <summary>Nothing is expected; the binding is not checked unless the verifier demands it.</summary>
    public static RuntimeDataInput Absent { get; } = new(Form.Absent, default, null, []);

    internal Form Kind { get; }

    internal JsonElement Claims { get; }

    internal DigestAlgorithm? Algorithm { get; }

    internal ImmutableArray<ReadOnlyMemory<byte>> Bytes { get; }

    /// <summary>Bytes that stand in the report data as they are. They are not claims.</summary>
    public static RuntimeDataInput Raw(ReadOnlyMemory<byte> bytes) => new(Form.Raw, default, null, [bytes]);

    /// <summary>JSON whose canonical form (RFC 8785) is hashed into the report data.</summary>
    /// <param name="claims">Any JSON; becomes <c>runtime_data_claims</c>.</param>
    /// <param name="algorithm">Null: SHA-384, for SE SHA-512.</param>
    public static RuntimeDataInput Structured(JsonElement claims, DigestAlgorithm? algorithm = null) =>
        new(Form.Structured, claims.Clone(), algorithm, []);

    /// <summary>JSON claims together with the byte strings of which one was hashed: what older protocol versions need (kbs.md 2.8).</summary>
    /// <param name="claims">Becomes <c>runtime_data_claims</c>.</param>
    /// <param name="algorithm">Null: SHA-384, for SE SHA-512.</param>
    /// <param name="candidates">At least one; most likely first. The caller answers for each binding nonce and key.</param>
    /// <exception cref="ArgumentException">There is no candidate.</exception>
    public static RuntimeDataInput Hashed(JsonElement claims, DigestAlgorithm? algorithm, ImmutableArray<ReadOnlyMemory<byte>> candidates) =>
        candidates.IsDefaultOrEmpty
            ? throw new ArgumentException("at least one candidate is needed", nameof(candidates))
            : new(Form.Candidates, claims.Clone(), algorithm, candidates);
}
