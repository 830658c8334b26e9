// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>Says what an administrator may do. Thread-safe.</summary>
public interface IAdminAuthorizer
{
    /// <summary>The kind, for the log.</summary>
    string Type { get; }

    /// <summary>Null when allowed.</summary>
    /// <param name="who">The authenticated identity.</param>
    /// <param name="method">HTTP method, upper case.</param>
    /// <param name="path">The decoded path (<c>/kbs/v0/…</c>), without the query, the very one that the handler acts on.</param>
    Refusal? Authorize(AdminIdentity who, string method, string path);
}
