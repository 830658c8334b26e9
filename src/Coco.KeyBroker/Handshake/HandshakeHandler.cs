// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Coco.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Coco.KeyBroker;

/// <summary><c>auth</c> and <c>attest</c> (kbs.md 2).</summary>
internal sealed partial class HandshakeHandler
{
    private readonly KeyBrokerOptions _options;
    private readonly IAttestationService _attestation;
    private readonly SessionKeys _keys;
    private readonly AttestedSessions _sessions;
    private readonly TokenVerifier _tokens;
    private readonly AuditLog _audit;
    private readonly KeyBrokerMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<HandshakeHandler> _log;
    private readonly ImmutableHashSet<ProtocolVersion> _versions;
    private readonly string _newest;

    /// <exception cref="ArgumentException">The options name an unknown version, or none.</exception>
    public HandshakeHandler(
        KeyBrokerOptions options,
        IAttestationService attestation,
        SessionKeys keys,
        AttestedSessions sessions,
        TokenVerifier tokens,
        AuditLog audit,
        KeyBrokerMetrics metrics,
        TimeProvider time,
        ILogger<HandshakeHandler> log)
    {
        _options = options;
        _attestation = attestation;
        _keys = keys;
        _sessions = sessions;
        _tokens = tokens;
        _audit = audit;
        _metrics = metrics;
        _time = time;
        _log = log;
        _versions = [.. options.ProtocolVersions.Select(v => ProtocolVersions.TryParse(v, out ProtocolVersion version)
            ? version
            : throw new ArgumentException($"protocol version {v} is unknown", nameof(options)))];
        if (_versions.IsEmpty)
        {
            throw new ArgumentException("no protocol version is served", nameof(options));
        }

        ProtocolVersion newest = _versions.Max();
        _newest = ProtocolVersions.All.First(v => v.Version == newest).Text;
    }

    /// <summary>Gives a challenge. Stores nothing, unless the nonce is too large for a cookie.</summary>
    public async Task AuthAsync(BrokerCall call)
    {
        _metrics.AuthRequests.Add(1);
        using Activity? span = KeyBrokerTracing.Start("auth");
        (KbsError? error, Session? session, Challenge? challenge, Refusal? cause, string? tee) = await ChallengeAsync(call);
        if (error is not null)
        {
            span.Refuse(cause!);
            _metrics.AuthErrors.Add(1);
            Log.AuthRefused(_log, cause!.ToString(), call.RequestId);
            _audit.Record(Event(call, AuditKind.Challenge, cause, null, tee));
            await Reply.ErrorAsync(call.Http, error);
            return;
        }

        string cookie = SessionCookie.Seal(session!, await _keys.GetAsync(call.Cancelled));
        _audit.Record(Event(call, AuditKind.Challenge, null, session!.Id, tee));
        _metrics.AuthSuccesses.Add(1);
        Reply.SetSessionCookie(call.Http, cookie, session.ExpiresAt);
        await Reply.JsonAsync(call.Http, StatusCodes.Status200OK, (challenge!, session.Version), static (json, state) =>
        {
            (Challenge given, ProtocolVersion version) = state;
            json.WriteStartObject();
            json.WriteString("nonce"u8, given.Nonce);
            if ((given.SelectedHashAlgorithm is not null || given.TpmCredential is not null) && version > ProtocolVersion.V0_1_0)
            {
                json.WriteStartObject("extra-params"u8);
                if (given.SelectedHashAlgorithm is { } hash)
                {
                    json.WriteString("selected-hash-algorithm"u8, hash);
                }

                if (given.TpmCredential is { } credential)
                {
                    json.WritePropertyName("tpm-credential"u8);
                    json.WriteRawValue(credential);
                }

                json.WriteEndObject();
            }
            else
            {
                json.WriteString("extra-params"u8, ""u8);
            }

            json.WriteEndObject();
        });
    }

    /// <summary>Has the evidence judged, and gives the token.</summary>
    public async Task AttestAsync(BrokerCall call)
    {
        _metrics.AttestationRequests.Add(1);
        using Activity? span = KeyBrokerTracing.Start("attest");
        string? cookie = BearerToken.FindSessionCookie(call.Http.Request);
        Session? session = null;
        Result<Issued> result = cookie is null
            ? new Refusal(RefusalCode.Unauthenticated, "no session cookie")
            : (await OpenSessionAsync(cookie, call.Cancelled)).TryGet(out session, out Refusal? refusal)
                ? await AttestAsync(call, session)
                : refusal;
        string? tee = session?.Tee.ToWireName();
        span?.SetTag("coco.tee", tee);
        if (!result.TryGet(out Issued? issued, out Refusal? cause))
        {
            span.Refuse(cause);
            if (cause.Check != Judged)
            {
                _metrics.AttestationErrors.Add(1);
            }

            Log.AttestRefused(_log, tee, cause.ToString(), call.RequestId);
            _audit.Record(Event(call, AuditKind.Attest, cause, session?.Id, tee));
            await Reply.ErrorAsync(call.Http, KbsError.AttestFailed);
            return;
        }

        Log.Attested(_log, tee, call.RequestId);
        _audit.Record(Event(call, AuditKind.Attest, null, session!.Id, tee) with { TokenDigest = issued.Digest, Policy = session.Policy });
        Reply.SetSessionCookie(call.Http, cookie!, session.ExpiresAt);
        await Reply.JsonAsync(call.Http, StatusCodes.Status200OK, issued.Token, static (json, t) =>
        {
            json.WriteStartObject();
            json.WriteString("token"u8, t.Compact);
            json.WriteEndObject();
        });
    }

    /// <summary>Opens a cookie: sealed by a replica of ours, and not over its time.</summary>
    public async ValueTask<Result<Session>> OpenSessionAsync(string cookie, CancellationToken ct)
    {
        if (!SessionCookie.Decode(cookie).TryGet(out SealedSession? sealedSession, out Refusal? refusal))
        {
            return refusal;
        }

        if (await _keys.FindAsync(sealedSession.KeyId, ct) is not { } key)
        {
            return new Refusal(RefusalCode.BadSignature, "the session cookie was sealed by another server, or too long ago");
        }

        if (!SessionCookie.Open(sealedSession, key).TryGet(out Session? session, out refusal))
        {
            return refusal;
        }

        return _time.GetUtcNow() >= session.ExpiresAt ? new Refusal(RefusalCode.Expired, "the session is over") : session;
    }

    /// <summary>What the audit log calls a session: never its id, which is as good as the cookie.</summary>
    public static string Name(string sessionId) => "session:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(sessionId)).AsSpan(0, 8));

    private const string Judged = "attestation-service";

    private async ValueTask<(KbsError? Error, Session? Session, Challenge? Challenge, Refusal? Cause, string? Tee)> ChallengeAsync(BrokerCall call)
    {
        if (!AuthRequest.Parse(call.Body.Span).TryGet(out AuthRequest? request, out Refusal? refusal))
        {
            return (KbsError.DeserializeFailed, null, null, refusal, null);
        }

        bool known = TeeTypes.TryParse(request.Tee, out TeeType tee);
        if (!known && request.Tee != "sev")
        {
            return (KbsError.DeserializeFailed, null, null, new Refusal(RefusalCode.Unsupported, "unknown TEE"), null);
        }

        if (!ProtocolVersions.TryParseSemantic(request.Version, out string? compared))
        {
            return (KbsError.VersionNotParsed, null, null, new Refusal(RefusalCode.Malformed, "the version is not a semantic version"), request.Tee);
        }

        if (!ProtocolVersions.TryParse(compared, out ProtocolVersion version) || !_versions.Contains(version))
        {
            return (KbsError.VersionMismatch(_newest, request.Version), null, null, new Refusal(RefusalCode.Unsupported, $"protocol version {compared} is not served"), request.Tee);
        }

        if (!known)
        {
            return (KbsError.ChallengeFailed, null, null, new Refusal(RefusalCode.Unsupported, "SEV without SNP cannot be attested"), request.Tee);
        }

        if (!SelectPolicy(request.ExtraParameters).TryGet(out PolicyId policy, out refusal))
        {
            return (KbsError.ChallengeFailed, null, null, refusal, request.Tee);
        }

        if (!(await _attestation.CreateChallengeAsync(tee, request.ExtraParameters, call.Cancelled)).TryGet(out Challenge? challenge, out refusal))
        {
            return (KbsError.ChallengeFailed, null, null, refusal, request.Tee);
        }

        if (version.IsLegacy())
        {
            Log.LegacyGuest(_log, request.Version, call.RequestId);
        }

        // The cookie's date has whole seconds: the session ends when the guest is told it does.
        DateTimeOffset now = _time.GetUtcNow();
        DateTimeOffset expiresAt = DateTimeOffset.FromUnixTimeSeconds((now + _options.SessionTimeout).ToUnixTimeSeconds());
        bool large = Encoding.UTF8.GetByteCount(challenge.Nonce) > SessionCookie.MaxNonceBytes;
        string id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var session = new Session(
            id,
            version,
            tee,
            large ? null : challenge.Nonce,
            challenge.SelectedHashAlgorithm,
            policy == PolicyId.Default ? null : policy.Value,
            expiresAt);
        if (large)
        {
            await _sessions.PutChallengeAsync(session, challenge.Nonce, call.Cancelled);
        }

        return (null, session, challenge, null, tee.ToWireName());
    }

    private Result<PolicyId> SelectPolicy(JsonElement extraParameters)
    {
        if (extraParameters.ValueKind != JsonValueKind.Object || !extraParameters.TryGetProperty("attestation-policy-selector", out JsonElement selector))
        {
            return PolicyId.Default;
        }

        return selector.ValueKind == JsonValueKind.String && _options.PolicySelectors.TryGetValue(selector.GetString()!, out PolicyId policy)
            ? policy
            : new Refusal(RefusalCode.NotFound, "the attestation policy selector is not mapped to a policy");
    }

    private async ValueTask<Result<Issued>> AttestAsync(BrokerCall call, Session session)
    {
        if (!AttestRequest.Parse(call.Body.Span, session.Version, (int)_options.MaxBodyBytes).TryGet(out AttestRequest? request, out Refusal? refusal))
        {
            return refusal;
        }

        // A session is attested once: the holder of its cookie gets the same token again (kbs.md 2.3). What another replica gave shows when ours is
        // stored, so that only a refusal has to look for it.
        if (_sessions.FindHere(session.Id) is { } known)
        {
            return new Issued(known, Digest(known));
        }

        Result<Issued> result = await AttestNewAsync(session, request, call.Cancelled);
        if (result.Refusal is not { } refused)
        {
            return result;
        }

        if (await _sessions.FindAsync(session.Id, call.Cancelled) is { } present)
        {
            return new Issued(present, Digest(present));
        }

        if (refused.Check == Judged)
        {
            _metrics.AttestationFailures.Add(1, KeyBrokerMetrics.Tag("tee_type", session.Tee.ToWireName()));
        }

        return refused;
    }

    private async ValueTask<Result<Issued>> AttestNewAsync(Session session, AttestRequest request, CancellationToken ct)
    {
        if ((session.Nonce ?? await _sessions.FindChallengeAsync(session.Id, ct)) is not { } nonce)
        {
            return new Refusal(RefusalCode.Expired, "the challenge of the session is gone");
        }

        if (request.Nonce is not null && !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(request.Nonce), Encoding.UTF8.GetBytes(nonce)))
        {
            return new Refusal(RefusalCode.Mismatch, "the nonce is not that of the session");
        }

        if (request.Key.IsRsa15 && !(_options.AllowRsa15 && session.Version.IsLegacy()))
        {
            return new Refusal(RefusalCode.Unsupported, "an RSA1_5 key is accepted from guests of protocol 0.1.x only");
        }

        if (!AttestInputs.Of(request, session.Tee, nonce, session.HashAlgorithm).TryGet(out ImmutableArray<AttestationInput> inputs, out Refusal? refusal))
        {
            return refusal;
        }

        PolicyId policy = session.Policy is null ? PolicyId.Default : PolicyId.Parse(session.Policy).Require();
        if (!(await EvaluateAsync(inputs, policy, ct)).TryGet(out AttestationToken? token, out refusal))
        {
            return refusal with { Detail = refusal.ToString(), Check = Judged };
        }

        _metrics.AttestationSuccesses.Add(1, KeyBrokerMetrics.Tag("tee_type", session.Tee.ToWireName()));
        AttestationToken stored = await _sessions.AddAsync(session, token, ct);
        var issued = new Issued(stored, Digest(stored));
        if (ReferenceEquals(stored, token))
        {
            _tokens.NoteIssued(token, issued.Digest);
        }

        return issued;
    }

    private async ValueTask<Result<AttestationToken>> EvaluateAsync(ImmutableArray<AttestationInput> inputs, PolicyId policy, CancellationToken ct)
    {
        using Activity? span = KeyBrokerTracing.Start("evaluate");
        Result<AttestationToken> result = await _attestation.AttestAsync(inputs, [policy], ct);
        if (result.Refusal is { } refusal)
        {
            span.Refuse(refusal);
        }

        return result;
    }

    private static string Digest(AttestationToken token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(token.Compact)));

    private sealed record Issued(AttestationToken Token, string Digest);

    private AuditEvent Event(BrokerCall call, AuditKind kind, Refusal? cause, string? sessionId, string? tee) => new()
    {
        Time = _time.GetUtcNow(),
        Kind = kind,
        Allowed = cause is null,
        Reason = cause?.Detail,
        Code = cause?.Code,
        Identity = sessionId is null ? null : Name(sessionId),
        Tee = tee is { Length: <= 32 } ? tee : null,
        RequestId = call.RequestId,
        Client = call.Client,
    };

    private static partial class Log
    {
        [LoggerMessage(5010, LogLevel.Information, "challenge refused: {Cause} (request {RequestId})")]
        public static partial void AuthRefused(ILogger logger, string cause, string requestId);

        [LoggerMessage(5011, LogLevel.Information, "attestation of {Tee} refused: {Cause} (request {RequestId})")]
        public static partial void AttestRefused(ILogger logger, string? tee, string cause, string requestId);

        [LoggerMessage(5012, LogLevel.Information, "{Tee} attested (request {RequestId})")]
        public static partial void Attested(ILogger logger, string? tee, string requestId);

        [LoggerMessage(5013, LogLevel.Warning, "a guest of protocol {Version} gets answers under RSA1_5, whose header nothing authenticates (request {RequestId})")]
        public static partial void LegacyGuest(ILogger logger, string version, string requestId);
    }
}
