// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Coco.KeyBroker;
using Coco.Protocol;
using Coco.Protocol.AsGrpc;
using Coco.Protocol.RvpsGrpc;
using Grpc.Core;
using Grpc.Net.Client;

namespace Coco.Trustee;

/// <summary>An attestation service in another process, over gRPC (kbs.md 7.3); reference value calls go to the same address.</summary>
internal sealed class GrpcAttestationService : IAttestationService, IDisposable
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(300);

    private readonly GrpcChannel _channel;
    private readonly AttestationService.AttestationServiceClient _attestation;
    private readonly ReferenceValueProviderService.ReferenceValueProviderServiceClient _references;

    public GrpcAttestationService(Uri address)
    {
        _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            MaxReceiveMessageSize = 64 << 20,
            MaxSendMessageSize = 64 << 20,
            HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true, ConnectTimeout = TimeSpan.FromSeconds(10) },
        });
        _attestation = new AttestationService.AttestationServiceClient(_channel);
        _references = new ReferenceValueProviderService.ReferenceValueProviderServiceClient(_channel);
    }

    /// <inheritdoc/>
    public async ValueTask<Result<Challenge>> CreateChallengeAsync(TeeType tee, JsonElement teeParameters, CancellationToken ct)
    {
        if (tee != TeeType.Se)
        {
            return Challenge.Random();
        }

        if (!HashNegotiation.Sha512(teeParameters).TryGet(out string? hash, out Refusal? refusal))
        {
            return refusal;
        }

        var request = new ChallengeRequest();
        request.Inner["tee"] = "se";
        request.Inner["tee_params"] = teeParameters.GetRawText();
        Result<ChallengeResponse> response = await CallAsync(o => _attestation.GetAttestationChallengeAsync(request, o), ct).ConfigureAwait(false);
        return response.TryGet(out ChallengeResponse? answer, out refusal)
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
            if (input.RuntimeData.Candidates.Length != 1)
            {
                return new Refusal(RefusalCode.Unsupported, "guests of protocol 0.1 and 0.2 need the built-in attestation service: a remote one knows one form of runtime data");
            }

            var one = new IndividualAttestationRequest
            {
                Tee = input.Evidence.Tee.ToWireName(),
                Evidence = StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(input.Evidence.Body.GetRawText())),
                StructuredRuntimeData = Encoding.UTF8.GetString(Jws.ToUtf8(input.RuntimeData.Claims)),
                RuntimeDataHashAlgorithm = input.RuntimeData.HashAlgorithm ?? (input.Evidence.Tee == TeeType.Se ? "sha512" : "sha384"),
            };
            if (input.InitData is { } initData)
            {
                if (initData.Format != "toml")
                {
                    return new Refusal(RefusalCode.Unsupported, $"Unsupported initdata format: {initData.Format}");
                }

                one.InitDataToml = initData.Body;
            }

            request.VerificationRequests.Add(one);
        }

        return (await CallAsync(o => _attestation.AttestationEvaluateAsync(request, o), ct).ConfigureAwait(false)).TryGet(out AttestationResponse? answer, out Refusal? refusal)
            ? new AttestationToken(answer.AttestationToken)
            : refusal;
    }

    /// <inheritdoc/>
    public async ValueTask<Refusal?> SetPolicyAsync(PolicyId id, string source, CancellationToken ct)
    {
        var request = new SetPolicyRequest { PolicyId = id.Value, Policy = StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(source)) };
        return (await CallAsync(o => _attestation.SetAttestationPolicyAsync(request, o), ct).ConfigureAwait(false)).Refusal;
    }

    /// <inheritdoc/>
    public async ValueTask<Refusal?> RegisterReferenceValueAsync(string message, CancellationToken ct)
    {
        var request = new ReferenceValueRegisterRequest { Message = message };
        return (await CallAsync(o => _references.RegisterReferenceValueAsync(request, o), ct).ConfigureAwait(false)).Refusal;
    }

    /// <inheritdoc/>
    public async ValueTask<Result<string>> QueryReferenceValueAsync(string name, CancellationToken ct)
    {
        var request = new ReferenceValueQueryRequest { ReferenceValueId = name };
        if (!(await CallAsync(o => _references.QueryReferenceValueAsync(request, o), ct).ConfigureAwait(false)).TryGet(out ReferenceValueQueryResponse? answer, out Refusal? refusal))
        {
            return refusal;
        }

        return answer.HasReferenceValueResults
            ? answer.ReferenceValueResults
            : new Refusal(RefusalCode.NotFound, $"no reference value '{name}'");
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    // What the service refuses comes as a status; one that cannot be reached is an exception, which the edge answers with 503.
    private static async ValueTask<Result<T>> CallAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken ct)
        where T : notnull
    {
        try
        {
            using AsyncUnaryCall<T> running = call(new CallOptions(deadline: DateTime.MaxValue, cancellationToken: ct).WithDeadline(TimeProvider.System.GetUtcNow().UtcDateTime + CallTimeout));
            return await running.ResponseAsync.ConfigureAwait(false);
        }
        catch (RpcException e) when (e.StatusCode is not (StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Cancelled or StatusCode.ResourceExhausted))
        {
            return new Refusal(
                e.StatusCode switch
                {
                    StatusCode.InvalidArgument => RefusalCode.Malformed,
                    StatusCode.NotFound => RefusalCode.NotFound,
                    StatusCode.Unimplemented => RefusalCode.Unsupported,
                    StatusCode.PermissionDenied => RefusalCode.Forbidden,
                    _ => RefusalCode.PolicyDenied,
                },
                e.Status.Detail);
        }
        catch (RpcException e)
        {
            throw new HttpRequestException("the remote attestation service cannot be reached: " + e.StatusCode, e);
        }
    }
}
