// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Protocol;
using Coco.Protocol.AsGrpc;
using Coco.Storage;
using Coco.Verifiers;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Coco.Attestation.Wire;

/// <summary>The gRPC face (attestation-service.md 2). Every failure is ABORTED with the reference's beginning; the decision id is in the trailers.</summary>
internal sealed partial class AttestationGrpcService(AttestationServiceCore core, ILogger<AttestationGrpcService> log)
    : AttestationService.AttestationServiceBase
{
    /// <summary>Metadata that carries the decision id.</summary>
    internal const string DecisionHeader = "coco-decision-id";

    public override async Task<AttestationResponse> AttestationEvaluate(AttestationRequest request, ServerCallContext context)
    {
        var inputs = ImmutableArray.CreateBuilder<AttestationInput>(request.VerificationRequests.Count);
        foreach (IndividualAttestationRequest one in request.VerificationRequests)
        {
            inputs.Add(Decode(one).TryGet(out AttestationInput? input, out Refusal? why) ? input : throw Aborted(why.Detail));
        }

        if (!AttestationRequests.Policies(request.PolicyIds).TryGet(out ImmutableArray<PolicyId> policies, out Refusal? bad))
        {
            throw Aborted("Attestation evaluation failed: " + AttestationRequests.Chain(bad));
        }

        AttestationOutcome outcome = await GuardAsync(
            "Attestation evaluation failed: ",
            () => core.AttestAsync(inputs.DrainToImmutable(), policies, context.CancellationToken)).ConfigureAwait(false);
        context.ResponseTrailers.Add(DecisionHeader, outcome.DecisionId);
        return outcome.Token.TryGet(out AttestationToken? token, out Refusal? refusal)
            ? new AttestationResponse { AttestationToken = token.Compact }
            : throw Aborted("Attestation evaluation failed: " + AttestationRequests.Chain(refusal));
    }

    public override async Task<SetPolicyResponse> SetAttestationPolicy(SetPolicyRequest request, ServerCallContext context)
    {
        const string Prefix = "Set Attestation Policy Failed: ";
        if (!PolicyId.Parse(request.PolicyId).TryGet(out PolicyId id, out Refusal? why) || !AttestationRequests.Policy(request.Policy).TryGet(out string? source, out why))
        {
            throw Aborted(Prefix + why.Detail);
        }

        return await GuardAsync(Prefix, () => core.Policies.SetAsync(id, source, context.CancellationToken)).ConfigureAwait(false) is { } refused
            ? throw Aborted(Prefix + refused.Detail)
            : new SetPolicyResponse();
    }

    public override async Task<ChallengeResponse> GetAttestationChallenge(ChallengeRequest request, ServerCallContext context)
    {
        if (!request.Inner.TryGetValue("tee", out string? name))
        {
            throw Aborted("Error parse inner_tee tee");
        }

        if (!request.Inner.TryGetValue("tee_params", out string? parameters))
        {
            throw Aborted("Error parse inner_tee tee_params");
        }

        if (!AttestationRequests.Tee(name, "Error parse TEE type: ").TryGet(out TeeType tee, out Refusal? why))
        {
            throw Aborted(why.Detail);
        }

        Result<string> challenge = await GuardAsync("Challenge: ", () => core.CreateChallengeAsync(tee, Parameters(parameters), context.CancellationToken)).ConfigureAwait(false);
        return challenge.TryGet(out string? text, out why) ? new ChallengeResponse { AttestationChallenge = text } : throw Aborted("Challenge: " + why.Detail);
    }

    public override async Task<GetAttestationPolicyResponse> GetAttestationPolicy(GetAttestationPolicyRequest request, ServerCallContext context)
    {
        const string Prefix = "Get Attestation Policy Failed: ";
        if (!PolicyId.Parse(request.PolicyId).TryGet(out PolicyId id, out Refusal? why))
        {
            throw Aborted(Prefix + why.Detail);
        }

        Result<string> found = await GuardAsync(Prefix, () => core.Policies.GetAsync(id, context.CancellationToken)).ConfigureAwait(false);
        return found.TryGet(out string? source, out why)
            ? new GetAttestationPolicyResponse { Policy = StrictBase64.EncodeUrl(System.Text.Encoding.UTF8.GetBytes(source)) }
            : throw Aborted(Prefix + why.Detail);
    }

    public override async Task<ListAttestationPoliciesResponse> ListAttestationPolicies(ListAttestationPoliciesRequest request, ServerCallContext context)
    {
        var response = new ListAttestationPoliciesResponse();
        foreach ((string id, string hash) in await GuardAsync("List Attestation Policies Failed: ", () => core.Policies.ListAsync(context.CancellationToken)).ConfigureAwait(false))
        {
            response.Policies.Add(new PolicyInfo { PolicyId = id, PolicyHash = hash });
        }

        return response;
    }

    public override async Task<DeleteAttestationPolicyResponse> DeleteAttestationPolicy(DeleteAttestationPolicyRequest request, ServerCallContext context)
    {
        const string Prefix = "Delete Attestation Policy Failed: ";
        if (!PolicyId.Parse(request.PolicyId).TryGet(out PolicyId id, out Refusal? why))
        {
            throw Aborted(Prefix + why.Detail);
        }

        return await GuardAsync(Prefix, () => core.Policies.DeleteAsync(id, context.CancellationToken)).ConfigureAwait(false) is { } refused
            ? throw Aborted(Prefix + refused.Detail)
            : new DeleteAttestationPolicyResponse();
    }

    public override Task<GetAttestationServiceStatusResponse> GetAttestationServiceStatus(GetAttestationServiceStatusRequest request, ServerCallContext context)
    {
        var response = new GetAttestationServiceStatusResponse { Service = "attestation-service", Status = "ready" };
        foreach (string tee in core.Tees)
        {
            response.Dependencies.Add(new ServiceDependency { Kind = "verifier", Name = tee, Status = "ready" });
        }

        return Task.FromResult(response);
    }

    private static Result<AttestationInput> Decode(IndividualAttestationRequest one)
    {
        if (!AttestationRequests.Tee(one.Tee).TryGet(out TeeType tee, out Refusal? why)
            || !AttestationRequests.Evidence(one.Evidence).TryGet(out JsonElement evidence, out why)
            || !AttestationRequests.HashAlgorithm(one.RuntimeDataHashAlgorithm).TryGet(out DigestAlgorithm algorithm, out why))
        {
            return why;
        }

        Result<RuntimeDataInput> runtime = one.RuntimeDataCase switch
        {
            IndividualAttestationRequest.RuntimeDataOneofCase.RawRuntimeData => AttestationRequests.RawRuntimeData(one.RawRuntimeData),
            IndividualAttestationRequest.RuntimeDataOneofCase.StructuredRuntimeData => AttestationRequests.StructuredRuntimeData(one.StructuredRuntimeData, algorithm),
            _ => RuntimeDataInput.Absent,
        };
        Result<InitDataInput> initData = one.InitDataCase switch
        {
            IndividualAttestationRequest.InitDataOneofCase.InitDataDigest => AttestationRequests.InitDataDigest(one.InitDataDigest),
            IndividualAttestationRequest.InitDataOneofCase.InitDataToml => InitDataInput.Toml(one.InitDataToml),
            _ => InitDataInput.Absent,
        };
        return !runtime.TryGet(out RuntimeDataInput? r, out why) || !initData.TryGet(out InitDataInput? i, out why)
            ? why
            : new AttestationInput(new Evidence(tee, evidence), r, i);
    }

    private static JsonElement Parameters(string text) =>
        HostileJson.Parse(text).TryGet(out JsonElement json, out _) ? json : HostileJson.Parse("\"\"").Require();

    // What we or the machine caused: the caller gets the kind, the log the cause.
    private async ValueTask<T> GuardAsync<T>(string prefix, Func<ValueTask<T>> call)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception e) when (e is CollateralUnavailableException or StoreUnavailableException or TimeoutException or HttpRequestException or IOException or RpcException)
        {
            Log.Unavailable(log, e);
            throw Aborted($"{prefix}\n0: {(e is CollateralUnavailableException c ? c.Message : "a service that is needed could not be reached")}");
        }
    }

    private static RpcException Aborted(string detail) => new(new Status(StatusCode.Aborted, detail));

    private static partial class Log
    {
        [LoggerMessage(EventId = 4030, Level = LogLevel.Warning, Message = "a request failed because something could not be reached")]
        public static partial void Unavailable(ILogger logger, Exception e);
    }
}
