// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>What the broker needs from an attestation service. The host plugs in the one in process, one over gRPC, or Intel Trust Authority.</summary>
/// <remarks>
/// Thread-safe. What a guest or an administrator caused is a <see cref="Refusal"/>; a service that cannot be reached is
/// an exception (<see cref="HttpRequestException"/>, <see cref="TimeoutException"/>, a store's own), which the edge answers with 503.
/// </remarks>
public interface IAttestationService
{
    /// <summary>The challenge of a handshake: a nonce, and the hash that the guest must bind its runtime data with.</summary>
    /// <param name="tee">The TEE that the guest named.</param>
    /// <param name="teeParameters">The request's <c>extra-params</c>, any JSON.</param>
    /// <param name="ct">Cancels the call.</param>
    ValueTask<Result<Challenge>> CreateChallengeAsync(TeeType tee, JsonElement teeParameters, CancellationToken ct);

    /// <summary>Verifies and appraises all evidences of one guest in one call, and issues the token.</summary>
    /// <param name="inputs">The primary evidence first, then one per device.</param>
    /// <param name="policies">The appraisal policies; the broker asks for <c>default</c> unless a selector was mapped.</param>
    /// <param name="ct">Cancels the call.</param>
    ValueTask<Result<AttestationToken>> AttestAsync(ImmutableArray<AttestationInput> inputs, ImmutableArray<PolicyId> policies, CancellationToken ct);

    /// <summary>Sets an appraisal policy (full id with the class, for example <c>default_cpu</c>); refused when it does not compile.</summary>
    ValueTask<Refusal?> SetPolicyAsync(PolicyId id, string source, CancellationToken ct);

    /// <summary>Hands a message (JSON text, rvps.md) to the reference value provider.</summary>
    ValueTask<Refusal?> RegisterReferenceValueAsync(string message, CancellationToken ct);

    /// <summary>The JSON text of a reference value; <see cref="RefusalCode.NotFound"/> when there is none.</summary>
    ValueTask<Result<string>> QueryReferenceValueAsync(string name, CancellationToken ct);

    /// <summary>The source of an appraisal policy.</summary>
    ValueTask<Result<string>> GetPolicyAsync(PolicyId id, CancellationToken ct) =>
        new(new Refusal(RefusalCode.Unsupported, "the attestation service does not give its policies back"));

    /// <summary>All appraisal policies: id to SHA-384 (hex) of the source.</summary>
    ValueTask<Result<ImmutableSortedDictionary<string, string>>> ListPoliciesAsync(CancellationToken ct) =>
        new(new Refusal(RefusalCode.Unsupported, "the attestation service does not list its policies"));

    /// <summary>Removes an appraisal policy.</summary>
    ValueTask<Refusal?> DeletePolicyAsync(PolicyId id, CancellationToken ct) =>
        new(new Refusal(RefusalCode.Unsupported, "the attestation service does not delete policies"));

    /// <summary>A JSON object of all reference values, name to value.</summary>
    ValueTask<Result<string>> ListReferenceValuesAsync(CancellationToken ct) =>
        new(new Refusal(RefusalCode.Unsupported, "the attestation service does not list reference values"));

    /// <summary>Removes a reference value.</summary>
    ValueTask<Refusal?> DeleteReferenceValueAsync(string name, CancellationToken ct) =>
        new(new Refusal(RefusalCode.Unsupported, "the attestation service does not delete reference values"));

    /// <summary>The JWK set (JSON text) of the keys that sign its tokens, for the endpoint that publishes them.</summary>
    ValueTask<Result<string>> GetSigningKeysAsync(CancellationToken ct) =>
        new(new Refusal(RefusalCode.Unsupported, "the attestation service does not publish its keys here"));
}
