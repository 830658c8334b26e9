// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Coco.KeyBroker;

/// <summary>Administrators by bearer token of an identity provider (kbs.md 6.2).</summary>
internal sealed class BearerAuthenticator : IAdminAuthenticator
{
    private const int MaxTokenCharacters = 16 * 1024;
    private static readonly TimeSpan Leeway = TimeSpan.FromSeconds(60);

    private static readonly Refusal NoHeader = new(RefusalCode.Unauthenticated, "Failed to parse HTTP Auth Bearer header");

    private readonly ImmutableArray<Provider> _providers;
    private readonly TimeProvider _time;

    /// <exception cref="ArgumentException">A provider has no key, or one that cannot be read.</exception>
    public BearerAuthenticator(AdminOptions options, HttpMessageInvoker http, TimeProvider time)
    {
        _time = time;
        _providers = [.. options.IdentityProviders.Select(p => new Provider(p, http, time))];
        if (_providers.IsEmpty)
        {
            throw new ArgumentException("administration by token needs an identity provider", nameof(options));
        }
    }

    public string Type => "bearer-jwt";

    public async ValueTask<Result<AdminIdentity>> AuthenticateAsync(HttpRequest request, CancellationToken ct)
    {
        if (BearerToken.Find(request) is not { } compact)
        {
            return NoHeader;
        }

        if (!JwsMessage.Parse(compact, MaxTokenCharacters).TryGet(out JwsMessage? message, out Refusal? refusal)
            || !HostileJson.ParseObject(message.Payload.Span).TryGet(out JsonElement claims, out refusal))
        {
            return NotVerified(refusal);
        }

        Refusal why = new(RefusalCode.Untrusted, "no identity provider has the key");
        foreach (Provider provider in _providers)
        {
            if (await provider.VerifyAsync(message, claims, _time.GetUtcNow(), ct) is { } no)
            {
                why = no;
                continue;
            }

            // The signature is good: from here on no other provider is asked.
            string? subject = claims.TryGetProperty("sub", out JsonElement sub) && sub.ValueKind == JsonValueKind.String ? sub.GetString() : null;
            if (HostileJson.RequireString(claims, "role").TryGet(out string? role, out Refusal? missing))
            {
                return new AdminIdentity(role, subject, provider.Name);
            }

            return provider.DefaultRole is { } former && !claims.TryGetProperty("role", out _)
                ? new AdminIdentity(former, subject, provider.Name) { IsFormer = true }
                : new Refusal(RefusalCode.Unauthenticated, "Admin access denied: Failed to parse claims from token: " + missing.Detail);
        }

        return NotVerified(why);
    }

    private static Refusal NotVerified(Refusal cause) =>
        new(cause.Code, "Admin access denied: Cannot verify token with any of the issuers") { Check = cause.Detail };

    private sealed class Provider
    {
        private readonly IdentityProvider _options;
        private readonly VerificationKey? _key;
        private readonly JwkSetSource? _set;

        public Provider(IdentityProvider options, HttpMessageInvoker http, TimeProvider time)
        {
            _options = options;
            if (options.PublicKeyPem is not null)
            {
                _key = VerificationKey.FromPem(options.PublicKeyPem).TryGet(out VerificationKey? key, out Refusal? refusal)
                    ? key
                    : throw new ArgumentException("an identity provider's public key: " + refusal.Detail);
            }

            if (options.JwkSetUri is not null)
            {
                _set = JwkSetSource.Create(options.JwkSetUri, http, time).TryGet(out JwkSetSource? set, out Refusal? refusal)
                    ? set
                    : throw new ArgumentException("an identity provider's JWK set: " + refusal.Detail);
            }

            if (_key is null && _set is null)
            {
                throw new ArgumentException("an identity provider has neither a public key nor a JWK set");
            }
        }

        public string? Name => _options.Name ?? _options.Issuer;

        public string? DefaultRole => _options.DefaultRole;

        public async ValueTask<Refusal?> VerifyAsync(JwsMessage message, JsonElement claims, DateTimeOffset now, CancellationToken ct)
        {
            // A key in the token's own header proves nothing and is not looked at.
            Refusal? refusal = new(RefusalCode.Untrusted, "the header names no key of the provider");
            if (_set is not null && message.KeyId is not null && await _set.FindAsync(message.KeyId, ct) is { Algorithm: not null } jwk
                && VerificationKey.FromJwk(jwk).TryGet(out VerificationKey? fromSet, out _))
            {
                using (fromSet)
                {
                    refusal = message.Verify(fromSet, JwsAlgorithms.AdminToken);
                }
            }

            if (refusal is not null && _key is not null)
            {
                refusal = message.Verify(_key, JwsAlgorithms.AdminToken);
            }

            return refusal ?? CheckClaims(claims, now);
        }

        private Refusal? CheckClaims(JsonElement claims, DateTimeOffset now)
        {
            if (!claims.TryGetProperty("exp", out JsonElement exp) || exp.ValueKind != JsonValueKind.Number || !exp.TryGetDouble(out double seconds)
                || !(seconds >= 0) || seconds > 253402300799)
            {
                return new Refusal(RefusalCode.Malformed, "no claim 'exp', or it is not a time");
            }

            if (now > DateTimeOffset.UnixEpoch.AddSeconds(Math.Floor(seconds)) + Leeway)
            {
                return new Refusal(RefusalCode.Expired, "over its time");
            }

            if (_options.Issuer is not null && !(claims.TryGetProperty("iss", out JsonElement iss) && iss.ValueKind == JsonValueKind.String && iss.ValueEquals(_options.Issuer)))
            {
                return new Refusal(RefusalCode.Mismatch, "another issuer");
            }

            return _options.Audience is null || HasAudience(claims, _options.Audience) ? null : new Refusal(RefusalCode.Mismatch, "for another audience");
        }

        private static bool HasAudience(JsonElement claims, string audience)
        {
            if (!claims.TryGetProperty("aud", out JsonElement aud))
            {
                return false;
            }

            return aud.ValueKind switch
            {
                JsonValueKind.String => aud.ValueEquals(audience),
                JsonValueKind.Array => aud.EnumerateArray().Any(a => a.ValueKind == JsonValueKind.String && a.ValueEquals(audience)),
                _ => false,
            };
        }
    }
}
