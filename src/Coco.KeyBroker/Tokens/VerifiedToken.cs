// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.KeyBroker;

/// <summary>An attestation token whose signature, issuer key and time were checked. Made only by <see cref="TokenVerifier"/>. Thread-safe.</summary>
public sealed class VerifiedToken
{
    internal VerifiedToken(string digest, JsonElement claims, DateTimeOffset expiresAt, TokenKey? key)
    {
        Digest = digest;
        Claims = claims;
        ExpiresAt = expiresAt;
        Key = key;
    }

    /// <summary>SHA-256 (lower-case hex) of the compact text, for the audit log.</summary>
    public string Digest { get; }

    /// <summary>All claims.</summary>
    public JsonElement Claims { get; }

    /// <summary>The claim <c>exp</c>. It has to be compared again with each use.</summary>
    public DateTimeOffset ExpiresAt { get; }

    /// <summary>The guest's key; null when the token has none.</summary>
    internal TokenKey? Key { get; }

    /// <summary>What the policy engine made of <see cref="Claims"/>, kept so that it is made once.</summary>
    internal object? PolicyInput { get; set; }

    /// <summary>Wire name of the primary TEE as the token names it; null when it does not.</summary>
    internal string? Tee { get; init; }
}
