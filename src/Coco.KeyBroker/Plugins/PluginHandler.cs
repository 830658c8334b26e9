// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using System.Diagnostics;
using Coco.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Coco.KeyBroker;

/// <summary>Requests to plugins: an administrator's after the guard, a guest's after token, policy and sealing (kbs.md 3.2).</summary>
internal sealed partial class PluginHandler
{
    private readonly FrozenDictionary<string, IBrokerPlugin> _plugins;
    private readonly KeyBrokerOptions _options;
    private readonly AdminGuard _guard;
    private readonly HandshakeHandler _handshake;
    private readonly AttestedSessions _sessions;
    private readonly TokenVerifier _tokens;
    private readonly ResourcePolicies _policies;
    private readonly AuditLog _audit;
    private readonly KeyBrokerMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<PluginHandler> _log;
    private readonly JweAlgorithms _algorithms;
    private readonly IReleaseJournal? _journal;

    /// <exception cref="ArgumentException">Two plugins have one name.</exception>
    public PluginHandler(
        IEnumerable<IBrokerPlugin> plugins,
        KeyBrokerOptions options,
        AdminGuard guard,
        HandshakeHandler handshake,
        AttestedSessions sessions,
        TokenVerifier tokens,
        ResourcePolicies policies,
        AuditLog audit,
        KeyBrokerMetrics metrics,
        TimeProvider time,
        ILogger<PluginHandler> log,
        IReleaseJournal? journal = null)
    {
        var byName = new Dictionary<string, IBrokerPlugin>(StringComparer.Ordinal);
        foreach (IBrokerPlugin plugin in plugins)
        {
            if (!byName.TryAdd(plugin.Name, plugin))
            {
                throw new ArgumentException($"two plugins are called {plugin.Name}", nameof(plugins));
            }
        }

        _plugins = byName.ToFrozenDictionary(StringComparer.Ordinal);
        _options = options;
        _guard = guard;
        _handshake = handshake;
        _sessions = sessions;
        _tokens = tokens;
        _policies = policies;
        _audit = audit;
        _metrics = metrics;
        _time = time;
        _log = log;
        _journal = journal;
        _algorithms = JweAlgorithms.KeyBroker | JweAlgorithms.MlKem768A192Kw | (options.AllowRsa15 ? JweAlgorithms.Rsa15 : JweAlgorithms.None);
    }

    public async Task HandleAsync(BrokerCall call)
    {
        if (!_plugins.TryGetValue(call.Target.Endpoint, out IBrokerPlugin? plugin))
        {
            await Reply.ErrorAsync(call.Http, KbsError.PluginNotFound(call.Target.Endpoint));
            return;
        }

        using Activity? span = KeyBrokerTracing.Start("plugin");
        span?.SetTag("coco.plugin", plugin.Name);
        if (call.Target.HasEncodedSlash)
        {
            await RefuseAsync(call, AuditKind.Plugin, KbsError.PluginFailed, new Refusal(RefusalCode.Malformed, "an encoded slash in the path"), null, null, null);
            return;
        }

        if (!(await plugin.RequiresAdminAsync(Request(call), call.Cancelled)).TryGet(out bool admin, out Refusal? refusal))
        {
            await RefuseAsync(call, AuditKind.Plugin, PluginError(refusal), refusal, null, null, null);
        }
        else if (admin)
        {
            await HandleAdminAsync(call, plugin);
        }
        else
        {
            await HandleGuestAsync(call, plugin);
        }
    }

    private async Task HandleAdminAsync(BrokerCall call, IBrokerPlugin plugin)
    {
        if (!(await _guard.CheckAsync(call)).TryGet(out AdminIdentity? who, out Refusal? refusal))
        {
            KbsError error = _options.ReferenceAdminErrorType ? KbsError.AdminOfPlugin(refusal.Detail) : KbsError.AdminOfEndpoint(plugin.Name, refusal.Detail);
            await RefuseAsync(call, AuditKind.AdminAccess, error, refusal, null, null, null);
            return;
        }

        if (who.IsFormer && plugin.Name == "resource")
        {
            MapFormerPath(call);
        }

        Result<Secret> answer = await plugin.HandleAsync(Request(call), call.Cancelled);
        bool done = answer.TryGet(out Secret? bytes, out refusal);
        using (bytes)
        {
            // The change counts as made only when its record is written.
            await _audit.RecordDurablyAsync(
                Event(call, plugin.Name == "resource" ? AuditKind.Secret : AuditKind.Plugin, refusal) with { Identity = who.ToString() },
                call.Cancelled);
            Log.AdminDone(_log, who.ToString(), call.Method, call.Target.PrintablePath, done ? "done" : refusal!.ToString(), call.RequestId);
            if (!done)
            {
                await Reply.ErrorAsync(call.Http, PluginError(refusal!));
                return;
            }

            await Reply.BytesAsync(call.Http, StatusCodes.Status200OK, Reply.Raw, bytes!.Reveal());
        }
    }

    private async Task HandleGuestAsync(BrokerCall call, IBrokerPlugin plugin)
    {
        // 1. Who asks: the token of the session, or the one that comes with the request.
        (AttestationToken? compact, Session? session) = await FindTokenAsync(call);
        if (compact is null)
        {
            await RefuseAsync(call, AuditKind.Release, KbsError.TokenNotFound, new Refusal(RefusalCode.Unauthenticated, "no attested session and no bearer token"), session, null, null);
            return;
        }

        if (!(await TracedAsync("token", () => _tokens.VerifyAsync(compact, call.Cancelled))).TryGet(out VerifiedToken? token, out Refusal? refusal))
        {
            await RefuseAsync(call, AuditKind.Release, KbsError.TokenVerifierFailed, refusal, session, null, null);
            return;
        }

        bool former = session?.Version.IsLegacy() ?? token.Key is { IsRsa15: true };
        if (former && plugin.Name == "resource")
        {
            MapFormerPath(call);
        }

        // 2. May it.
        ResourcePolicy policy = await _policies.FindAsync(plugin.Name, call.Target.Rest, call.Cancelled);
        var question = new PolicyQuestion(token, plugin.Name, call.Target.Rest, call.Target.Query);
        if (Decide(question, policy) is { } denied)
        {
            await RefuseAsync(call, AuditKind.Release, denied.Error, denied.Cause, session, token, policy, question);
            return;
        }

        // 3. What it asks for.
        BrokerRequest request = Request(call) with { Claims = token.Claims };
        if (!(await TracedAsync("fetch", () => plugin.HandleAsync(request, call.Cancelled))).TryGet(out Secret? secret, out refusal))
        {
            await RefuseAsync(call, AuditKind.Release, PluginError(refusal), refusal, session, token, policy);
            return;
        }

        using Activity? release = KeyBrokerTracing.Start("release");
        using (secret)
        {
            if (!(await plugin.RequiresEncryptionAsync(request, call.Cancelled)).TryGet(out bool encrypt, out refusal))
            {
                await RefuseAsync(call, AuditKind.Release, PluginError(refusal), refusal, session, token, policy);
                return;
            }

            if (!encrypt)
            {
                Released(call, session, token, policy);
                await Reply.BytesAsync(call.Http, StatusCodes.Status200OK, Reply.Raw, secret.Reveal());
                return;
            }

            // 4. Sealed to the key that the evidence vouched for.
            if (token.Key is null)
            {
                await RefuseAsync(call, AuditKind.Release, KbsError.TokenVerifierFailed, new Refusal(RefusalCode.Malformed, "the token has no tee-pubkey"), session, token, policy);
                return;
            }

            if (!token.Key.GetRecipient(_algorithms).TryGet(out JweRecipient? recipient, out refusal))
            {
                await RefuseAsync(call, AuditKind.Release, KbsError.JweFailed, refusal, session, token, policy);
                return;
            }

            JweSerialization form = recipient.Algorithm == JweAlgorithms.Rsa15 && former ? JweSerialization.Legacy : JweSerialization.Flattened;
            byte[] jwe = recipient.Encrypt(secret.Reveal(), form);
            Released(call, session, token, policy);
            await Reply.BytesAsync(call.Http, StatusCodes.Status200OK, Reply.Json, jwe);
        }
    }

    private static async ValueTask<Result<T>> TracedAsync<T>(string step, Func<ValueTask<Result<T>>> run)
        where T : notnull
    {
        using Activity? span = KeyBrokerTracing.Start(step);
        Result<T> result = await run();
        if (result.Refusal is { } refusal)
        {
            span.Refuse(refusal);
        }

        return result;
    }

    private async ValueTask<(AttestationToken? Token, Session? Session)> FindTokenAsync(BrokerCall call)
    {
        if (BearerToken.FindSessionCookie(call.Http.Request) is { } cookie
            && (await _handshake.OpenSessionAsync(cookie, call.Cancelled)).TryGet(out Session? session, out _)
            && await _sessions.FindAsync(session.Id, call.Cancelled) is { } attested)
        {
            return (attested, session);
        }

        return BearerToken.Find(call.Http.Request) is { } bearer ? (new AttestationToken(bearer), null) : (null, null);
    }

    private (KbsError Error, Refusal Cause)? Decide(PolicyQuestion question, ResourcePolicy policy)
    {
        using Activity? span = KeyBrokerTracing.Start("policy");
        (KbsError Error, Refusal Cause)? denied = Ask(question, policy);
        if (denied is { Cause: var cause })
        {
            span.Refuse(cause);
        }

        return denied;
    }

    private (KbsError Error, Refusal Cause)? Ask(PolicyQuestion question, ResourcePolicy policy)
    {
        _metrics.PolicyEvaluations.Add(1);
        if (policy.Compiled is not { } compiled)
        {
            _metrics.PolicyErrors.Add(1);
            return (KbsError.PolicyEngine("Failed to load policy"), policy.Broken!.Within("policy " + policy.Id));
        }

        PolicyDecision decision = compiled.Evaluate(question);
        switch (decision.Outcome)
        {
            case PolicyOutcome.Allowed:
                _metrics.PolicyApprovals.Add(1);
                return null;
            case PolicyOutcome.False:
                _metrics.PolicyViolations.Add(1);
                return (Denied, new Refusal(RefusalCode.PolicyDenied, $"policy {policy.Id} says no"));
            case PolicyOutcome.Fault:
                _metrics.PolicyErrors.Add(1);
                return (KbsError.PolicyEngine("Failed to eval policy"), new Refusal(RefusalCode.PolicyDenied, $"policy {policy.Id} failed: {decision.Detail}"));
            default:
                _metrics.PolicyViolations.Add(1);
                _metrics.PolicyErrors.Add(1);
                return (Denied, new Refusal(RefusalCode.PolicyDenied, $"policy {policy.Id} has no true or false in data.policy.allow: {decision.Detail}"));
        }
    }

    private KbsError Denied => _options.StrictStatus ? KbsError.PolicyDenied with { Status = StatusCodes.Status403Forbidden } : KbsError.PolicyDenied;

    private KbsError PluginError(Refusal refusal) => !_options.StrictStatus
        ? KbsError.PluginFailed
        : KbsError.PluginFailed with
        {
            Status = refusal.Code switch
            {
                RefusalCode.NotFound => StatusCodes.Status404NotFound,
                RefusalCode.TooLarge => StatusCodes.Status413PayloadTooLarge,
                RefusalCode.Conflict => StatusCodes.Status409Conflict,
                _ => StatusCodes.Status400BadRequest,
            },
        };

    private static BrokerRequest Request(BrokerCall call) => new(call.Target.Endpoint, call.Method, call.Target.Rest, call.Target.Query, call.Body.Memory);

    // Up to 0.11 the repository could be left out (kbs.md 3.8).
    private static void MapFormerPath(BrokerCall call)
    {
        if (call.Target.Rest.Length == 2)
        {
            call.Rewrite(call.Target.With(["default", .. call.Target.Rest]));
        }
    }

    private void Released(BrokerCall call, Session? session, VerifiedToken token, ResourcePolicy policy)
    {
        Log.Released(_log, call.Target.PrintablePath, token.Tee, call.RequestId);
        Journal(call, null, token, policy, null);
        _audit.Record(Event(call, AuditKind.Release, null) with
        {
            Identity = session is null ? null : HandshakeHandler.Name(session.Id),
            Tee = token.Tee,
            TokenDigest = token.Digest,
            Policy = policy.Id,
            PolicyHash = policy.Compiled?.Sha384,
        });
    }

    private async Task RefuseAsync(
        BrokerCall call, AuditKind kind, KbsError error, Refusal cause, Session? session, VerifiedToken? token, ResourcePolicy? policy, PolicyQuestion? denied = null)
    {
        if (kind == AuditKind.Release)
        {
            Journal(call, cause, token, policy, denied);
        }

        Log.Refused(_log, call.Method, call.Target.PrintablePath, cause.ToString(), call.RequestId);
        _audit.Record(Event(call, kind, cause) with
        {
            Identity = session is null ? null : HandshakeHandler.Name(session.Id),
            Tee = token?.Tee,
            TokenDigest = token?.Digest,
            Policy = policy?.Id,
            PolicyHash = policy?.Compiled?.Sha384,
        });
        Activity.Current.Refuse(cause);
        await Reply.ErrorAsync(call.Http, error);
    }

    private void Journal(BrokerCall call, Refusal? cause, VerifiedToken? token, ResourcePolicy? policy, PolicyQuestion? denied)
    {
        if (_journal is null)
        {
            return;
        }

        CompiledResourcePolicy? compiled = policy?.Compiled;
        call.Http.Response.Headers["Coco-Decision-Id"] = _journal.Record(new ReleaseRecord
        {
            Time = _time.GetUtcNow(),
            Request = call.Method + " " + call.Target.PrintablePath,
            RequestId = call.RequestId,
            Refusal = cause,
            Token = token,
            Tee = token?.Tee,
            PolicyId = policy?.Id,
            PolicySha384 = compiled?.Sha384,
            Elapsed = call.Elapsed,
            Explain = denied is null || compiled is null ? null : () => compiled.Explain(denied),
        });
    }

    private AuditEvent Event(BrokerCall call, AuditKind kind, Refusal? cause) => new()
    {
        Time = _time.GetUtcNow(),
        Kind = kind,
        Allowed = cause is null,
        Reason = cause?.Detail,
        Code = cause?.Code,
        Target = call.Method + " " + call.Target.PrintablePath,
        RequestId = call.RequestId,
        Client = call.Client,
    };

    private static partial class Log
    {
        [LoggerMessage(5020, LogLevel.Information, "{Path} released to {Tee} (request {RequestId})")]
        public static partial void Released(ILogger logger, string path, string? tee, string requestId);

        [LoggerMessage(5021, LogLevel.Information, "{Method} {Path} refused: {Cause} (request {RequestId})")]
        public static partial void Refused(ILogger logger, string method, string path, string cause, string requestId);

        [LoggerMessage(5022, LogLevel.Information, "{Who}: {Method} {Path}: {Outcome} (request {RequestId})")]
        public static partial void AdminDone(ILogger logger, string who, string method, string path, string outcome, string requestId);
    }
}
