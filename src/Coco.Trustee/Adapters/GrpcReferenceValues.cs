// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Attestation;
using Coco.Protocol.RvpsGrpc;
using Grpc.Net.Client;

namespace Coco.Trustee;

/// <summary>A reference value provider in another process, over gRPC (rvps.md 2).</summary>
internal sealed class GrpcReferenceValues : IReferenceValueSource, IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly ReferenceValueProviderService.ReferenceValueProviderServiceClient _client;

    public GrpcReferenceValues(Uri address)
    {
        _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions { MaxReceiveMessageSize = 64 << 20 });
        _client = new ReferenceValueProviderService.ReferenceValueProviderServiceClient(_channel);
    }

    /// <inheritdoc/>
    public bool IsRemote => true;

    /// <inheritdoc/>
    public async ValueTask<ImmutableDictionary<string, JsonElement>> GetAsync(ImmutableArray<string> names, CancellationToken ct)
    {
        ReferenceValueQueryResponse[] answers = await Task.WhenAll(names.Select(n =>
            _client.QueryReferenceValueAsync(new ReferenceValueQueryRequest { ReferenceValueId = n }, cancellationToken: ct).ResponseAsync)).ConfigureAwait(false);
        ImmutableDictionary<string, JsonElement>.Builder found = ImmutableDictionary.CreateBuilder<string, JsonElement>(StringComparer.Ordinal);
        for (int i = 0; i < names.Length; i++)
        {
            if (answers[i].HasReferenceValueResults && HostileJson.Parse(answers[i].ReferenceValueResults, 16 << 20).TryGet(out JsonElement value, out _))
            {
                found[names[i]] = value;
            }
        }

        return found.ToImmutable();
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();
}
