// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.KeyBroker;
using Coco.Protocol;

namespace Coco.Conformance.GuestCases;

/// <summary>For verifying tokens that no service of this process made.</summary>
internal sealed class NoAttestationService : IAttestationService
{
    private static Refusal None => new(RefusalCode.Unsupported, "there is no attestation service");

    /// <inheritdoc/>
    public ValueTask<Result<Challenge>> CreateChallengeAsync(TeeType tee, JsonElement teeParameters, CancellationToken ct) => new(None);

    /// <inheritdoc/>
    public ValueTask<Result<AttestationToken>> AttestAsync(ImmutableArray<AttestationInput> inputs, ImmutableArray<PolicyId> policies, CancellationToken ct) => new(None);

    /// <inheritdoc/>
    public ValueTask<Refusal?> SetPolicyAsync(PolicyId id, string source, CancellationToken ct) => new(None);

    /// <inheritdoc/>
    public ValueTask<Refusal?> RegisterReferenceValueAsync(string message, CancellationToken ct) => new(None);

    /// <inheritdoc/>
    public ValueTask<Result<string>> QueryReferenceValueAsync(string name, CancellationToken ct) => new(None);
}
