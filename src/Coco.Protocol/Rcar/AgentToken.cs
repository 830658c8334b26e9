// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Protocol;

/// <summary>What an attestation agent answers to GetToken("kbs"): the token, and the key that answers to it are sealed for (guest.md 5.2). Dispose it.</summary>
public sealed class AgentToken : IDisposable
{
    private AgentToken(AttestationToken token, JweDecryptionKey key, DateTimeOffset? expiresAt)
    {
        Token = token;
        Key = key;
        ExpiresAt = expiresAt;
    }

    /// <summary>The token, unverified: the guest that got it from its own agent presents it.</summary>
    public AttestationToken Token { get; }

    /// <summary>The private key.</summary>
    public JweDecryptionKey Key { get; }

    /// <summary>The token's <c>exp</c> (UTC); null when it has none that is a time.</summary>
    public DateTimeOffset? ExpiresAt { get; }

    /// <summary>Reads the answer. Refused: no token, no key, a token that is no JWS, a key that is neither RSA nor EC on P-256 or P-521.</summary>
    public static Result<AgentToken> Parse(ReadOnlySpan<byte> utf8)
    {
        if (!HostileJson.ParseObject(utf8).TryGet(out JsonElement body, out Refusal? refusal)
            || !HostileJson.RequireString(body, "token").TryGet(out string? compact, out refusal)
            || !HostileJson.RequireString(body, "tee_keypair").TryGet(out string? pem, out refusal)
            || !JwsMessage.Parse(compact).TryGet(out JwsMessage? message, out refusal)
            || !JweDecryptionKey.FromPem(pem).TryGet(out JweDecryptionKey? key, out refusal))
        {
            return refusal.Within("agent token");
        }

        DateTimeOffset? expiresAt = null;
        if (HostileJson.ParseObject(message.Payload.Span).TryGet(out JsonElement claims, out _) && claims.TryGetProperty("exp", out JsonElement exp)
            && exp.ValueKind == JsonValueKind.Number && exp.TryGetInt64(out long seconds) && seconds is >= 0 and <= 253402300799)
        {
            expiresAt = DateTimeOffset.FromUnixTimeSeconds(seconds);
        }

        return new AgentToken(new AttestationToken(compact), key, expiresAt);
    }

    /// <summary>Writes the answer: <c>token</c>, then <c>tee_keypair</c> (PKCS#1 for RSA, PKCS#8 for EC).</summary>
    public static byte[] Write(AttestationToken token, JweDecryptionKey key)
    {
        ArgumentNullException.ThrowIfNull(token);
        ArgumentNullException.ThrowIfNull(key);
        return Jws.ToUtf8(new JsonObject { ["token"] = token.Compact, ["tee_keypair"] = key.ExportTraditionalPem() });
    }

    /// <inheritdoc/>
    public void Dispose() => Key.Dispose();
}
