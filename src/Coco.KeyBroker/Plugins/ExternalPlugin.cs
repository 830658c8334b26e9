// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using System.Diagnostics;
using Coco.Protocol.PluginGrpc;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coco.KeyBroker;

/// <summary>A program behind the <c>external</c> plugin.</summary>
/// <param name="Name">Second segment of its paths.</param>
/// <param name="Channel">Where it listens.</param>
/// <param name="Timeout">Limit of a call.</param>
public sealed record ExternalBackend(string Name, ChannelBase Channel, TimeSpan Timeout);

/// <summary>The <c>external</c> plugin: other programs answer over gRPC (kbs.md 3.7). They decide who may ask and whether the answer is encrypted.</summary>
internal sealed partial class ExternalPlugin : IBrokerPlugin, IHostedService
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(30);
    private readonly FrozenDictionary<string, (ExternalBackend Backend, KbsPlugin.KbsPluginClient Client)> _backends;
    private readonly KeyBrokerMetrics _metrics;
    private readonly ILogger<ExternalPlugin> _log;

    public ExternalPlugin(IEnumerable<ExternalBackend> backends, KeyBrokerMetrics metrics, ILogger<ExternalPlugin> log)
    {
        _backends = backends.ToFrozenDictionary(b => b.Name, b => (b, new KbsPlugin.KbsPluginClient(b.Channel)), StringComparer.Ordinal);
        _metrics = metrics;
        _log = log;
    }

    public string Name => "external";

    public async ValueTask<Result<bool>> RequiresAdminAsync(BrokerRequest request, CancellationToken ct) =>
        (await CallAsync(request, static (client, message, options) => client.ValidateAuthAsync(message, options), ct)).TryGet(out ValidateAuthResponse? answer, out Refusal? refusal)
            ? answer.RequiresAdminAuth
            : refusal;

    public async ValueTask<Result<bool>> RequiresEncryptionAsync(BrokerRequest request, CancellationToken ct) =>
        (await CallAsync(request, static (client, message, options) => client.NeedsEncryptionAsync(message, options), ct)).TryGet(out NeedsEncryptionResponse? answer, out Refusal? refusal)
            ? answer.RequiresPayloadEncryption
            : refusal;

    public async ValueTask<Result<Secret>> HandleAsync(BrokerRequest request, CancellationToken ct)
    {
        if (!(await CallAsync(request, static (client, message, options) => client.HandleAsync(message, options), ct)).TryGet(out PluginResponse? answer, out Refusal? refusal))
        {
            return refusal;
        }

        return answer.StatusCode is 0 or (>= 200 and < 300)
            ? Secret.CopyOf(answer.Body.Span)
            : new Refusal(RefusalCode.Forbidden, $"the external plugin answers {answer.StatusCode}");
    }

    /// <summary>Waits until every program answers; the start fails when one does not within 30 seconds.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach ((ExternalBackend backend, KbsPlugin.KbsPluginClient client) in _backends.Values)
        {
            TimeSpan pause = TimeSpan.FromMilliseconds(100);
            long start = Stopwatch.GetTimestamp();
            while (true)
            {
                try
                {
                    await client.ValidateAuthAsync(new PluginRequest { Method = "GET" }, new CallOptions(deadline: Deadline(TimeSpan.FromSeconds(5)), cancellationToken: cancellationToken));
                    break;
                }
                catch (RpcException e) when (e.StatusCode is not (StatusCode.Unavailable or StatusCode.DeadlineExceeded))
                {
                    // It answers, if only that it does not like the question.
                    break;
                }
                catch (RpcException e)
                {
                    if (Stopwatch.GetElapsedTime(start) > ConnectLimit)
                    {
                        throw new IOException($"the external plugin {backend.Name} does not answer: {e.Status.Detail}", e);
                    }

                    Log.Waiting(_log, backend.Name, e.Status.Detail);
                    await Task.Delay(pause, cancellationToken);
                    pause = pause * 2 > TimeSpan.FromSeconds(5) ? TimeSpan.FromSeconds(5) : pause * 2;
                }
            }
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // A deadline of gRPC is a point in the machine's time.
    private static DateTime Deadline(TimeSpan timeout) => TimeProvider.System.GetUtcNow().UtcDateTime + timeout;

    private async ValueTask<Result<T>> CallAsync<T>(BrokerRequest request, Func<KbsPlugin.KbsPluginClient, PluginRequest, CallOptions, AsyncUnaryCall<T>> call, CancellationToken ct)
        where T : notnull
    {
        if (request.Path.IsEmpty || !_backends.TryGetValue(request.Path[0], out (ExternalBackend Backend, KbsPlugin.KbsPluginClient Client) found))
        {
            return new Refusal(RefusalCode.NotFound, "there is no such external plugin");
        }

        var message = new PluginRequest { Body = ByteString.CopyFrom(request.Body.Span), Method = request.Method };
        message.Path.AddRange(request.Path.Skip(1));
        foreach ((string name, string value) in request.Query)
        {
            message.Query[name] = value;
        }

        KeyValuePair<string, object?> label = KeyBrokerMetrics.Tag("plugin_name", found.Backend.Name);
        _metrics.PluginRequests.Add(1, label);
        long start = Stopwatch.GetTimestamp();
        try
        {
            return await call(found.Client, message, new CallOptions(deadline: Deadline(found.Backend.Timeout), cancellationToken: ct));
        }
        catch (RpcException e)
        {
            ct.ThrowIfCancellationRequested();
            _metrics.PluginErrors.Add(1, label);
            Log.Failed(_log, found.Backend.Name, e.Status.ToString());
            if (e.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
            {
                throw new HttpRequestException($"the external plugin {found.Backend.Name} does not answer", e);
            }

            return new Refusal(RefusalCode.Forbidden, "the external plugin failed");
        }
        finally
        {
            _metrics.PluginDuration.Record(Stopwatch.GetElapsedTime(start).TotalSeconds, label);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5071, LogLevel.Warning, "external plugin {Name} does not answer yet: {Cause}")]
        public static partial void Waiting(ILogger logger, string name, string cause);

        [LoggerMessage(5072, LogLevel.Warning, "external plugin {Name} failed: {Cause}")]
        public static partial void Failed(ILogger logger, string name, string cause);
    }
}
