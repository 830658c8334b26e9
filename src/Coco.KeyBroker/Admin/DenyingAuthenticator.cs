// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Http;

namespace Coco.KeyBroker;

/// <summary>Takes nobody for the administrator.</summary>
internal sealed class DenyingAuthenticator : IAdminAuthenticator
{
    private static readonly Refusal Denied = new(RefusalCode.Forbidden, "Admin access denied: Admin access denied as DenyAll authorization_mode is enabled");

    public string Type => "deny-all";

    public ValueTask<Result<AdminIdentity>> AuthenticateAsync(HttpRequest request, CancellationToken ct) => new(Denied);
}
