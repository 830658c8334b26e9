// SPDX-License-Identifier: Apache-2.0
using Coco.Protocol.RvpsGrpc;
using Grpc.Core;
using Grpc.Net.Client;

namespace Coco.Trustee;

/// <summary>Registers and queries at a reference value provider in another process, for administrators of the key broker.</summary>
internal sealed class GrpcReferenceRegistry(Uri address) : IDisposable
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(30);

    private readonly GrpcChannel _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions { MaxReceiveMessageSize = 64 << 20, MaxSendMessageSize = 64 << 20 });

    public async ValueTask<Refusal?> RegisterAsync(string message, CancellationToken ct) =>
        (await CallAsync(o => Client().RegisterReferenceValueAsync(new ReferenceValueRegisterRequest { Message = message }, o), ct).ConfigureAwait(false)).Refusal;

    public async ValueTask<Result<string>> QueryAsync(string name, CancellationToken ct)
    {
        Result<ReferenceValueQueryResponse> response = await CallAsync(
            o => Client().QueryReferenceValueAsync(new ReferenceValueQueryRequest { ReferenceValueId = name }, o), ct).ConfigureAwait(false);
        if (!response.TryGet(out ReferenceValueQueryResponse? answer, out Refusal? refusal))
        {
            return refusal;
        }

        return answer.HasReferenceValueResults ? answer.ReferenceValueResults : new Refusal(RefusalCode.NotFound, $"no reference value '{name}'");
    }

    public void Dispose() => _channel.Dispose();

    private ReferenceValueProviderService.ReferenceValueProviderServiceClient Client() => new(_channel);

    // What the provider refuses comes as a status; one that cannot be reached is an exception, which the edge answers with 503.
    private static async ValueTask<Result<T>> CallAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken ct)
        where T : notnull
    {
        try
        {
            using AsyncUnaryCall<T> running = call(new CallOptions(deadline: TimeProvider.System.GetUtcNow().UtcDateTime + CallTimeout, cancellationToken: ct));
            return await running.ResponseAsync.ConfigureAwait(false);
        }
        catch (RpcException e) when (e.StatusCode is not (StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Cancelled))
        {
            return new Refusal(e.StatusCode == StatusCode.NotFound ? RefusalCode.NotFound : RefusalCode.Malformed, e.Status.Detail);
        }
        catch (RpcException e)
        {
            throw new HttpRequestException("the remote reference value provider cannot be reached: " + e.StatusCode, e);
        }
    }
}
