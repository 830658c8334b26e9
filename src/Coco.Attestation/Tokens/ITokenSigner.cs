// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;

namespace Coco.Attestation;

/// <summary>Signs tokens. Thread-safe. A host may give its own (an HSM's key, say).</summary>
public interface ITokenSigner
{
    /// <summary>JWS name of the algorithm, for example <c>ES256</c>.</summary>
    string Algorithm { get; }

    /// <summary>The public key as the token's header and the JWKS show it, <c>x5u</c> and <c>x5c</c> included. Do not change it.</summary>
    JsonObject PublicJwk { get; }

    /// <summary>The JWS signature over <paramref name="data"/> (RFC 7518 section 3).</summary>
    ValueTask<byte[]> SignAsync(ReadOnlyMemory<byte> data, CancellationToken ct);
}
