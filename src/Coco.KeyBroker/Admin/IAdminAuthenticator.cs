// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Http;

namespace Coco.KeyBroker;

/// <summary>Finds out who an administrator is. Thread-safe.</summary>
public interface IAdminAuthenticator
{
    /// <summary>The kind, for the log.</summary>
    string Type { get; }

    /// <summary>The identity that the request proves, or why it proves none (the detail is the protocol's text, kbs.md 3.3).</summary>
    ValueTask<Result<AdminIdentity>> AuthenticateAsync(HttpRequest request, CancellationToken ct);
}
