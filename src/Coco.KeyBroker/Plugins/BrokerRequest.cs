// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;

namespace Coco.KeyBroker;

/// <summary>A request to a plugin, after routing.</summary>
/// <param name="Plugin">First segment of the path.</param>
/// <param name="Method">HTTP method, upper case.</param>
/// <param name="Path">The other segments, percent-decoded; never holds an encoded slash.</param>
/// <param name="Query">Decoded query; of a repeated name the last value.</param>
/// <param name="Body">The body, whole.</param>
public sealed record BrokerRequest(
    string Plugin,
    string Method,
    ImmutableArray<string> Path,
    ImmutableSortedDictionary<string, string> Query,
    ReadOnlyMemory<byte> Body)
{
    /// <summary>Claims of the verified token; null while the plugin is asked whether an administrator is needed, and for administrators.</summary>
    public JsonElement? Claims { get; init; }

    /// <summary>Path segments joined with <c>/</c>.</summary>
    public string JoinedPath => string.Join('/', Path);
}
