// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Attestation;
using Coco.KeyBroker;
using Coco.Protocol;
using Coco.ReferenceValues;
using AttestationInput = Coco.KeyBroker.AttestationInput;

namespace Coco.Trustee;

/// <summary>The attestation service and the reference value provider of this process, as the key broker sees them.</summary>
internal sealed class InProcessAttestationService(AttestationServiceCore attestation, ReferenceValueService? referenceValues) : IAttestationService
{
    private static readonly ReferenceValuePublisher Administrator = ReferenceValuePublisher.Caller("kbs-admin");

    private ReferenceValueService Values => referenceValues ?? throw new InvalidOperationException("internal: reference values are kept elsewhere");

    /// <inheritdoc/>
    public async ValueTask<Result<Challenge>> CreateChallengeAsync(TeeType tee, JsonElement teeParameters, CancellationToken ct)
    {
        if (tee == TeeType.Tpm)
        {
            return (await attestation.CreateChallengeAsync(tee, teeParameters, ct).ConfigureAwait(false)).TryGet(out string? credential, out Refusal? none)
                ? Challenge.Random() with { TpmCredential = credential.Length == 0 ? null : credential }
                : none;
        }

        if (tee != TeeType.Se)
        {
            return Challenge.Random();
        }

        if (!HashNegotiation.Select(teeParameters, "sha512").TryGet(out string? hash, out Refusal? refusal))
        {
            return refusal;
        }

        Result<string> nonce = await attestation.CreateChallengeAsync(tee, teeParameters, ct).ConfigureAwait(false);
        return nonce.TryGet(out string? text, out refusal) ? new Challenge(text, hash.Length == 0 ? null : hash) : refusal;
    }

    /// <inheritdoc/>
    public async ValueTask<Result<AttestationToken>> AttestAsync(ImmutableArray<AttestationInput> inputs, ImmutableArray<PolicyId> policies, CancellationToken ct)
    {
        ImmutableArray<Attestation.AttestationInput>.Builder converted = ImmutableArray.CreateBuilder<Attestation.AttestationInput>(inputs.Length);
        foreach (AttestationInput input in inputs)
        {
            if (input.InitData is { Format: not "toml" } other)
            {
                return new Refusal(RefusalCode.Unsupported, $"Unsupported initdata format: {other.Format}");
            }

            DigestAlgorithm? algorithm = null;
            if (input.RuntimeData.HashAlgorithm is { } name)
            {
                if (!Digests.TryParse(name, ignoreCase: true, out DigestAlgorithm parsed))
                {
                    return new Refusal(RefusalCode.Unsupported, $"unknown hash algorithm {name}");
                }

                algorithm = parsed;
            }

            using JsonDocument claims = JsonDocument.Parse(Jws.ToUtf8(input.RuntimeData.Claims));
            converted.Add(new Attestation.AttestationInput(
                input.Evidence,
                RuntimeDataInput.Hashed(claims.RootElement, algorithm, input.RuntimeData.Candidates),
                input.InitData is { } initData ? InitDataInput.Toml(initData.Body) : InitDataInput.Absent));
        }

        AttestationOutcome outcome = await attestation.AttestAsync(converted.MoveToImmutable(), policies, ct).ConfigureAwait(false);

        DecisionHeader.Show(outcome.DecisionId);
        return outcome.Token.TryGet(out AttestationToken? token, out Refusal? refusal)
            ? token
            : refusal with { Detail = $"{refusal.Detail} (decision {outcome.DecisionId})" };
    }

    /// <inheritdoc/>
    public ValueTask<Refusal?> SetPolicyAsync(PolicyId id, string source, CancellationToken ct) => attestation.Policies.SetAsync(id, source, ct);

    /// <inheritdoc/>
    public ValueTask<Result<string>> GetPolicyAsync(PolicyId id, CancellationToken ct) => attestation.Policies.GetAsync(id, ct);

    /// <inheritdoc/>
    public async ValueTask<Result<ImmutableSortedDictionary<string, string>>> ListPoliciesAsync(CancellationToken ct) =>
        await attestation.Policies.ListAsync(ct).ConfigureAwait(false);

    /// <inheritdoc/>
    public ValueTask<Refusal?> DeletePolicyAsync(PolicyId id, CancellationToken ct) => attestation.Policies.DeleteAsync(id, ct);

    /// <inheritdoc/>
    public ValueTask<Refusal?> RegisterReferenceValueAsync(string message, CancellationToken ct) => Values.RegisterAsync(message, Administrator, ct);

    /// <inheritdoc/>
    public ValueTask<Result<string>> QueryReferenceValueAsync(string name, CancellationToken ct) => Values.QueryAsync(name, ct);

    /// <inheritdoc/>
    public async ValueTask<Result<string>> ListReferenceValuesAsync(CancellationToken ct) => await Values.QueryAllAsync(ct).ConfigureAwait(false);

    /// <inheritdoc/>
    public ValueTask<Refusal?> DeleteReferenceValueAsync(string name, CancellationToken ct) => Values.DeleteAsync(name, Administrator, ct);

    /// <inheritdoc/>
    public async ValueTask<Result<string>> GetSigningKeysAsync(CancellationToken ct) => await attestation.GetKeySetAsync(ct).ConfigureAwait(false);
}
