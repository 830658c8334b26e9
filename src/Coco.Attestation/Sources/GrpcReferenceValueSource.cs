// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Protocol.RvpsGrpc;
using Grpc.Core;
using Grpc.Net.Client;

namespace Coco.Attestation;

/// <summary>Reference values of a provider over gRPC (rvps.md 2). Absent and empty answers both mean unknown. Thread-safe.</summary>
public sealed class GrpcReferenceValueSource : IReferenceValueSource, IDisposable
{
    // The reference's probe of its connections.
    private const string HealthProbe = "__healthcheck__";

    private readonly GrpcChannel _channel;
    private readonly ReferenceValueProviderService.ReferenceValueProviderServiceClient _client;

    /// <summary>Connects lazily.</summary>
    /// <param name="address">For example <c>http://127.0.0.1:50003</c>.</param>
    /// <param name="handler">For tests and TLS settings; null: the default.</param>
    public GrpcReferenceValueSource(string address, HttpMessageHandler? handler = null)
    {
        _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions { HttpHandler = handler, MaxReceiveMessageSize = 16 << 20 });
        _client = new ReferenceValueProviderService.ReferenceValueProviderServiceClient(_channel);
    }

    /// <inheritdoc/>
    public bool IsRemote => true;

    /// <inheritdoc/>
    public async ValueTask<ImmutableDictionary<string, JsonElement>> GetAsync(ImmutableArray<string> names, CancellationToken ct)
    {
        (string Name, JsonElement? Value)[] answers = await Task.WhenAll(names.Select(n => QueryAsync(n, ct))).ConfigureAwait(false);
        return answers.Where(a => a.Value is not null).ToImmutableDictionary(a => a.Name, a => a.Value!.Value, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public async ValueTask<ImmutableDictionary<string, JsonElement>> GetAllAsync(CancellationToken ct)
    {
        (_, JsonElement? all) = await QueryAsync(string.Empty, ct).ConfigureAwait(false);
        return all is { ValueKind: JsonValueKind.Object } map
            ? map.EnumerateObject().ToImmutableDictionary(m => m.Name, m => m.Value, StringComparer.Ordinal)
            : ImmutableDictionary<string, JsonElement>.Empty;
    }

    /// <summary>Whether the provider answers.</summary>
    public async ValueTask<bool> IsReachableAsync(CancellationToken ct)
    {
        try
        {
            await _client.QueryReferenceValueAsync(
                new ReferenceValueQueryRequest { ReferenceValueId = HealthProbe },
                cancellationToken: ct).ConfigureAwait(false);
            return true;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    /// <summary>Hands a message on.</summary>
    public async ValueTask<Refusal?> RegisterAsync(string message, CancellationToken ct)
    {
        try
        {
            await _client.RegisterReferenceValueAsync(new ReferenceValueRegisterRequest { Message = message }, cancellationToken: ct).ConfigureAwait(false);
            return null;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Aborted)
        {
            return new Refusal(RefusalCode.Malformed, e.Status.Detail);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private async Task<(string Name, JsonElement? Value)> QueryAsync(string name, CancellationToken ct)
    {
        ReferenceValueQueryResponse response = await _client.QueryReferenceValueAsync(
            new ReferenceValueQueryRequest { ReferenceValueId = name },
            cancellationToken: ct).ConfigureAwait(false);
        if (!response.HasReferenceValueResults || response.ReferenceValueResults.Length == 0)
        {
            return (name, null);
        }

        return HostileJson.Parse(response.ReferenceValueResults, 16 << 20).TryGet(out JsonElement value, out Refusal? why)
            ? (name, value)
            : throw new IOException($"the reference value provider's answer for '{name}' is not JSON: {why.Detail}");
    }
}
