// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Storage;

namespace Coco.Attestation.Tokens;

/// <summary>
/// Nonces of the REST face for requests that name no TEE (attestation-service.md 13): nothing is kept, the nonce comes back in a signed token inside the
/// runtime data. The key is in the store, so that a token of one replica is good at all. Thread-safe.
/// </summary>
internal sealed class ChallengeTokens(IStoreProvider stores, TimeProvider clock)
{
    /// <summary>The member of structured runtime data that carries the token.</summary>
    public const string Member = "challenge_token";

    private const string KeyName = "challenge.pkcs8";
    private const int NonceBytes = 32;
    private const int MaxTokenCharacters = 4096;
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private RsaTokenSigner? _signer;

    /// <summary>A fresh challenge: <c>{"nonce", "extra-params": {"jwt"}}</c>.</summary>
    public async ValueTask<JsonObject> CreateAsync(CancellationToken ct)
    {
        string nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(NonceBytes));
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        byte[] payload = Jws.ToUtf8(new JsonObject { ["nonce"] = nonce, ["iat"] = now, ["exp"] = now + (long)Life.TotalSeconds });
        RsaTokenSigner signer = await SignerAsync(ct).ConfigureAwait(false);
        AttestationToken token = await Jwt.SignAsync(signer, Jwt.EncodeHeader(signer, withKey: false), payload, ct).ConfigureAwait(false);
        return new JsonObject { ["nonce"] = nonce, ["extra-params"] = new JsonObject { ["jwt"] = token.Compact } };
    }

    /// <summary>Whether runtime data that carries a token carries a good one: signed here, not over its time, and of the same nonce where the data has one.</summary>
    public async ValueTask<Refusal?> CheckAsync(JsonNode? runtimeData, CancellationToken ct)
    {
        if (runtimeData is not JsonObject data || !data.TryGetPropertyValue(Member, out JsonNode? member))
        {
            return null;
        }

        if (member is not JsonValue value || !value.TryGetValue(out string? compact))
        {
            return Bad("it is not a text");
        }

        if (!JwsMessage.Parse(compact, MaxTokenCharacters).TryGet(out JwsMessage? message, out Refusal? why))
        {
            return Bad(why.Detail);
        }

        RsaTokenSigner signer = await SignerAsync(ct).ConfigureAwait(false);
        if (message.Algorithm != signer.Algorithm || !signer.Verify(message.SigningInput.Span, message.Signature.Span))
        {
            return Bad("it was not signed here");
        }

        if (!HostileJson.ParseObject(message.Payload.Span).TryGet(out JsonElement claims, out why)
            || !HostileJson.RequireString(claims, "nonce").TryGet(out string? nonce, out why)
            || !claims.TryGetProperty("exp", out JsonElement exp) || !exp.TryGetInt64(out long until))
        {
            return Bad(why?.Detail ?? "it has no exp");
        }

        if (clock.GetUtcNow().ToUnixTimeSeconds() >= until)
        {
            return Bad("it is over its time") with { Code = RefusalCode.Expired };
        }

        return data["nonce"] is JsonValue sent && sent.TryGetValue(out string? given) && given != nonce ? Bad("it is for another nonce") : null;
    }

    private static Refusal Bad(string detail) => new(RefusalCode.Unauthenticated, "challenge token: " + detail) { Field = Member };

    private async ValueTask<RsaTokenSigner> SignerAsync(CancellationToken ct)
    {
        if (Volatile.Read(ref _signer) is { } ready)
        {
            return ready;
        }

        await _gate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (_signer is null)
            {
                Secret key = await StoredKey.GetOrCreateAsync(stores, KeyName, static () => RSA.Create(2048), ct).ConfigureAwait(false);
                Volatile.Write(ref _signer, RsaTokenSigner.Create(key, SignerCertificates.None).Require());
            }

            return _signer!;
        }
        finally
        {
            _gate.Release();
        }
    }
}
