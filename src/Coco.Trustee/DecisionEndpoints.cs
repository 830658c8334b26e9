// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Attestation.Decisions;
using Coco.KeyBroker;

namespace Coco.Trustee;

/// <summary>
/// For administrators: <c>GET /kbs/v0/decisions</c> lists, <c>GET /kbs/v0/decisions/ID</c> explains. Guests see only the id.
/// </summary>
internal static class DecisionEndpoints
{
    private const int MostListed = 1000;

    public static void Map(WebApplication app)
    {
        app.MapGet("/kbs/v0/decisions", (RequestDelegate)ListAsync);
        app.MapGet("/kbs/v0/decisions/{id}", (RequestDelegate)ExplainAsync);
    }

    private static async Task ListAsync(HttpContext context)
    {
        if (!await AdmitAsync(context).ConfigureAwait(false))
        {
            return;
        }

        int count = int.TryParse(context.Request.Query["count"], NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? Math.Clamp(n, 1, MostListed) : 50;
        DateTimeOffset since = DateTimeOffset.TryParse(context.Request.Query["since"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset t)
            ? t
            : DateTimeOffset.UnixEpoch;
        JsonArray list = await context.RequestServices.GetRequiredService<DecisionExplainer>().ListAsync(since, count, context.RequestAborted).ConfigureAwait(false);
        await WriteAsync(context, StatusCodes.Status200OK, list).ConfigureAwait(false);
    }

    private static async Task ExplainAsync(HttpContext context)
    {
        if (!await AdmitAsync(context).ConfigureAwait(false))
        {
            return;
        }

        string id = (string)context.Request.RouteValues["id"]!;
        JsonObject? found = await context.RequestServices.GetRequiredService<DecisionExplainer>().ExplainAsync(id, context.RequestAborted).ConfigureAwait(false);
        if (found is null)
        {
            await ErrorAsync(context, StatusCodes.Status404NotFound, "DecisionNotFound", "there is no record of this decision").ConfigureAwait(false);
            return;
        }

        await WriteAsync(context, StatusCodes.Status200OK, found).ConfigureAwait(false);
    }

    private static async ValueTask<bool> AdmitAsync(HttpContext context)
    {
        IServiceProvider services = context.RequestServices;
        Result<AdminIdentity> who = await services.GetRequiredService<IAdminAuthenticator>().AuthenticateAsync(context.Request, context.RequestAborted).ConfigureAwait(false);
        Refusal? refusal = who.TryGet(out AdminIdentity? identity, out Refusal? unknown)
            ? services.GetRequiredService<IAdminAuthorizer>().Authorize(identity, context.Request.Method, context.Request.Path.Value ?? "/")
            : unknown;
        if (refusal is null)
        {
            return true;
        }

        await ErrorAsync(context, StatusCodes.Status401Unauthorized, "AdminAuthAccess", "admin access denied for endpoint decisions: " + refusal.Detail).ConfigureAwait(false);
        return false;
    }

    private static Task ErrorAsync(HttpContext context, int status, string type, string detail) => WriteAsync(
        context,
        status,
        new JsonObject { ["type"] = "https://github.com/confidential-containers/kbs/errors/" + type, ["detail"] = detail });

    private static async Task WriteAsync(HttpContext context, int status, JsonNode body)
    {
        byte[] bytes = Jws.ToUtf8(body);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
    }
}
