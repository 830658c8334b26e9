// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.Nvidia;

namespace Coco.Verifiers.Nvidia;

/// <summary>Has NVIDIA's attestation service verify GPUs and switches, and verifies what it answers; one set of claims for each device.</summary>
/// <remarks>Source: tee-evidence.md 11.1, remote mode; attestation-service.md 6.14.</remarks>
public sealed class NvidiaRemoteVerifier(NvidiaRemoteVerifierOptions options) : IVerifier
{
    private const int NonceSize = 32;
    private const int LongestAnswer = 1 << 20;
    private const string OverallResult = "x-nvidia-overall-att-result";

    private static readonly CollateralKey KeySet = new(CollateralKinds.NvidiaJwks, "nras");

    /// <inheritdoc/>
    public TeeType Tee => TeeType.Nvidia;

    /// <inheritdoc/>
    public async ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        Result<ImmutableArray<NvidiaEvidence>> parsed = NvidiaEvidence.ParseAll(evidence.Evidence.Body);
        if (record.Note("nvidia.form", parsed.Refusal) is { } form || !parsed.TryGet(out ImmutableArray<NvidiaEvidence> devices, out form))
        {
            return form;
        }

        if (record.Note("nvidia.nonce", MandatoryBinding.Check(evidence) ?? CheckExpected(evidence)) is { } unbound)
        {
            return unbound;
        }

        byte[] nonce = new byte[NonceSize];
        evidence.ReportData.Expected.Span[..Math.Min(NonceSize, evidence.ReportData.Expected.Length)].CopyTo(nonce);
        var all = ImmutableArray.CreateBuilder<VerifiedClaims>();
        foreach (NvidiaEvidence device in devices)
        {
            byte[]? answer = await AskAsync(device, nonce, ct).ConfigureAwait(false);
            if (answer is null)
            {
                return record.Note("nvidia.remote-answer", new Refusal(RefusalCode.Untrusted, "the service did not accept the device's evidence"))!;
            }

            Result<VerifiedClaims> claims = await ReadAnswerAsync(device, nonce, answer, record, ct).ConfigureAwait(false);
            if (!claims.TryGet(out VerifiedClaims? one, out Refusal? refusal))
            {
                return refusal;
            }

            all.Add(one);
        }

        if (IsProtectedPcie(all))
        {
            all.Add(new VerifiedClaims(TeeType.Nvidia, "ppcie", new JsonObject { ["switch_count"] = 4, ["gpu_count"] = 8 }));
        }

        return all.ToImmutable();
    }

    /// <summary>Eight GPUs and four switches that name each other: one protected PCIe machine.</summary>
    internal static bool IsProtectedPcie(IReadOnlyList<VerifiedClaims> devices)
    {
        if (devices.Count != 12)
        {
            return false;
        }

        var gpus = new HashSet<string>(StringComparer.Ordinal);
        var switches = new HashSet<string>(StringComparer.Ordinal);
        foreach (VerifiedClaims device in devices)
        {
            bool isSwitch = device.TeeClass == "switch";
            string[] named = Identifiers(device.Claims[isSwitch ? "x-nvidia-switch-gpu-pdis" : "x-nvidia-gpu-switch-pdis"]);
            if (named.Length != (isSwitch ? 8 : 4))
            {
                return false;
            }

            (isSwitch ? gpus : switches).UnionWith(named);
        }

        return devices.Count(d => d.TeeClass == "switch") == 4 && gpus.Count == 8 && switches.Count == 4;
    }

    private static string[] Identifiers(JsonNode? list) => list is JsonArray array
        ? [.. array.OfType<JsonValue>().Select(v => v.ToString()).Where(t => t.AsSpan().IndexOfAnyExcept('0', 'x') >= 0)]
        : [];

    private static Refusal? CheckExpected(BoundEvidence evidence) =>
        evidence.ReportData.Expected.IsEmpty ? new Refusal(RefusalCode.Mismatch, "no expected nonce was given") : null;

    private async Task<byte[]?> AskAsync(NvidiaEvidence device, byte[] nonce, CancellationToken ct)
    {
        var question = new JsonObject
        {
            ["nonce"] = Convert.ToHexStringLower(nonce),
            ["arch"] = device.Architecture.ToWireName(),
            ["evidence_list"] = new JsonArray(new JsonObject
            {
                ["evidence"] = Convert.ToBase64String(device.Report.Span),
                ["certificate"] = Convert.ToBase64String(device.CertificateChain.Span),
            }),
            ["claims_version"] = "3.0",
        };
        var address = new Uri($"{options.Service.AbsoluteUri.TrimEnd('/')}/{KindOf(device)}");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(options.Timeout);
        try
        {
            using var body = new ByteArrayContent(Encoding.UTF8.GetBytes(question.ToJsonString()));
            body.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using HttpResponseMessage answer = await options.Http.PostAsync(address, body, limit.Token).ConfigureAwait(false);
            if (answer.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity or HttpStatusCode.Forbidden)
            {
                return null;
            }

            if (!answer.IsSuccessStatusCode)
            {
                throw new CollateralUnavailableException(KeySet, $"NVIDIA's attestation service answered {(int)answer.StatusCode}");
            }

            await answer.Content.LoadIntoBufferAsync(LongestAnswer, limit.Token).ConfigureAwait(false);
            return await answer.Content.ReadAsByteArrayAsync(limit.Token).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            throw new CollateralUnavailableException(KeySet, "NVIDIA's attestation service cannot be reached: " + e.Message, e);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new CollateralUnavailableException(KeySet, "NVIDIA's attestation service did not answer in time", e);
        }
    }

    private async Task<Result<VerifiedClaims>> ReadAnswerAsync(NvidiaEvidence device, byte[] nonce, byte[] answer, VerificationRecord? record, CancellationToken ct)
    {
        Result<(string Overall, string Detail)> tokens = ReadTokens(answer);
        if (record.Note("nvidia.remote-answer", tokens.Refusal) is { } form || !tokens.TryGet(out (string Overall, string Detail) both, out form))
        {
            return form;
        }

        Result<CollateralItem> fetched = await options.Collateral.GetAsync(KeySet, ct).ConfigureAwait(false);
        if (!fetched.TryGet(out CollateralItem? item, out Refusal? refusal) || !JwkSet.Parse(item.Body.Span).TryGet(out JwkSet? keys, out refusal))
        {
            return record.Note("nvidia.remote-signature", refusal)!;
        }

        if (!Open(both.Overall, keys).TryGet(out JsonElement overall, out refusal) || !Open(both.Detail, keys).TryGet(out JsonElement detail, out refusal))
        {
            return record.Note("nvidia.remote-signature", refusal)!;
        }

        record?.Passed("nvidia.remote-signature");
        refusal = record.Note("nvidia.remote-dates", CheckDates(overall) ?? CheckDates(detail)) ?? record.Note("nvidia.remote-nonce", CheckNonce(device, nonce, overall, detail));
        if (refusal is not null)
        {
            return refusal;
        }

        if (!overall.TryGetProperty(OverallResult, out JsonElement result) || JsonNode.Parse(detail.GetRawText()) is not JsonObject claims)
        {
            return record.Note("nvidia.remote-answer", new Refusal(RefusalCode.Malformed, "the service's token has no result") { Field = OverallResult })!;
        }

        claims[OverallResult] = JsonNode.Parse(result.GetRawText());
        return new VerifiedClaims(TeeType.Nvidia, KindOf(device), claims);
    }

    /// <summary>The answer: <c>[["JWT", token], {name: token}]</c> with exactly one name.</summary>
    private static Result<(string Overall, string Detail)> ReadTokens(byte[] answer)
    {
        if (!HostileJson.Parse(answer).TryGet(out JsonElement root, out Refusal? refusal))
        {
            return refusal;
        }

        bool fits = root.ValueKind == JsonValueKind.Array && root.GetArrayLength() == 2
            && root[0].ValueKind == JsonValueKind.Array && root[0].GetArrayLength() == 2 && root[0][0].ValueKind == JsonValueKind.String && root[0][0].GetString() == "JWT"
            && root[0][1].ValueKind == JsonValueKind.String && root[1].ValueKind == JsonValueKind.Object;
        JsonProperty[] details = fits ? [.. root[1].EnumerateObject()] : [];
        return details is [{ Value.ValueKind: JsonValueKind.String }]
            ? (root[0][1].GetString()!, details[0].Value.GetString()!)
            : new Refusal(RefusalCode.Malformed, "the service's answer is not one token and one detail");
    }

    private static Result<JsonElement> Open(string token, JwkSet keys)
    {
        if (!JwsMessage.Parse(token).TryGet(out JwsMessage? message, out Refusal? refusal))
        {
            return refusal;
        }

        if (message.KeyId is not { } id || keys.Find(id) is not { } jwk)
        {
            return new Refusal(RefusalCode.Untrusted, "the token names no key of the service");
        }

        if (!VerificationKey.FromJwk(jwk).TryGet(out VerificationKey? key, out refusal))
        {
            return refusal;
        }

        using (key)
        {
            return message.Verify(key, JwsAlgorithms.ES384) is { } bad ? bad : HostileJson.ParseObject(message.Payload.Span);
        }
    }

    private Refusal? CheckDates(JsonElement payload)
    {
        DateTimeOffset now = options.Clock.GetUtcNow();
        if (!TryGetTime(payload, "exp", out DateTimeOffset expires))
        {
            return new Refusal(RefusalCode.Malformed, "the service's token does not say when it expires") { Field = "exp" };
        }

        return now - options.ClockSkew > expires
            ? new Refusal(RefusalCode.Expired, $"the service's token was valid until {expires:u}")
            : TryGetTime(payload, "nbf", out DateTimeOffset begins) && now + options.ClockSkew < begins
                ? new Refusal(RefusalCode.Expired, $"the service's token is not valid before {begins:u}")
                : null;
    }

    private static bool TryGetTime(JsonElement payload, string name, out DateTimeOffset time)
    {
        time = default;
        if (!payload.TryGetProperty(name, out JsonElement e) || e.ValueKind != JsonValueKind.Number || !e.TryGetInt64(out long seconds) || seconds is < 0 or > 253402300799)
        {
            return false;
        }

        time = DateTimeOffset.FromUnixTimeSeconds(seconds);
        return true;
    }

    /// <summary>The service says that the report's nonce is the one it was asked with, and repeats that nonce where it repeats any.</summary>
    private static Refusal? CheckNonce(NvidiaEvidence device, byte[] nonce, JsonElement overall, JsonElement detail)
    {
        string name = $"x-nvidia-{KindOf(device)}-attestation-report-nonce-match";
        if (!detail.TryGetProperty(name, out JsonElement match) || match.ValueKind != JsonValueKind.True)
        {
            return new Refusal(RefusalCode.Mismatch, $"{name} is not true");
        }

        foreach (JsonElement token in (ReadOnlySpan<JsonElement>)[overall, detail])
        {
            if (token.TryGetProperty("eat_nonce", out JsonElement echoed)
                && (echoed.ValueKind != JsonValueKind.String || !string.Equals(echoed.GetString(), Convert.ToHexStringLower(nonce), StringComparison.OrdinalIgnoreCase)))
            {
                return new Refusal(RefusalCode.Mismatch, "the service's token is for another nonce");
            }
        }

        return null;
    }

    private static string KindOf(NvidiaEvidence device) => device.Architecture == NvidiaArchitecture.Ls10 ? "switch" : "gpu";
}
