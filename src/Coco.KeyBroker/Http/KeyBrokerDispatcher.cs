// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text;
using Coco.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Coco.KeyBroker;

/// <summary>The edge: every request under <c>/kbs/v0/</c> enters here, and every failure that is not a refusal ends here.</summary>
internal sealed partial class KeyBrokerDispatcher(
    KeyBrokerOptions options,
    HandshakeHandler handshake,
    PluginHandler plugins,
    AdminHandler admin,
    IAttestationService attestation,
    AuditLog audit,
    KeyBrokerMetrics metrics,
    TimeProvider time,
    ILogger<KeyBrokerDispatcher> log)
{
    private const string TooLarge = "payload reached size limit";

    private static readonly Refusal Folded = new(RefusalCode.Malformed, "the path is the broker's only with its dot segments, escapes or letter case undone");
    private static readonly Refusal TooMany = new(RefusalCode.Forbidden, "too many handshakes from this address");

    private readonly ClientRateLimiter _limiter = new(options.HandshakesPerSecond, options.HandshakeBurst, time);

    public async Task HandleAsync(HttpContext context)
    {
        long start = Stopwatch.GetTimestamp();
        metrics.HttpActive.Add(1);
        try
        {
            await RouteAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client went away: nobody is there to be answered.
        }
        catch (BadHttpRequestException e)
        {
            bool large = e.StatusCode == StatusCodes.Status413PayloadTooLarge;
            RecordRefusal(context, new Refusal(large ? RefusalCode.TooLarge : RefusalCode.Malformed, e.Message));
            await Reply.TextAsync(context, e.StatusCode, large ? TooLarge : "bad request");
        }
        catch (Exception e)
        {
            await FailAsync(context, e);
        }
        finally
        {
            metrics.HttpActive.Add(-1);
            metrics.HttpRequests.Add(1);
            metrics.HttpDuration.Record(Stopwatch.GetElapsedTime(start).TotalSeconds);
            metrics.HttpRequestSize.Record(context.Request.ContentLength ?? 0);
            metrics.HttpResponseSize.Record(context.Response.ContentLength ?? 0);
        }
    }

    /// <summary>Answers what no endpoint takes. A path that begins as ours and is not, once its dot segments are folded, is somebody's attempt.</summary>
    public async Task HandleElsewhereAsync(HttpContext context)
    {
        if (RawTarget(context).StartsWith(RequestTarget.Prefix, StringComparison.Ordinal))
        {
            RecordRefusal(context, Folded);
        }

        await Reply.EmptyAsync(context, StatusCodes.Status404NotFound);
    }

    private async Task RouteAsync(HttpContext context)
    {
        if (!RequestTarget.TryParse(RawTarget(context), out RequestTarget? parsed, out Refusal? refusal))
        {
            RecordRefusal(context, Folded);
            await Reply.EmptyAsync(context, StatusCodes.Status404NotFound);
            return;
        }

        if (context.Request.Method is not ("GET" or "POST" or "PUT" or "DELETE"))
        {
            context.Response.Headers.Allow = "GET, POST, PUT, DELETE";
            await Reply.EmptyAsync(context, StatusCodes.Status405MethodNotAllowed);
            return;
        }

        if (refusal is not null)
        {
            RecordRefusal(context, refusal);
            await Reply.TextAsync(context, StatusCodes.Status400BadRequest, refusal.Detail);
            return;
        }

        using RequestBody? body = await RequestBody.ReadAsync(context, options.MaxBodyBytes, context.RequestAborted);
        if (body is null)
        {
            RecordRefusal(context, new Refusal(RefusalCode.TooLarge, $"the body has more than {options.MaxBodyBytes} bytes"));

            // The rest of the body is not worth reading.
            context.Response.Headers.Connection = "close";
            await Reply.TextAsync(context, StatusCodes.Status413PayloadTooLarge, TooLarge);
            return;
        }

        var call = new BrokerCall(context, parsed!, body);
        bool bare = call.Target.Rest.IsEmpty;
        switch (call.Method, call.Target.Endpoint)
        {
            case ("POST", "auth") when bare:
                if (await MayHandshakeAsync(context))
                {
                    await handshake.AuthAsync(call);
                }

                return;
            case ("POST", "attest") when bare:
                if (await MayHandshakeAsync(context))
                {
                    await handshake.AttestAsync(call);
                }

                return;
            case ("GET", "token-certificate-chain") when bare:
                await PublishKeysAsync(call);
                return;
            case ("GET", "openapi.json") when bare:
                await Reply.BytesAsync(context, StatusCodes.Status200OK, Reply.Json, OpenApiDocument.Utf8.Span);
                return;
        }

        if (await admin.TryHandleAsync(call))
        {
            return;
        }

        if (options.StrictStatus && AllowedMethods(call.Target.Endpoint) is { } allowed)
        {
            context.Response.Headers.Allow = allowed;
            await Reply.EmptyAsync(context, StatusCodes.Status405MethodNotAllowed);
            return;
        }

        await plugins.HandleAsync(call);
    }

    private async ValueTask<bool> MayHandshakeAsync(HttpContext context)
    {
        if (_limiter.TryTake(context.Connection.RemoteIpAddress))
        {
            return true;
        }

        RecordRefusal(context, TooMany);
        context.Response.Headers.RetryAfter = "1";
        await Reply.ErrorAsync(context, new KbsError(StatusCodes.Status429TooManyRequests, "AttestationError", "Attestation error: too many handshakes"));
        return false;
    }

    private static string RawTarget(HttpContext context) =>
        context.Features.Get<IHttpRequestFeature>()?.RawTarget is { Length: > 0 } target ? target : context.Request.Path + context.Request.QueryString.ToString();

    private void RecordRefusal(HttpContext context, Refusal cause) => audit.Record(new AuditEvent
    {
        Time = time.GetUtcNow(),
        Kind = AuditKind.Request,
        Allowed = false,
        Reason = cause.Detail,
        Code = cause.Code,
        Target = context.Request.Method + " " + RequestTarget.Printable(RawTarget(context)),
        RequestId = Reply.RequestId(context),
        Client = context.Connection.RemoteIpAddress?.ToString(),
    });

    private async Task PublishKeysAsync(BrokerCall call)
    {
        if ((await attestation.GetSigningKeysAsync(call.Cancelled)).TryGet(out string? keys, out _))
        {
            await Reply.BytesAsync(call.Http, StatusCodes.Status200OK, Reply.Json, Encoding.UTF8.GetBytes(keys));
            return;
        }

        await Reply.ErrorAsync(call.Http, KbsError.PluginNotFound(call.Target.Endpoint));
    }

    private static string? AllowedMethods(string endpoint) => endpoint switch
    {
        "auth" or "attest" => "POST",
        "attestation-policy" or "reference-value" or "resource-policy" => "GET, POST, DELETE",
        _ => null,
    };

    private async Task FailAsync(HttpContext context, Exception e)
    {
        bool outside = e is StoreUnavailableException or HttpRequestException or TimeoutException or IOException or OperationCanceledException;
        string id = Reply.RequestId(context);
        if (outside)
        {
            // One line: while a store is away there is one for each request.
            Log.Unavailable(log, context.Request.Method, context.Request.Path, id, e.InnerException is null ? e.Message : e.Message + ": " + e.InnerException.Message);
        }
        else
        {
            Log.Failed(log, context.Request.Method, context.Request.Path, id, e);
        }

        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        context.Response.Clear();
        string path = context.Request.Path;
        KbsError error = path.EndsWith("/auth", StringComparison.Ordinal) ? KbsError.ChallengeFailed
            : path.EndsWith("/attest", StringComparison.Ordinal) ? KbsError.AttestFailed
            : KbsError.PluginFailed;
        if (outside)
        {
            context.Response.Headers.RetryAfter = "1";
            RecordOutage(context, id, error);
        }

        await Reply.ErrorAsync(context, error with { Status = outside ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status500InternalServerError });
    }

    // It waits in memory until the store is back, and makes readiness say so until then.
    private void RecordOutage(HttpContext context, string id, KbsError error)
    {
        try
        {
            audit.Record(new AuditEvent
            {
                Time = time.GetUtcNow(),
                Kind = error == KbsError.ChallengeFailed ? AuditKind.Challenge
                    : error == KbsError.AttestFailed ? AuditKind.Attest
                    : context.Request.Method == "GET" ? AuditKind.Release
                    : AuditKind.AdminAccess,
                Allowed = false,
                Reason = "the store, or a service that is needed, does not answer",
                RequestId = id,
                Client = context.Connection.RemoteIpAddress?.ToString(),
            });
        }
        catch (StoreUnavailableException)
        {
            // Too many wait already.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5050, LogLevel.Error, "{Method} {Path} could not be answered (request {RequestId}): {Cause}")]
        public static partial void Unavailable(ILogger logger, string method, string path, string requestId, string cause);

        [LoggerMessage(5051, LogLevel.Critical, "{Method} {Path} met a fault of this program (request {RequestId})")]
        public static partial void Failed(ILogger logger, string method, string path, string requestId, Exception e);
    }
}
