// SPDX-License-Identifier: Apache-2.0
using Coco.Protocol.RvpsGrpc;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Coco.ReferenceValues.Grpc;

/// <summary>The wire service of rvps.md 2. Every failure is ABORTED with the reference's beginning.</summary>
internal sealed class ReferenceValueGrpcService(ReferenceValueService service) : ReferenceValueProviderService.ReferenceValueProviderServiceBase
{
    public override async Task<ReferenceValueQueryResponse> QueryReferenceValue(ReferenceValueQueryRequest request, ServerCallContext context)
    {
        var response = new ReferenceValueQueryResponse();
        if (request.ReferenceValueId.Length == 0)
        {
            response.ReferenceValueResults = await service.QueryAllAsync(context.CancellationToken).ConfigureAwait(false);
            return response;
        }

        Result<string> found = await service.QueryAsync(request.ReferenceValueId, context.CancellationToken).ConfigureAwait(false);
        if (found.TryGet(out string? json, out Refusal? why))
        {
            response.ReferenceValueResults = json;
        }
        else if (why.Code != RefusalCode.NotFound)
        {
            throw Aborted("Query reference value: ", why);
        }

        return response;
    }

    public override async Task<ReferenceValueRegisterResponse> RegisterReferenceValue(ReferenceValueRegisterRequest request, ServerCallContext context)
    {
        Refusal? why = await service.RegisterAsync(request.Message, PublisherOf(context), context.CancellationToken).ConfigureAwait(false);
        return why is null ? new ReferenceValueRegisterResponse() : throw Aborted("Register reference value: ", why);
    }

    public override async Task<ReferenceValueDeleteResponse> DeleteReferenceValue(ReferenceValueDeleteRequest request, ServerCallContext context)
    {
        Refusal? why = await service.DeleteAsync(request.Name, PublisherOf(context), context.CancellationToken).ConfigureAwait(false);
        return why is null ? new ReferenceValueDeleteResponse() : throw Aborted("Delete reference value: ", why);
    }

    public override async Task<ReferenceValueListResponse> SetReferenceValueList(ReferenceValueListRequest request, ServerCallContext context)
    {
        Refusal? why = await service.SetListAsync(request.Payload, PublisherOf(context), context.CancellationToken).ConfigureAwait(false);
        return why is null ? new ReferenceValueListResponse() : throw Aborted("Set reference value list: ", why);
    }

    private static ReferenceValuePublisher PublisherOf(ServerCallContext context)
    {
        HttpContext http = context.GetHttpContext();
        return http.Connection.ClientCertificate is { } certificate
            ? ReferenceValuePublisher.Certificate(certificate)
            : http.User.Identity is { IsAuthenticated: true, Name: { Length: > 0 } name } ? ReferenceValuePublisher.Caller(name) : ReferenceValuePublisher.Anonymous;
    }

    private static RpcException Aborted(string prefix, Refusal why) => new(new Status(StatusCode.Aborted, prefix + why.Detail));
}
