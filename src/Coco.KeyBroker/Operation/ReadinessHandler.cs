// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Coco.KeyBroker;

/// <summary><c>/readyz</c>: 200 when every source is well, else 503 with the names of those that are not. What is not vital is told only.</summary>
internal sealed partial class ReadinessHandler(IEnumerable<IReadinessSource> sources, ILogger<ReadinessHandler> log)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
    private readonly IReadinessSource[] _sources = [.. sources];

    public async Task HandleAsync(HttpContext context)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limited.CancelAfter(Limit);
        (IReadinessSource Source, bool Well)[] results = await Task.WhenAll(_sources.Select(s => CheckAsync(s, limited.Token)));
        bool ready = results.All(static r => r.Well || !r.Source.IsVital);
        if (!ready)
        {
            context.Response.Headers.RetryAfter = "1";
        }

        await Reply.JsonAsync(context, ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, (ready, results), static (json, state) =>
        {
            json.WriteStartObject();
            json.WriteBoolean("ready"u8, state.ready);
            json.WriteStartObject("checks"u8);
            foreach ((IReadinessSource source, bool well) in state.results)
            {
                json.WriteString(source.Name, well ? "ok"u8 : "failed"u8);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    private async Task<(IReadinessSource Source, bool Well)> CheckAsync(IReadinessSource source, CancellationToken ct)
    {
        string cause;
        try
        {
            if (await source.CheckAsync(ct).AsTask().WaitAsync(ct) is not { } refusal)
            {
                return (source, true);
            }

            cause = refusal.ToString();
        }
        catch (Exception e)
        {
            cause = e.Message;
        }

        Log.NotReady(log, source.Name, cause);
        return (source, false);
    }

    private static partial class Log
    {
        [LoggerMessage(5040, LogLevel.Warning, "not ready: {Source}: {Cause}")]
        public static partial void NotReady(ILogger logger, string source, string cause);
    }
}
