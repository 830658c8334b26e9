// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Http;

namespace Coco.KeyBroker;

/// <summary>Takes everybody for the administrator.</summary>
internal sealed class AnonymousAuthenticator : IAdminAuthenticator
{
    private static readonly AdminIdentity Anonymous = new("anonymous", null, null);

    public string Type => "insecure-allow-all";

    public ValueTask<Result<AdminIdentity>> AuthenticateAsync(HttpRequest request, CancellationToken ct) => new(Anonymous);
}
