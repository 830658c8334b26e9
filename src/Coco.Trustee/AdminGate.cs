// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.KeyBroker;

namespace Coco.Trustee;

/// <summary>Marks endpoints that only administrators may call.</summary>
internal sealed class AdminOnly
{
    public static AdminOnly Instance { get; } = new();
}

/// <summary>Puts the key broker's administrators in front of endpoints of the other services.</summary>
internal static class AdminGate
{
    public static void Use(WebApplication app) => app.Use(static next => context =>
        context.GetEndpoint()?.Metadata.GetMetadata<AdminOnly>() is null ? next(context) : GuardAsync(context, next));

    private static async Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        if (await RefusalAsync(context).ConfigureAwait(false) is not { } refusal)
        {
            await next(context).ConfigureAwait(false);
            return;
        }

        byte[] body = Jws.ToUtf8(new JsonObject
        {
            ["type"] = "https://github.com/confidential-containers/kbs/errors/AdminAuthAccess",
            ["detail"] = $"admin access denied for endpoint {context.Request.Path.Value?.Split('/')[^1]}: {refusal.Detail}",
        });
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }

    private static async ValueTask<Refusal?> RefusalAsync(HttpContext context)
    {
        IServiceProvider services = context.RequestServices;
        Result<AdminIdentity> who = await services.GetRequiredService<IAdminAuthenticator>().AuthenticateAsync(context.Request, context.RequestAborted).ConfigureAwait(false);
        return who.TryGet(out AdminIdentity? identity, out Refusal? unknown)
            ? services.GetRequiredService<IAdminAuthorizer>().Authorize(identity, context.Request.Method, context.Request.Path.Value ?? "/")
            : unknown;
    }
}
