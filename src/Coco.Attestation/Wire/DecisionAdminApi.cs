// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Attestation.Decisions;
using Microsoft.AspNetCore.Http;

namespace Coco.Attestation.Wire;

/// <summary>What administrators ask: decisions and why they fell so.</summary>
internal sealed class DecisionAdminApi(DecisionExplainer explainer, TimeProvider clock)
{
    private const int MaxListed = 1000;

    public async Task ExplainAsync(HttpContext http, string id)
    {
        if (await explainer.ExplainAsync(id, http.RequestAborted).ConfigureAwait(false) is not { } explained)
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            await WriteAsync(http, new JsonObject { ["title"] = "no such decision", ["status"] = 404 }.ToJsonString(), "application/problem+json").ConfigureAwait(false);
            return;
        }

        bool text = http.Request.Headers.Accept.ToString().StartsWith("text/plain", StringComparison.Ordinal);
        await WriteAsync(http, text ? DecisionText.Of(explained) : explained.ToJsonString(DecisionExplainer.Readable), text ? "text/plain; charset=utf-8" : "application/json").ConfigureAwait(false);
    }

    public async Task ListAsync(HttpContext http)
    {
        DateTimeOffset since = clock.GetUtcNow() - TimeSpan.FromDays(1);
        if (http.Request.Query["since"].FirstOrDefault() is { } sinceText
            && !DateTimeOffset.TryParse(sinceText, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out since))
        {
            await BadAsync(http, "since is not an instant").ConfigureAwait(false);
            return;
        }

        int count = 100;
        if (http.Request.Query["count"].FirstOrDefault() is { } countText
            && (!int.TryParse(countText, NumberStyles.None, CultureInfo.InvariantCulture, out count) || count is 0 or > MaxListed))
        {
            await BadAsync(http, $"count is not a number from 1 to {MaxListed}").ConfigureAwait(false);
            return;
        }

        JsonArray list = await explainer.ListAsync(since, count, http.RequestAborted).ConfigureAwait(false);
        await WriteAsync(http, list.ToJsonString(), "application/json").ConfigureAwait(false);
    }

    internal static Task BadAsync(HttpContext http, string detail)
    {
        http.Response.StatusCode = StatusCodes.Status400BadRequest;
        return WriteAsync(http, new JsonObject { ["title"] = detail, ["status"] = 400 }.ToJsonString(), "application/problem+json");
    }

    internal static Task WriteAsync(HttpContext http, string text, string type)
    {
        http.Response.ContentType = type;
        return http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), http.RequestAborted).AsTask();
    }
}
