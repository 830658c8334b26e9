// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Storage;
using Coco.Verifiers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Coco.Attestation.Wire;

/// <summary>The REST face (attestation-service.md 3): 400 for what is no request, 500 with a chain for every other failure.</summary>
internal sealed partial class AttestationRestApi(AttestationServiceCore core, ILogger<AttestationRestApi> log)
{
    public async Task AttestAsync(HttpContext http)
    {
        if (await ReadAsync(http).ConfigureAwait(false) is not { } body)
        {
            return;
        }

        if (!Decode(body).TryGet(out (ImmutableArray<AttestationInput> Inputs, ImmutableArray<PolicyId> Policies) request, out Refusal? why))
        {
            await (why.Code == RefusalCode.Malformed && why.Field is not null ? BadAsync(http, why.Detail) : FailAsync(http, "\n0: " + why.Detail)).ConfigureAwait(false);
            return;
        }

        await GuardAsync(http, async () =>
        {
            AttestationOutcome outcome = await core.AttestAsync(request.Inputs, request.Policies, http.RequestAborted).ConfigureAwait(false);
            http.Response.Headers["Coco-Decision-Id"] = outcome.DecisionId;
            if (outcome.Token.TryGet(out AttestationToken? token, out Refusal? refusal))
            {
                await TextAsync(http, token.Compact, "text/plain; charset=utf-8").ConfigureAwait(false);
            }
            else
            {
                await FailAsync(http, AttestationRequests.Chain(refusal)).ConfigureAwait(false);
            }
        }).ConfigureAwait(false);
    }

    public async Task SetPolicyAsync(HttpContext http)
    {
        if (await ReadAsync(http).ConfigureAwait(false) is not { } body)
        {
            return;
        }

        if (Member(body, "policy_id") is not { } idText || Member(body, "policy") is not { } policyText)
        {
            await BadAsync(http, "policy_id and policy are needed").ConfigureAwait(false);
            return;
        }

        if (!PolicyId.Parse(idText).TryGet(out PolicyId id, out Refusal? why) || !AttestationRequests.Policy(policyText).TryGet(out string? source, out why))
        {
            await FailAsync(http, "\n0: " + why.Detail).ConfigureAwait(false);
            return;
        }

        await GuardAsync(http, async () =>
        {
            if (await core.Policies.SetAsync(id, source, http.RequestAborted).ConfigureAwait(false) is { } refused)
            {
                await FailAsync(http, "\n0: set policy\n1: " + refused.Detail).ConfigureAwait(false);
            }
        }).ConfigureAwait(false);
    }

    public Task ListPoliciesAsync(HttpContext http) => GuardAsync(http, async () =>
    {
        var list = new JsonArray();
        foreach ((string id, _) in await core.Policies.ListAsync(http.RequestAborted).ConfigureAwait(false))
        {
            list.Add((JsonNode)new JsonObject { ["policy-id"] = id });
        }

        await TextAsync(http, list.ToJsonString(), "application/json").ConfigureAwait(false);
    });

    public Task GetPolicyAsync(HttpContext http, string policyId) => GuardAsync(http, async () =>
    {
        if (!PolicyId.Parse(policyId).TryGet(out PolicyId id, out Refusal? why)
            || !(await core.Policies.GetAsync(id, http.RequestAborted).ConfigureAwait(false)).TryGet(out string? source, out why))
        {
            http.Response.StatusCode = why.Code == RefusalCode.NotFound ? StatusCodes.Status404NotFound : StatusCodes.Status400BadRequest;
            await http.Response.WriteAsync(why.Detail, http.RequestAborted).ConfigureAwait(false);
            return;
        }

        await TextAsync(http, source, "text/plain; charset=utf-8").ConfigureAwait(false);
    });

    public Task DeletePolicyAsync(HttpContext http, string policyId) => GuardAsync(http, async () =>
    {
        Refusal? why = PolicyId.Parse(policyId).TryGet(out PolicyId id, out Refusal? bad)
            ? await core.Policies.DeleteAsync(id, http.RequestAborted).ConfigureAwait(false)
            : bad;
        if (why is not null)
        {
            http.Response.StatusCode = why.Code == RefusalCode.NotFound ? StatusCodes.Status404NotFound : StatusCodes.Status400BadRequest;
            await http.Response.WriteAsync(why.Detail, http.RequestAborted).ConfigureAwait(false);
        }
    });

    public async Task ChallengeAsync(HttpContext http)
    {
        if (await ReadAsync(http).ConfigureAwait(false) is not { } body)
        {
            return;
        }

        if (!body.TryGetProperty("tee", out _))
        {
            await GuardAsync(http, async () =>
                await TextAsync(http, await core.CreateNonceAsync(http.RequestAborted).ConfigureAwait(false), "application/json").ConfigureAwait(false)).ConfigureAwait(false);
            return;
        }

        if (Member(body, "tee") is not { } name || Member(body, "tee_params") is not { } parameters)
        {
            await BadAsync(http, "tee and tee_params are needed").ConfigureAwait(false);
            return;
        }

        if (!AttestationRequests.Tee(name).TryGet(out TeeType tee, out Refusal? why))
        {
            await FailAsync(http, "\n0: " + why.Detail).ConfigureAwait(false);
            return;
        }

        await GuardAsync(http, async () =>
        {
            JsonElement json = HostileJson.Parse(parameters).TryGet(out JsonElement p, out _) ? p : HostileJson.Parse("\"\"").Require();
            Result<string> challenge = await core.CreateChallengeAsync(tee, json, http.RequestAborted).ConfigureAwait(false);
            await (challenge.TryGet(out string? text, out Refusal? refusal)
                ? TextAsync(http, text, "text/plain; charset=utf-8")
                : FailAsync(http, "\n0: generate challenge\n1: " + refusal.Detail)).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    public Task KeySetAsync(HttpContext http) => GuardAsync(http, async () =>
        await TextAsync(http, await core.GetKeySetAsync(http.RequestAborted).ConfigureAwait(false), "application/json").ConfigureAwait(false));

    public Task DiscoveryAsync(HttpContext http) => GuardAsync(http, async () =>
    {
        string baseUrl = $"{http.Request.Scheme}://{http.Request.Host}{http.Request.PathBase}";
        await TextAsync(http, await core.GetDiscoveryAsync(baseUrl, http.RequestAborted).ConfigureAwait(false), "application/json").ConfigureAwait(false);
    });

    private static Result<(ImmutableArray<AttestationInput> Inputs, ImmutableArray<PolicyId> Policies)> Decode(JsonElement body)
    {
        if (!body.TryGetProperty("verification_requests", out JsonElement requests) || requests.ValueKind != JsonValueKind.Array)
        {
            return Missing("verification_requests");
        }

        if (!body.TryGetProperty("policy_ids", out JsonElement ids) || ids.ValueKind != JsonValueKind.Array || ids.EnumerateArray().Any(i => i.ValueKind != JsonValueKind.String))
        {
            return Missing("policy_ids");
        }

        if (!AttestationRequests.Policies(ids.EnumerateArray().Select(i => i.GetString()!)).TryGet(out ImmutableArray<PolicyId> policies, out Refusal? why))
        {
            return why with { Field = null };
        }

        var inputs = ImmutableArray.CreateBuilder<AttestationInput>();
        foreach (JsonElement one in requests.EnumerateArray())
        {
            if (!DecodeOne(one).TryGet(out AttestationInput? input, out why))
            {
                return why;
            }

            inputs.Add(input);
        }

        return (inputs.DrainToImmutable(), policies);
    }

    private static Result<AttestationInput> DecodeOne(JsonElement one)
    {
        if (one.ValueKind != JsonValueKind.Object || Member(one, "tee") is not { } name)
        {
            return Missing("tee");
        }

        if (Member(one, "evidence") is not { } evidenceText)
        {
            return Missing("evidence");
        }

        string? hash = null;
        if (one.TryGetProperty("runtime_data_hash_algorithm", out JsonElement h) && h.ValueKind != JsonValueKind.Null)
        {
            if (h.ValueKind != JsonValueKind.String)
            {
                return Missing("runtime_data_hash_algorithm");
            }

            hash = h.GetString();
        }

        if (!AttestationRequests.Tee(name).TryGet(out TeeType tee, out Refusal? why)
            || !AttestationRequests.Evidence(evidenceText).TryGet(out JsonElement evidence, out why)
            || !AttestationRequests.HashAlgorithm(hash).TryGet(out DigestAlgorithm algorithm, out why)
            || !RuntimeData(one, algorithm).TryGet(out RuntimeDataInput? runtime, out why)
            || !InitData(one).TryGet(out InitDataInput? initData, out why))
        {
            return why;
        }

        return new AttestationInput(new Evidence(tee, evidence), runtime, initData);
    }

    private static Result<RuntimeDataInput> RuntimeData(JsonElement one, DigestAlgorithm algorithm)
    {
        if (!one.TryGetProperty("runtime_data", out JsonElement runtime) || runtime.ValueKind == JsonValueKind.Null)
        {
            return RuntimeDataInput.Absent;
        }

        if (runtime.ValueKind == JsonValueKind.Object && runtime.EnumerateObject().Count() == 1)
        {
            if (Member(runtime, "raw") is { } raw)
            {
                return AttestationRequests.RawRuntimeData(raw) is { Refusal: { } bad } ? bad with { Field = null } : AttestationRequests.RawRuntimeData(raw);
            }

            if (runtime.TryGetProperty("structured", out JsonElement structured))
            {
                return RuntimeDataInput.Structured(structured, algorithm);
            }
        }

        return Missing("runtime_data");
    }

    private static Result<InitDataInput> InitData(JsonElement one)
    {
        if (!one.TryGetProperty("init_data", out JsonElement initData) || initData.ValueKind == JsonValueKind.Null)
        {
            return InitDataInput.Absent;
        }

        if (initData.ValueKind == JsonValueKind.Object && initData.EnumerateObject().Count() == 1)
        {
            if (Member(initData, "init_data_digest") is { } digest)
            {
                return AttestationRequests.InitDataDigest(digest);
            }

            if (Member(initData, "init_data_toml") is { } toml)
            {
                return InitDataInput.Toml(toml);
            }
        }

        return Missing("init_data");
    }

    private static string? Member(JsonElement owner, string name) =>
        owner.ValueKind == JsonValueKind.Object && owner.TryGetProperty(name, out JsonElement member) && member.ValueKind == JsonValueKind.String
            ? member.GetString()
            : null;

    // A refusal with a field is one of the request's schema, which is 400; the rest is 500.
    private static Refusal Missing(string field) => new(RefusalCode.Malformed, $"'{field}' is missing or has another type") { Field = field };

    private static async ValueTask<JsonElement?> ReadAsync(HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = AttestationRequests.MaxMessageBytes;
        }

        using var buffer = new MemoryStream();
        try
        {
            await http.Request.Body.CopyToAsync(buffer, http.RequestAborted).ConfigureAwait(false);
        }
        catch (BadHttpRequestException e)
        {
            http.Response.StatusCode = e.StatusCode;
            return null;
        }

        if (HostileJson.ParseObject(buffer.GetBuffer().AsSpan(0, (int)buffer.Length), AttestationRequests.MaxMessageBytes).TryGet(out JsonElement body, out Refusal? why))
        {
            return body;
        }

        await BadAsync(http, why.Detail).ConfigureAwait(false);
        return null;
    }

    private static Task TextAsync(HttpContext http, string text, string type)
    {
        http.Response.ContentType = type;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        http.Response.ContentLength = bytes.Length;
        return http.Response.Body.WriteAsync(bytes, http.RequestAborted).AsTask();
    }

    private static Task BadAsync(HttpContext http, string detail)
    {
        http.Response.StatusCode = StatusCodes.Status400BadRequest;
        return TextAsync(http, detail, "text/plain; charset=utf-8");
    }

    private static Task FailAsync(HttpContext http, string chain)
    {
        http.Response.StatusCode = StatusCodes.Status500InternalServerError;
        return TextAsync(http, "An internal error occured: " + chain, "text/plain; charset=utf-8");
    }

    private async Task GuardAsync(HttpContext http, Func<Task> call)
    {
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (Exception e) when (e is CollateralUnavailableException or StoreUnavailableException or TimeoutException or HttpRequestException or IOException
            && !http.Response.HasStarted)
        {
            Log.Unavailable(log, e);
            http.Response.Headers.RetryAfter = "5";
            await FailAsync(http, "\n0: a service that is needed could not be reached").ConfigureAwait(false);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4040, Level = LogLevel.Warning, Message = "a request failed because something could not be reached")]
        public static partial void Unavailable(ILogger logger, Exception e);
    }
}
