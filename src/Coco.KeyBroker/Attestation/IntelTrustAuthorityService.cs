// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>How Intel Trust Authority is reached.</summary>
public sealed record IntelTrustAuthorityOptions
{
    /// <summary>Address of the interface.</summary>
    public required Uri BaseUrl { get; init; }

    /// <summary>The subscription's key.</summary>
    public required Secret ApiKey { get; init; }

    /// <summary>Policies that tokens are asked for with.</summary>
    public ImmutableArray<string> PolicyIds { get; init; } = [];

    /// <summary>Accept tokens whose policies did not match. Default false.</summary>
    public bool AllowUnmatchedPolicy { get; init; }
}

/// <summary>Intel Trust Authority as the attestation service: TDX, SGX, TDX on Azure, with NVIDIA devices (kbs.md 5.5). It has no policies and reference values here.</summary>
public sealed class IntelTrustAuthorityService(IntelTrustAuthorityOptions options, OutboundHttp http) : IAttestationService
{
    /// <inheritdoc/>
    public ValueTask<Result<Challenge>> CreateChallengeAsync(TeeType tee, JsonElement teeParameters, CancellationToken ct)
    {
        string? hash = HashOf(tee);
        if (hash is null)
        {
            return new(new Refusal(RefusalCode.Unsupported, $"Intel Trust Authority does not attest {tee.ToWireName()}"));
        }

        return new(HashNegotiation.Select(teeParameters, hash).TryGet(out string? selected, out Refusal? refusal)
            ? Challenge.Random(selected.Length == 0 ? null : selected)
            : refusal);
    }

    /// <inheritdoc/>
    public async ValueTask<Result<AttestationToken>> AttestAsync(ImmutableArray<AttestationInput> inputs, ImmutableArray<PolicyId> policies, CancellationToken ct)
    {
        if (inputs.IsDefaultOrEmpty)
        {
            return new Refusal(RefusalCode.Malformed, "no evidence");
        }

        var body = new JsonObject
        {
            ["policy_ids"] = new JsonArray([.. options.PolicyIds.Select(p => (JsonNode)p)]),
            ["policy_must_match"] = !options.PolicyIds.IsEmpty && !options.AllowUnmatchedPolicy,
        };
        AttestationInput primary = inputs[0];
        if (AddPrimary(body, primary) is { } bad)
        {
            return bad;
        }

        foreach (AttestationInput device in inputs.Skip(1))
        {
            if (device.Evidence.Tee != TeeType.Nvidia)
            {
                return new Refusal(RefusalCode.Unsupported, $"Intel Trust Authority does not attest {device.Evidence.Tee.ToWireName()}");
            }

            if (AddDevice(body, device) is { } badDevice)
            {
                return badDevice;
            }
        }

        string path = primary.Evidence.Tee == TeeType.AzTdxVtpm ? "/appraisal/v2/attest/azure" : "/appraisal/v2/attest";
        using var request = new HttpRequestMessage(HttpMethod.Post, options.BaseUrl.AbsoluteUri.TrimEnd('/') + path)
        {
            Content = new ByteArrayContent(Jws.ToUtf8(body)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
        };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Headers.TryAddWithoutValidation("x-api-key", Encoding.ASCII.GetString(options.ApiKey.Reveal()));
        request.Headers.TryAddWithoutValidation("User-Agent", "coco-kbs");
        using RestAnswer answer = await RestCall.SendAsync(http.Invoker, request, ct);
        if (!HostileJson.ParseObject(answer.Body).TryGet(out JsonElement root, out Refusal? refusal))
        {
            return refusal.Within("Intel Trust Authority");
        }

        if (answer.Status != 200)
        {
            HostileJson.TryGetOptionalString(root, "error", out string? error);
            return new Refusal(RefusalCode.Untrusted, $"Intel Trust Authority answers {answer.Status}: {error}");
        }

        return HostileJson.RequireString(root, "token").TryGet(out string? token, out refusal) ? new AttestationToken(token) : refusal.Within("Intel Trust Authority");
    }

    /// <inheritdoc/>
    public ValueTask<Refusal?> SetPolicyAsync(PolicyId id, string source, CancellationToken ct) => new(NotHere);

    /// <inheritdoc/>
    public ValueTask<Refusal?> RegisterReferenceValueAsync(string message, CancellationToken ct) => new(NotHere);

    /// <inheritdoc/>
    public ValueTask<Result<string>> QueryReferenceValueAsync(string name, CancellationToken ct) => new(NotHere);

    private static Refusal NotHere => new(RefusalCode.Unsupported, "policies and reference values of Intel Trust Authority are kept in its own console");

    private static string? HashOf(TeeType tee) => tee switch
    {
        TeeType.Sgx or TeeType.AzTdxVtpm => "sha256",
        TeeType.Tdx => "sha512",
        _ => null,
    };

    private static Refusal? AddPrimary(JsonObject body, AttestationInput input)
    {
        string? member = input.Evidence.Tee switch
        {
            TeeType.Tdx or TeeType.AzTdxVtpm => "tdx",
            TeeType.Sgx => "sgx",
            _ => null,
        };
        if (member is null)
        {
            return new Refusal(RefusalCode.Unsupported, $"Intel Trust Authority does not attest {input.Evidence.Tee.ToWireName()}");
        }

        if (input.Evidence.Tee == TeeType.AzTdxVtpm)
        {
            return AddAzure(body, input);
        }

        if (!HostileJson.RequireString(input.Evidence.Body, "quote").TryGet(out string? quote, out Refusal? refusal))
        {
            return refusal.Within("evidence");
        }

        // In the very form that the guest hashed.
        var evidence = new JsonObject { ["quote"] = quote, ["runtime_data"] = StrictBase64.EncodeStandard(input.RuntimeData.Candidates[0].Span) };
        if (HostileJson.TryGetOptionalString(input.Evidence.Body, "cc_eventlog", out string? log) && log is not null)
        {
            evidence["event_log"] = log;
        }

        body[member] = evidence;
        return null;
    }

    // On Azure the quote binds the paravisor's report, which in turn holds the digest of the guest's data (tee-evidence.md 6.3).
    private static Refusal? AddAzure(JsonObject body, AttestationInput input)
    {
        const int sizeAt = 1232;
        if (!HostileJson.RequireString(input.Evidence.Body, "td_quote").TryGet(out string? quote, out Refusal? refusal)
            || !HostileJson.RequireString(input.Evidence.Body, "hcl_report").TryGet(out string? report, out refusal)
            || !StrictBase64.DecodeLenient(quote).TryGet(out byte[]? quoteBytes, out refusal)
            || !StrictBase64.DecodeLenient(report).TryGet(out byte[]? hcl, out refusal))
        {
            return refusal.Within("evidence");
        }

        var reader = new ByteReader(hcl);
        if (!reader.TrySkip(sizeAt) || !reader.TryReadUInt32LittleEndian(out uint size) || size > int.MaxValue || !reader.TryRead((int)size, out ReadOnlySpan<byte> variable))
        {
            return Refusal.Malformed("hcl_report", sizeAt, "shorter than it says");
        }

        body["tdx"] = new JsonObject
        {
            ["quote"] = StrictBase64.EncodeStandard(quoteBytes),
            ["runtime_data"] = StrictBase64.EncodeStandard(variable),
            ["user_data"] = StrictBase64.EncodeStandard(input.RuntimeData.Candidates[0].Span),
        };
        return null;
    }

    private static Refusal? AddDevice(JsonObject body, AttestationInput input)
    {
        if (input.Evidence.Body.ValueKind != JsonValueKind.Object
            || !input.Evidence.Body.TryGetProperty("device_evidence_list", out JsonElement list) || list.ValueKind != JsonValueKind.Array)
        {
            return new Refusal(RefusalCode.Malformed, "NVIDIA evidence has no device_evidence_list") { Field = "device_evidence_list" };
        }

        var evidences = new JsonArray();
        string? arch = null;
        foreach (JsonElement device in list.EnumerateArray())
        {
            if (!HostileJson.RequireString(device, "arch").TryGet(out string? one, out Refusal? refusal)
                || !HostileJson.RequireString(device, "evidence").TryGet(out string? evidence, out refusal)
                || !HostileJson.RequireString(device, "certificate").TryGet(out string? certificate, out refusal))
            {
                return refusal.Within("NVIDIA evidence");
            }

            if (one is not ("HOPPER" or "BLACKWELL"))
            {
                continue;
            }

            if (arch is not null && arch != one)
            {
                return new Refusal(RefusalCode.Unsupported, "NVIDIA devices of two architectures in one evidence");
            }

            arch = one;
            evidences.Add((JsonNode)new JsonObject { ["evidence"] = evidence, ["certificate"] = certificate });
        }

        if (arch is not null)
        {
            body["nvgpu"] = new JsonObject
            {
                ["gpu_nonce"] = Convert.ToHexStringLower(SHA512.HashData(input.RuntimeData.Candidates[0].Span).AsSpan(0, 32)),
                ["arch"] = arch,
                ["evidence_list"] = evidences,
            };
        }

        return null;
    }
}
