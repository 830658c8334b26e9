// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Coco.Storage;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Coco.Attestation.Wire;

/// <summary>What administrators ask of recorded traffic, and of the doctor.</summary>
internal sealed class AttestationAdminApi(EvidenceVault vault, AttestationDoctor doctor, TimeProvider clock)
{
    private const int MaxBodyBytes = 64 << 20;

    /// <summary>
    /// JSON <c>{"since", "at", "policies": {id: text}, "collateral"}</c>, where <c>collateral</c> is <c>live</c>, <c>recorded</c> or a list of items with
    /// <c>kind</c> and <c>id</c>; answers JSON lines: progress, then the report.
    /// </summary>
    public async Task ReverifyAsync(HttpContext http)
    {
        if (await ReadAsync(http).ConfigureAwait(false) is not { } body)
        {
            return;
        }

        if (!TryInstant(body, "since", out DateTimeOffset? since) || !TryInstant(body, "at", out DateTimeOffset? at))
        {
            await DecisionAdminApi.BadAsync(http, "since and at are instants").ConfigureAwait(false);
            return;
        }

        ImmutableDictionary<string, string>.Builder policies = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        if (body.TryGetProperty("policies", out JsonElement given) && given.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty one in given.EnumerateObject().Where(p => p.Value.ValueKind == JsonValueKind.String))
            {
                policies[one.Name] = one.Value.GetString()!;
            }
        }

        var request = new ReverifyRequest { Since = since ?? DateTimeOffset.UnixEpoch, At = at, Policies = policies.ToImmutable() };
        if (!WithCollateral(request, body).TryGet(out ReverifyRequest? complete, out Refusal? why))
        {
            await DecisionAdminApi.BadAsync(http, why.Detail).ConfigureAwait(false);
            return;
        }

        request = complete;
        await StreamAsync(http, progress => vault.ReverifyAsync(request, progress, http.RequestAborted)).ConfigureAwait(false);
    }

    /// <summary>JSON <c>{"class", "before"?, "after", "since"?}</c>; answers as <see cref="ReverifyAsync"/>.</summary>
    public async Task DiffAsync(HttpContext http)
    {
        if (await ReadAsync(http).ConfigureAwait(false) is not { } body)
        {
            return;
        }

        string teeClass = HostileJson.RequireString(body, "class").TryGet(out string? c, out _) ? c : "cpu";
        if (!TryInstant(body, "since", out DateTimeOffset? since) || !HostileJson.TryGetOptionalString(body, "before", out string? before)
            || !HostileJson.RequireString(body, "after").TryGet(out string? after, out _))
        {
            await DecisionAdminApi.BadAsync(http, "after is needed, before and since are optional").ConfigureAwait(false);
            return;
        }

        await StreamAsync(
            http,
            progress => vault.DiffPoliciesAsync(teeClass, before, after, since ?? DateTimeOffset.UnixEpoch, progress, http.RequestAborted)).ConfigureAwait(false);
    }

    /// <summary>The doctor's findings; <c>days</c> is the horizon, 90 unless told.</summary>
    public async Task DoctorAsync(HttpContext http)
    {
        int days = int.TryParse(http.Request.Query["days"].FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out int d) && d is > 0 and <= 3650 ? d : (int)AttestationDoctor.DefaultHorizon.TotalDays;
        ImmutableArray<DoctorFinding> findings = await doctor.ExamineAsync(clock.GetUtcNow() - TimeSpan.FromDays(30), TimeSpan.FromDays(days), http.RequestAborted).ConfigureAwait(false);
        var list = new JsonArray(
        [
            .. findings.Select(f => (JsonNode?)new JsonObject
            {
                ["severity"] = AttestationDoctor.NameOf(f.Severity),
                ["what"] = f.What,
                ["ends_at"] = f.EndsAt?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
                ["workloads"] = new JsonArray([.. f.Workloads.Select(w => (JsonNode?)w)]),
                ["remedy"] = f.Remedy,
            }),
        ]);
        await DecisionAdminApi.WriteAsync(http, list.ToJsonString(), "application/json").ConfigureAwait(false);
    }

    private static Result<ReverifyRequest> WithCollateral(ReverifyRequest request, JsonElement body)
    {
        if (!body.TryGetProperty("collateral", out JsonElement collateral) || collateral.ValueKind == JsonValueKind.Null)
        {
            return request;
        }

        switch (collateral.ValueKind)
        {
            case JsonValueKind.String when collateral.GetString() is "live":
                return request with { CollateralChoice = CollateralChoice.Live };
            case JsonValueKind.String when collateral.GetString() is "recorded":
                return request with { CollateralChoice = CollateralChoice.Recorded };
            case JsonValueKind.Array:
                return GivenCollateral.Read(collateral).TryGet(out GivenCollateral? given, out Refusal? why) ? request with { Collateral = given } : why;
            default:
                return new Refusal(RefusalCode.Malformed, "collateral is live, recorded, or a list of items") { Field = "collateral" };
        }
    }

    private static JsonObject ToJson(ReverifyReport report) => new()
    {
        ["examined"] = report.Examined,
        ["skipped"] = report.Skipped,
        ["would_pass"] = report.WouldPass,
        ["would_fail"] = report.WouldFail,
        ["changes"] = new JsonArray(
        [
            .. report.Changes.Select(c => (JsonNode?)new JsonObject
            {
                ["id"] = c.DecisionId,
                ["tee"] = c.Tee,
                ["before"] = c.Before,
                ["after"] = c.After,
                ["why"] = c.Why,
            }),
        ]),
    };

    private static async Task StreamAsync(HttpContext http, Func<IProgress<ReverifyProgress>, ValueTask<Result<ReverifyReport>>> run)
    {
        var notes = Channel.CreateBounded<ReverifyProgress>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        Task<Result<ReverifyReport>> work = run(new ChannelProgress(notes.Writer)).AsTask();
        _ = work.ContinueWith(_ => notes.Writer.TryComplete(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        http.Response.ContentType = "application/x-ndjson";
        await http.Response.StartAsync(http.RequestAborted).ConfigureAwait(false);
        await foreach (ReverifyProgress note in notes.Reader.ReadAllAsync(http.RequestAborted).ConfigureAwait(false))
        {
            await http.Response.WriteAsync(new JsonObject { ["done"] = note.Done, ["changed"] = note.Changed }.ToJsonString() + "\n", http.RequestAborted).ConfigureAwait(false);
            await http.Response.Body.FlushAsync(http.RequestAborted).ConfigureAwait(false);
        }

        JsonObject last;
        try
        {
            last = (await work.ConfigureAwait(false)).TryGet(out ReverifyReport? report, out Refusal? why)
                ? new JsonObject { ["report"] = ToJson(report) }
                : new JsonObject { ["error"] = why.Detail };
        }
        catch (Exception e) when (e is StoreUnavailableException or TimeoutException or HttpRequestException or IOException or RpcException)
        {
            // The answer has begun, so its status cannot say it any more.
            last = new JsonObject { ["error"] = "a service that is needed could not be reached" };
        }

        await http.Response.WriteAsync(last.ToJsonString() + "\n", http.RequestAborted).ConfigureAwait(false);
    }

    private static bool TryInstant(JsonElement body, string name, out DateTimeOffset? instant)
    {
        instant = null;
        if (!HostileJson.TryGetOptionalString(body, name, out string? text))
        {
            return false;
        }

        if (text is null)
        {
            return true;
        }

        bool good = DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset parsed);
        instant = parsed;
        return good;
    }

    private static async ValueTask<JsonElement?> ReadAsync(HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = MaxBodyBytes;
        }

        using var buffer = new MemoryStream();
        await http.Request.Body.CopyToAsync(buffer, http.RequestAborted).ConfigureAwait(false);
        if (HostileJson.ParseObject(buffer.GetBuffer().AsSpan(0, (int)buffer.Length), MaxBodyBytes).TryGet(out JsonElement body, out Refusal? why))
        {
            return body;
        }

        await DecisionAdminApi.BadAsync(http, why.Detail).ConfigureAwait(false);
        return null;
    }

    private sealed class ChannelProgress(ChannelWriter<ReverifyProgress> writer) : IProgress<ReverifyProgress>
    {
        public void Report(ReverifyProgress value) => writer.TryWrite(value);
    }
}
