// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Protocol.RvpsGrpc;
using Grpc.Core;

namespace Coco.Attestation.Wire;

/// <summary>The reference value service on the attestation service's own listener, forwarding to the provider that it uses (attestation-service.md 2).</summary>
internal sealed class ReferenceValueForwarder(GrpcReferenceValueSource provider) : ReferenceValueProviderService.ReferenceValueProviderServiceBase
{
    public override async Task<ReferenceValueQueryResponse> QueryReferenceValue(ReferenceValueQueryRequest request, ServerCallContext context)
    {
        var response = new ReferenceValueQueryResponse();
        ImmutableDictionary<string, JsonElement> found = await GuardAsync(
            "Failed to query reference values: ", () => provider.GetAsync([request.ReferenceValueId], context.CancellationToken)).ConfigureAwait(false);
        if (found.TryGetValue(request.ReferenceValueId, out JsonElement value))
        {
            response.ReferenceValueResults = value.GetRawText();
        }

        return response;
    }

    public override async Task<ReferenceValueRegisterResponse> RegisterReferenceValue(ReferenceValueRegisterRequest request, ServerCallContext context)
    {
        const string Prefix = "Register reference value: ";
        Refusal? why = await GuardAsync(Prefix, () => provider.RegisterAsync(request.Message, context.CancellationToken)).ConfigureAwait(false);
        return why is null ? new ReferenceValueRegisterResponse() : throw new RpcException(new Status(StatusCode.Aborted, Prefix + why.Detail));
    }

    private static async ValueTask<T> GuardAsync<T>(string prefix, Func<ValueTask<T>> call)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception e) when (e is RpcException or IOException)
        {
            throw new RpcException(new Status(StatusCode.Aborted, prefix + "the provider could not be reached"));
        }
    }
}
