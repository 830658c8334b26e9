// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.Cca;

namespace Coco.Verifiers.Cca;

/// <summary>Has a Veraison service verify CCA tokens (challenge-response interaction), and verifies what it answers.</summary>
/// <remarks>Source: tee-evidence.md 8.2, remote; attestation-service.md 6.12.</remarks>
public sealed class CcaRemoteVerifier(CcaRemoteVerifierOptions options) : IVerifier
{
    private const int ChallengeSize = 64;
    private const int LongestAnswer = 1 << 20;
    private const string DiscoveryPath = "/.well-known/veraison/verification";
    private const string Session = "application/vnd.veraison.challenge-response-session+json";
    private const string TokenType = "application/eat-collection; profile=\"http://arm.com/CCA-SSD/1.0.0\"";
    private const string Annotated = "ear.veraison.annotated-evidence";

    private static readonly CollateralKey Service = new("veraison", "cca");

    /// <inheritdoc/>
    public TeeType Tee => TeeType.Cca;

    /// <inheritdoc/>
    public async ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        Result<ReadOnlyMemory<byte>> token = CcaToken.ReadEvidence(evidence.Evidence.Body);
        Result<CcaToken> parsed = token.TryGet(out ReadOnlyMemory<byte> bytes, out Refusal? refusal) ? CcaToken.Parse(bytes) : refusal;
        if (record.Note("cca.form", parsed.Refusal) is { } form || !parsed.TryGet(out CcaToken? read, out form))
        {
            return form;
        }

        // The token's own challenge is compared before anybody is asked: it is what the service is asked with.
        if (record.Note("cca.report-data", MandatoryBinding.Check(evidence) ?? evidence.CheckReportData(read.RealmClaims.Challenge.Span)) is { } unbound)
        {
            return unbound;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(options.Timeout);
        Result<JsonObject> claims;
        try
        {
            claims = await AskAsync(bytes, read.RealmClaims.Challenge, record, limit.Token).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            throw new CollateralUnavailableException(Service, "the verification service cannot be reached: " + e.Message, e);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new CollateralUnavailableException(Service, "the verification service did not answer in time", e);
        }

        if (!claims.TryGet(out JsonObject? mapped, out refusal))
        {
            return refusal;
        }

        refusal = record.Note("cca.remote-token", CheckSame(mapped, read))
            ?? record.Note("cca.init-data", evidence.InitDataHash.CheckExactly(read.RealmClaims.PersonalizationValue.Span));
        return refusal is null ? ImmutableArray.Create(new VerifiedClaims(TeeType.Cca, "cpu", mapped)) : refusal;
    }

    private static Refusal Malformed(string what) => new(RefusalCode.Malformed, "verification service: " + what);

    /// <summary>What the service says has to be of the token that it was sent.</summary>
    private static Refusal? CheckSame(JsonObject claims, CcaToken token) =>
        (string?)claims["report_data"] == Convert.ToHexStringLower(token.RealmClaims.Challenge.Span)
        && (string?)claims["init_data"] == Convert.ToHexStringLower(token.RealmClaims.PersonalizationValue.Span)
        && (string?)claims["platform"]!["cca-platform-instance-id"] == Convert.ToBase64String(token.PlatformClaims.InstanceId.Span)
            ? null
            : new Refusal(RefusalCode.Mismatch, "the verification service's result is of another token");

    private async Task<Result<JsonObject>> AskAsync(ReadOnlyMemory<byte> token, ReadOnlyMemory<byte> challenge, VerificationRecord? record, CancellationToken ct)
    {
        (_, JsonElement discovery, _) = await SendAsync(new HttpRequestMessage(HttpMethod.Get, new Uri(options.Address, DiscoveryPath)), ct).ConfigureAwait(false);
        if (discovery.ValueKind != JsonValueKind.Object
            || !discovery.TryGetProperty("api-endpoints", out JsonElement endpoints) || endpoints.ValueKind != JsonValueKind.Object
            || !HostileJson.RequireString(endpoints, "newChallengeResponseSession").TryGet(out string? endpoint, out _)
            || !discovery.TryGetProperty("ear-verification-key", out JsonElement jwk)
            || !TryResolve(options.Address, endpoint, out Uri? newSession))
        {
            return record.Note("cca.remote-answer", Malformed("its discovery document has no endpoint or no key"))!;
        }

        var begin = new HttpRequestMessage(HttpMethod.Post, new Uri(newSession + "?nonce=" + StrictBase64.EncodeUrl(challenge.Span)));
        begin.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(Session));
        (HttpStatusCode created, _, Uri? location) = await SendAsync(begin, ct).ConfigureAwait(false);
        if (created != HttpStatusCode.Created || location is null || !TryResolve(newSession, location.OriginalString, out Uri? session))
        {
            return record.Note("cca.remote-answer", Malformed("it opened no session"))!;
        }

        var submit = new HttpRequestMessage(HttpMethod.Post, session) { Content = new ReadOnlyMemoryContent(token) };
        submit.Content.Headers.TryAddWithoutValidation("Content-Type", TokenType);
        submit.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(Session));
        (HttpStatusCode status, JsonElement answer, _) = await SendAsync(submit, ct).ConfigureAwait(false);
        while (status == HttpStatusCode.Accepted)
        {
            await Task.Delay(options.PollInterval, options.Clock, ct).ConfigureAwait(false);
            (status, answer, _) = await SendAsync(new HttpRequestMessage(HttpMethod.Get, session), ct).ConfigureAwait(false);
        }

        if (status != HttpStatusCode.OK || answer.ValueKind != JsonValueKind.Object || !HostileJson.RequireString(answer, "result").TryGet(out string? result, out _))
        {
            return record.Note("cca.remote-answer", Malformed($"it gave no result (status {(int)status})"))!;
        }

        record?.Passed("cca.remote-answer");
        return ReadResult(result, jwk, challenge, record);
    }

    private Result<JsonObject> ReadResult(string result, JsonElement jwk, ReadOnlyMemory<byte> challenge, VerificationRecord? record)
    {
        Result<JsonElement> opened = Open(result, jwk);
        if (record.Note("cca.remote-signature", opened.Refusal) is { } forged || !opened.TryGet(out JsonElement ear, out forged))
        {
            return forged;
        }

        Refusal? refusal = record.Note("cca.remote-nonce", CheckNonce(ear, challenge)) ?? record.Note("cca.remote-dates", CheckDates(ear));
        if (refusal is not null)
        {
            return refusal;
        }

        Result<JsonElement> realm = Submodule(ear, "CCA_REALM"), platform = Submodule(ear, "CCA_SSD_PLATFORM");
        if (record.Note("cca.remote-status", realm.Refusal ?? platform.Refusal) is { } bad)
        {
            return bad;
        }

        var both = new JsonObject { ["realm"] = JsonNode.Parse(realm.Require().GetRawText()), ["platform"] = JsonNode.Parse(platform.Require().GetRawText()) };
        Result<JsonObject> mapped = CcaRemoteClaims.Map(JsonElement.Parse(both.ToJsonString()));
        return record.Note("cca.remote-claims", mapped.Refusal) is { } unmapped ? unmapped : mapped;
    }

    private static Result<JsonElement> Open(string result, JsonElement jwk)
    {
        if (!Jwk.Parse(jwk).TryGet(out Jwk? parsed, out Refusal? refusal) || !VerificationKey.FromJwk(parsed).TryGet(out VerificationKey? key, out refusal))
        {
            return refusal.Within("the service's key");
        }

        using (key)
        {
            if (!JwsMessage.Parse(result).TryGet(out JwsMessage? message, out refusal))
            {
                return refusal;
            }

            return message.Verify(key, JwsAlgorithms.ES256) is { } bad ? bad : HostileJson.ParseObject(message.Payload.Span);
        }
    }

    private static Refusal? CheckNonce(JsonElement ear, ReadOnlyMemory<byte> challenge) =>
        HostileJson.RequireString(ear, "eat_nonce").TryGet(out string? text, out Refusal? missing)
            ? StrictBase64.DecodeLenient(text).TryGet(out byte[]? nonce, out _) && nonce.AsSpan().SequenceEqual(challenge.Span[..ChallengeSize])
                ? null
                : new Refusal(RefusalCode.Mismatch, "the verification service's result is for another nonce")
            : missing;

    private Refusal? CheckDates(JsonElement ear)
    {
        DateTimeOffset now = options.Clock.GetUtcNow();
        if (ear.TryGetProperty("exp", out JsonElement e) && (!e.TryGetInt64(out long expires) || now - options.ClockSkew > DateTimeOffset.UnixEpoch.AddSeconds(expires)))
        {
            return new Refusal(RefusalCode.Expired, "the verification service's result is over its time");
        }

        // A result is made for this question: an old one is not an answer to it.
        return ear.TryGetProperty("iat", out JsonElement i) && i.TryGetInt64(out long issued)
            && (now + options.ClockSkew - DateTimeOffset.UnixEpoch).TotalSeconds >= issued
            && (now - options.Timeout - options.ClockSkew - DateTimeOffset.UnixEpoch).TotalSeconds <= issued
                ? null
                : new Refusal(RefusalCode.Expired, "the verification service's result was not made now");
    }

    /// <summary>The annotated evidence of a submodule that the service does not call contraindicated.</summary>
    private static Result<JsonElement> Submodule(JsonElement ear, string name)
    {
        if (!ear.TryGetProperty("submods", out JsonElement all) || all.ValueKind != JsonValueKind.Object
            || !all.TryGetProperty(name, out JsonElement one) || one.ValueKind != JsonValueKind.Object
            || !one.TryGetProperty(Annotated, out JsonElement evidence))
        {
            return Malformed($"its result has no submodule {name} with evidence");
        }

        return HostileJson.RequireString(one, "ear.status").TryGet(out string? status, out _) && status is "affirming" or "warning"
            ? evidence
            : new Refusal(RefusalCode.Untrusted, $"the verification service does not affirm {name}");
    }

    /// <summary>An address on the service's own host.</summary>
    private static bool TryResolve(Uri from, string text, [NotNullWhen(true)] out Uri? address) =>
        Uri.TryCreate(from, text, out address) && address.Scheme == from.Scheme && address.Authority == from.Authority;

    private async Task<(HttpStatusCode Status, JsonElement Body, Uri? Location)> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        using (request)
        {
            using HttpResponseMessage answer = await options.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct).ConfigureAwait(false);
            if ((int)answer.StatusCode >= 500 || answer.StatusCode == HttpStatusCode.TooManyRequests)
            {
                throw new CollateralUnavailableException(Service, $"the verification service answered {(int)answer.StatusCode}");
            }

            await answer.Content.LoadIntoBufferAsync(LongestAnswer, ct).ConfigureAwait(false);
            byte[] body = await answer.Content.ReadAsByteArrayAsync(ct).ConfigureAwait(false);
            return (answer.StatusCode, HostileJson.Parse(body).TryGet(out JsonElement json, out _) ? json : default, answer.Headers.Location);
        }
    }
}
