// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Coco.Protocol;
using Coco.Protocol.AsGrpc;
using Coco.Protocol.RvpsGrpc;
using Grpc.Core;

namespace Coco.KeyBroker;

/// <summary>An attestation service in another process, over gRPC (kbs.md 7.3); it answers for the reference value provider, too.</summary>
/// <remarks>
/// The interface takes runtime data as JSON that the service canonicalises, or as raw bytes. Guests before 0.3.0 whose digest is over something
/// else therefore cannot be served through it: their evidence is refused.
/// </remarks>
public sealed class GrpcAttestationService : IAttestationService
{
    private const int MaxDecisionId = 64;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(300);

    private readonly Action<string>? _onDecision;
    private readonly AttestationService.AttestationServiceClient _service;
    private readonly ReferenceValueProviderService.ReferenceValueProviderServiceClient _values;

    /// <param name="channel">Where the service listens. The caller disposes it.</param>
    /// <param name="onDecision">Gets the id of each decision that the service names in its trailers (<c>coco-decision-id</c>); null: nobody wants it.</param>
    public GrpcAttestationService(ChannelBase channel, Action<string>? onDecision = null)
    {
        _onDecision = onDecision;
        _service = new AttestationService.AttestationServiceClient(channel);
        _values = new ReferenceValueProviderService.ReferenceValueProviderServiceClient(channel);
    }

    /// <inheritdoc/>
    public async ValueTask<Result<Challenge>> CreateChallengeAsync(TeeType tee, JsonElement teeParameters, CancellationToken ct)
    {
        // A TPM is asked for a credential only when it names its endorsement key: services of the reference know nothing of it.
        bool credential = tee == TeeType.Tpm && teeParameters.ValueKind == JsonValueKind.Object && teeParameters.TryGetProperty("ek_certificates", out _);
        if (tee != TeeType.Se && !credential)
        {
            return Challenge.Random();
        }

        var request = new ChallengeRequest();
        request.Inner["tee"] = tee.ToWireName();
        request.Inner["tee_params"] = teeParameters.GetRawText();
        if (credential)
        {
            return (await CallAsync(options => _service.GetAttestationChallengeAsync(request, options), ct)).TryGet(out ChallengeResponse? made, out Refusal? none)
                && HostileJson.ParseObject(Encoding.UTF8.GetBytes(made.AttestationChallenge)).TryGet(out _, out none)
                ? Challenge.Random() with { TpmCredential = made.AttestationChallenge }
                : none;
        }

        if (!HashNegotiation.Select(teeParameters, "sha512").TryGet(out string? hash, out Refusal? refusal))
        {
            return refusal;
        }

        return (await CallAsync(options => _service.GetAttestationChallengeAsync(request, options), ct)).TryGet(out ChallengeResponse? answer, out refusal)
            ? new Challenge(answer.AttestationChallenge, hash.Length == 0 ? null : hash)
            : refusal;
    }

    /// <inheritdoc/>
    public async ValueTask<Result<AttestationToken>> AttestAsync(ImmutableArray<AttestationInput> inputs, ImmutableArray<PolicyId> policies, CancellationToken ct)
    {
        var request = new AttestationRequest();
        request.PolicyIds.AddRange(policies.Select(p => p.Value));
        foreach (AttestationInput input in inputs)
        {
            bool canonical = CanonicalJson.Write(input.RuntimeData.Claims).TryGet(out byte[]? bytes, out Refusal? bad);
            if (!canonical)
            {
                return bad!;
            }

            if (!input.RuntimeData.Candidates.Any(c => c.Span.SequenceEqual(bytes)))
            {
                return new Refusal(RefusalCode.Unsupported, "the remote attestation service cannot check how this guest's release hashes its runtime data");
            }

            var one = new IndividualAttestationRequest
            {
                Tee = input.Evidence.Tee.ToWireName(),
                Evidence = StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(input.Evidence.Body.GetRawText())),
                StructuredRuntimeData = Encoding.UTF8.GetString(bytes!),
                RuntimeDataHashAlgorithm = input.RuntimeData.HashAlgorithm ?? (input.Evidence.Tee == TeeType.Se ? "sha512" : "sha384"),
            };
            if (input.InitData is { } initData)
            {
                one.InitDataToml = initData.Body;
            }

            request.VerificationRequests.Add(one);
        }

        AsyncUnaryCall<AttestationResponse>? call = null;
        Result<AttestationResponse> evaluated = await CallAsync(options => call = _service.AttestationEvaluateAsync(request, options), ct);
        string? decision = call?.GetTrailers().GetValue("coco-decision-id");
        if (decision is { Length: <= MaxDecisionId } && decision.All(char.IsAsciiLetterOrDigit))
        {
            _onDecision?.Invoke(decision);
        }

        return evaluated.TryGet(out AttestationResponse? answer, out Refusal? refusal) ? new AttestationToken(answer.AttestationToken) : refusal;
    }

    /// <inheritdoc/>
    public async ValueTask<Refusal?> SetPolicyAsync(PolicyId id, string source, CancellationToken ct) =>
        (await CallAsync(
            options => _service.SetAttestationPolicyAsync(new SetPolicyRequest { PolicyId = id.Value, Policy = StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(source)) }, options),
            ct)).Refusal;

    /// <inheritdoc/>
    public async ValueTask<Result<string>> GetPolicyAsync(PolicyId id, CancellationToken ct)
    {
        if (!(await CallAsync(options => _service.GetAttestationPolicyAsync(new GetAttestationPolicyRequest { PolicyId = id.Value }, options), ct))
            .TryGet(out GetAttestationPolicyResponse? answer, out Refusal? refusal))
        {
            return refusal;
        }

        return StrictBase64.DecodeLenient(answer.Policy).TryGet(out byte[]? bytes, out _) ? Encoding.UTF8.GetString(bytes) : answer.Policy;
    }

    /// <inheritdoc/>
    public async ValueTask<Result<ImmutableSortedDictionary<string, string>>> ListPoliciesAsync(CancellationToken ct) =>
        (await CallAsync(options => _service.ListAttestationPoliciesAsync(new ListAttestationPoliciesRequest(), options), ct))
            .TryGet(out ListAttestationPoliciesResponse? answer, out Refusal? refusal)
            ? answer.Policies.ToImmutableSortedDictionary(p => p.PolicyId, p => p.PolicyHash, StringComparer.Ordinal)
            : refusal;

    /// <inheritdoc/>
    public async ValueTask<Refusal?> DeletePolicyAsync(PolicyId id, CancellationToken ct) =>
        (await CallAsync(options => _service.DeleteAttestationPolicyAsync(new DeleteAttestationPolicyRequest { PolicyId = id.Value }, options), ct)).Refusal;

    /// <inheritdoc/>
    public async ValueTask<Refusal?> RegisterReferenceValueAsync(string message, CancellationToken ct) =>
        (await CallAsync(options => _values.RegisterReferenceValueAsync(new ReferenceValueRegisterRequest { Message = message }, options), ct)).Refusal;

    /// <inheritdoc/>
    public async ValueTask<Result<string>> QueryReferenceValueAsync(string name, CancellationToken ct)
    {
        if (!(await CallAsync(options => _values.QueryReferenceValueAsync(new ReferenceValueQueryRequest { ReferenceValueId = name }, options), ct))
            .TryGet(out ReferenceValueQueryResponse? answer, out Refusal? refusal))
        {
            return refusal;
        }

        return answer.HasReferenceValueResults ? answer.ReferenceValueResults : new Refusal(RefusalCode.NotFound, "there is no such reference value");
    }

    /// <inheritdoc/>
    public async ValueTask<Refusal?> DeleteReferenceValueAsync(string name, CancellationToken ct) =>
        (await CallAsync(options => _values.DeleteReferenceValueAsync(new ReferenceValueDeleteRequest { Name = name }, options), ct)).Refusal;

    private static async ValueTask<Result<T>> CallAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken ct)
        where T : notnull
    {
        try
        {
            return await call(new CallOptions(deadline: TimeProvider.System.GetUtcNow().UtcDateTime + Limit, cancellationToken: ct));
        }
        catch (RpcException e)
        {
            ct.ThrowIfCancellationRequested();
            return e.StatusCode switch
            {
                StatusCode.Unavailable or StatusCode.DeadlineExceeded => throw new HttpRequestException("the attestation service does not answer", e),
                StatusCode.Unimplemented => new Refusal(RefusalCode.Unsupported, "the attestation service does not know this call"),
                StatusCode.NotFound => new Refusal(RefusalCode.NotFound, e.Status.Detail),
                StatusCode.InvalidArgument => new Refusal(RefusalCode.Malformed, e.Status.Detail),
                StatusCode.FailedPrecondition => new Refusal(RefusalCode.PolicyDenied, e.Status.Detail),
                _ => new Refusal(RefusalCode.Untrusted, e.Status.Detail),
            };
        }
    }
}
