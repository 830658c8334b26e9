// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Attestation;
using Coco.KeyBroker;
using Coco.Protocol;
using AttestationInput = Coco.KeyBroker.AttestationInput;

namespace Coco.Trustee;

/// <summary>The attestation service of this process with a reference value provider elsewhere.</summary>
internal sealed class RemoteReferencesAttestationService(AttestationServiceCore attestation, Uri referenceValues) : IAttestationService, IDisposable
{
    private readonly InProcessAttestationService _inner = new(attestation, null);
    private readonly GrpcReferenceRegistry _references = new(referenceValues);

    /// <inheritdoc/>
    public ValueTask<Result<Challenge>> CreateChallengeAsync(TeeType tee, JsonElement teeParameters, CancellationToken ct) =>
        _inner.CreateChallengeAsync(tee, teeParameters, ct);

    /// <inheritdoc/>
    public ValueTask<Result<AttestationToken>> AttestAsync(ImmutableArray<AttestationInput> inputs, ImmutableArray<PolicyId> policies, CancellationToken ct) =>
        _inner.AttestAsync(inputs, policies, ct);

    /// <inheritdoc/>
    public ValueTask<Refusal?> SetPolicyAsync(PolicyId id, string source, CancellationToken ct) => _inner.SetPolicyAsync(id, source, ct);

    /// <inheritdoc/>
    public ValueTask<Result<string>> GetPolicyAsync(PolicyId id, CancellationToken ct) => _inner.GetPolicyAsync(id, ct);

    /// <inheritdoc/>
    public ValueTask<Result<ImmutableSortedDictionary<string, string>>> ListPoliciesAsync(CancellationToken ct) => _inner.ListPoliciesAsync(ct);

    /// <inheritdoc/>
    public ValueTask<Refusal?> DeletePolicyAsync(PolicyId id, CancellationToken ct) => _inner.DeletePolicyAsync(id, ct);

    /// <inheritdoc/>
    public ValueTask<Refusal?> RegisterReferenceValueAsync(string message, CancellationToken ct) => _references.RegisterAsync(message, ct);

    /// <inheritdoc/>
    public ValueTask<Result<string>> QueryReferenceValueAsync(string name, CancellationToken ct) => _references.QueryAsync(name, ct);

    /// <inheritdoc/>
    public ValueTask<Result<string>> GetSigningKeysAsync(CancellationToken ct) => _inner.GetSigningKeysAsync(ct);

    /// <inheritdoc/>
    public void Dispose() => _references.Dispose();
}
