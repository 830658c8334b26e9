// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>The outside world as an evaluation sees it; what is null gives undefined even where a policy was compiled with the grant.</summary>
public sealed record RegoHost
{
    /// <summary>A host that has only a clock.</summary>
    public static RegoHost Default { get; } = new();

    /// <summary>Where <c>time.now_ns</c> takes its instant from, and <c>io.jwt.decode_verify</c> its default time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Resolves a name to textual addresses; null or empty when there are none. Must not block for long.</summary>
    public Func<string, IReadOnlyList<string>?>? LookupAddresses { get; init; }

    /// <summary>Performs the request that the object of <c>http.send</c> describes and gives the response object; null is undefined.</summary>
    public Func<RegoObject, RegoValue?>? SendHttp { get; init; }

    /// <summary>What <c>opa.runtime</c> gives.</summary>
    public RegoValue? Runtime { get; init; }

    /// <summary>Takes what <c>print</c> and <c>trace</c> say, one line each, without line end.</summary>
    public Action<string>? Print { get; init; }

    /// <summary>Fills a span with random bytes; tests may give a fixed source. Default: the system's generator.</summary>
    public Action<byte[]> FillRandom { get; init; } = static bytes => System.Security.Cryptography.RandomNumberGenerator.Fill(bytes);
}
