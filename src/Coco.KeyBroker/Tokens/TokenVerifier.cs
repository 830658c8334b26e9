// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>Makes <see cref="VerifiedToken"/>s: the only place where an attestation token begins to be believed (kbs.md 5.2). Thread-safe.</summary>
/// <remarks>
/// What was verified twice is kept; time is compared again with every use. What the service in this process, or in a replica, issued needs no
/// verification of its signature. An issuer key is one that the attestation service in this process publishes, one of a trusted JWK set, or one
/// whose certificate chain ends at a trusted root. The header's own key counts for nothing alone.
/// </remarks>
internal sealed class TokenVerifier
{
    private const int CachedTokens = 2048;
    private const int CachedIssuers = 256;
    private const int MaxTokenCharacters = 256 * 1024;
    private static readonly TimeSpan Leeway = TimeSpan.FromSeconds(60);

    private static readonly string[] BuiltInKeyPaths =
    [
        "/tdx/attester_runtime_data/tee-pubkey",
        "/tdx/attester_user_data/tee-pubkey",
        "/customized_claims/runtime_data/tee-pubkey",
        "/submods/cpu0/ear.veraison.annotated-evidence/runtime_data_claims/tee-pubkey",
        "/tee-pubkey",
    ];

    private readonly TokenTrustOptions _trust;
    private readonly IAttestationService _attestation;
    private readonly TimeProvider _time;
    private readonly ImmutableArray<JwkSetSource> _sets;
    private readonly ImmutableArray<JsonPointer> _keyPaths;
    private readonly BoundedCache<string, Known> _tokens = new(CachedTokens);
    private readonly BoundedCache<string, Issuer> _issuers = new(CachedIssuers);
    private readonly BoundedCache<string, Noted> _noted = new(CachedTokens);
    private volatile ServiceKeys? _serviceKeys;

    /// <exception cref="ArgumentException">An address or a pointer of the options is malformed, or nobody is trusted.</exception>
    public TokenVerifier(KeyBrokerOptions options, IAttestationService attestation, TimeProvider time)
    {
        _trust = options.TokenTrust;
        _attestation = attestation;
        _time = time;
        HttpMessageInvoker http = options.Outbound.Invoker;
        _sets = [.. _trust.TrustedJwkSets.Select(a => Require(JwkSetSource.Create(a, http, time)))];
        _keyPaths = [.. _trust.ExtraTeeKeyPaths.Concat(BuiltInKeyPaths).Select(p => Require(JsonPointer.Parse(p)))];
        if (_sets.IsEmpty && _trust.TrustedCertificates.IsEmpty && !_trust.TrustAttestationService && !_trust.InsecureHeaderJwk)
        {
            throw new ArgumentException("no issuer of attestation tokens is trusted: give a JWK set or a certificate", nameof(options));
        }
    }

    /// <summary>A token that may come again. Most are used once, and what is made of them is large: it is kept from the second use on.</summary>
    private sealed record Noted(string Digest, bool IsOurs)
    {
        public bool WasUsed { get; set; }
    }

    private sealed record Known(VerifiedToken Token, long TrustGeneration, DateTimeOffset IssuerTo);

    private sealed record Issuer(VerificationKey Key, DateTimeOffset From, DateTimeOffset To)
    {
        public static Issuer Always(VerificationKey key) => new(key, DateTimeOffset.MinValue, DateTimeOffset.MaxValue);
    }

    private sealed record ServiceKeys(ImmutableArray<VerificationKey> Keys, long LoadedAt);

    private long TrustGeneration
    {
        get
        {
            long sum = 0;
            foreach (JwkSetSource set in _sets)
            {
                sum += set.Generation;
            }

            return sum;
        }
    }

    /// <summary>Verifies, or recognises what it verified before.</summary>
    public ValueTask<Result<VerifiedToken>> VerifyAsync(AttestationToken token, CancellationToken ct)
    {
        if (_tokens.TryGet(token.Compact, out Known? known) && known.TrustGeneration == TrustGeneration && _time.GetUtcNow() <= known.IssuerTo)
        {
            return new(CheckTime(known.Token.ExpiresAt) is { } late ? late : known.Token);
        }

        return VerifyNewAsync(token, ct);
    }

    /// <summary>
    /// Notes a token that the attestation service in this process has just given, or gave to a replica that vouches for it: its signature need
    /// not be verified, since no stranger had the token in between. Everything else is checked as ever. Does nothing unless that service is trusted.
    /// </summary>
    /// <param name="token">As it came from the service.</param>
    /// <param name="digest">SHA-256 (lower-case hex) of it.</param>
    public void NoteIssued(AttestationToken token, string digest)
    {
        if (_trust.TrustAttestationService)
        {
            _noted.Set(token.Compact, new Noted(digest, IsOurs: true));
        }
    }

    /// <summary>Whether all JWK sets could be loaded.</summary>
    public async ValueTask<Refusal?> CheckAsync(CancellationToken ct)
    {
        foreach (JwkSetSource set in _sets)
        {
            if (await set.CheckAsync(ct) is { } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    private async ValueTask<Result<VerifiedToken>> VerifyNewAsync(AttestationToken token, CancellationToken ct)
    {
        if (!JwsMessage.Parse(token.Compact, MaxTokenCharacters).TryGet(out JwsMessage? message, out Refusal? refusal))
        {
            return refusal.Within("attestation token");
        }

        long generation = TrustGeneration;
        Result<Issuer> found = message.Header.TryGetProperty("jwk", out JsonElement header)
            ? await FindHeaderKeyAsync(header, ct)
            : await FindByIdAsync(message.KeyId, ct);
        if (!found.TryGet(out Issuer? issuer, out refusal))
        {
            return refusal.Within("attestation token");
        }

        _noted.TryGet(token.Compact, out Noted? noted);
        if ((noted is { IsOurs: true } ? message.CheckAlgorithm(issuer.Key, JwsAlgorithms.AttestationToken) : message.Verify(issuer.Key, JwsAlgorithms.AttestationToken)) is { } bad)
        {
            return bad.Within("attestation token");
        }

        string digest = noted?.Digest ?? Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(token.Compact)));
        Result<VerifiedToken> read = Read(message, digest);
        if (read.TryGet(out VerifiedToken? verified, out _))
        {
            if (noted is { WasUsed: true })
            {
                // Loading the keys may have moved the generation on; what was decided holds for the one before at least.
                _tokens.Set(token.Compact, new Known(verified, Math.Max(generation, TrustGeneration), issuer.To));
            }
            else if (noted is not null)
            {
                noted.WasUsed = true;
            }
            else
            {
                _noted.Set(token.Compact, new Noted(digest, IsOurs: false) { WasUsed = true });
            }
        }

        return read;
    }

    private Result<VerifiedToken> Read(JwsMessage message, string digest)
    {
        if (!HostileJson.ParseObject(message.Payload.Span).TryGet(out JsonElement claims, out Refusal? refusal))
        {
            return refusal.Within("attestation token");
        }

        if (!TryGetTime(claims, "exp", out DateTimeOffset expiresAt))
        {
            return new Refusal(RefusalCode.Malformed, "attestation token: no claim 'exp', or it is not a time") { Field = "exp" };
        }

        if (CheckTime(expiresAt) is { } late)
        {
            return late;
        }

        TokenKey? teeKey = null;
        foreach (JsonPointer path in _keyPaths)
        {
            if (path.TryFind(claims, out JsonElement claim))
            {
                teeKey = new TokenKey(claim);
                break;
            }
        }

        return new VerifiedToken(digest, claims, expiresAt, teeKey) { Tee = FindTee(claims) };
    }

    private Refusal? CheckTime(DateTimeOffset expiresAt) =>
        _time.GetUtcNow() > expiresAt + Leeway ? new Refusal(RefusalCode.Expired, "attestation token: over its time") { Field = "exp" } : null;

    private async ValueTask<Result<Issuer>> FindHeaderKeyAsync(JsonElement header, CancellationToken ct)
    {
        if (!Jwk.Parse(header).TryGet(out Jwk? jwk, out Refusal? refusal))
        {
            return refusal;
        }

        if (jwk.Algorithm is null)
        {
            return new Refusal(RefusalCode.Malformed, "the header's key has no 'alg'") { Field = "alg" };
        }

        foreach (VerificationKey own in await GetServiceKeysAsync(jwk, ct))
        {
            if (own.PublicJwk.IsSameKey(jwk))
            {
                return Issuer.Always(own);
            }
        }

        if (_trust.InsecureHeaderJwk)
        {
            return Import(jwk);
        }

        string cacheKey = header.GetRawText();
        DateTimeOffset now = _time.GetUtcNow();
        if (_issuers.TryGet(cacheKey, out Issuer? known) && now >= known.From && now <= known.To)
        {
            return known;
        }

        if (!JwkEndorsement.Check(jwk, _trust.TrustedCertificates, now).TryGet(out JwkEndorsement.Validity valid, out refusal)
            || !VerificationKey.FromJwk(jwk).TryGet(out VerificationKey? key, out refusal))
        {
            return refusal;
        }

        var issuer = new Issuer(key, valid.From, valid.To);
        _issuers.Set(cacheKey, issuer);
        return issuer;
    }

    private async ValueTask<Result<Issuer>> FindByIdAsync(string? keyId, CancellationToken ct)
    {
        if (keyId is null)
        {
            return new Refusal(RefusalCode.Untrusted, "the header names no key");
        }

        foreach (JwkSetSource set in _sets)
        {
            if (await set.FindAsync(keyId, ct) is { } jwk)
            {
                if (jwk.Algorithm is null)
                {
                    return new Refusal(RefusalCode.Malformed, "the key in the JWK set has no 'alg'") { Field = "alg" };
                }

                // The set's own generation is in the cache of tokens, so the import is not worth a cache of its own.
                return Import(jwk);
            }
        }

        foreach (VerificationKey own in await GetServiceKeysAsync(null, ct))
        {
            if (own.PublicJwk.KeyId == keyId)
            {
                return Issuer.Always(own);
            }
        }

        return new Refusal(RefusalCode.Untrusted, "no trusted JWK set has the key that the header names");
    }

    private async ValueTask<ImmutableArray<VerificationKey>> GetServiceKeysAsync(Jwk? wanted, CancellationToken ct)
    {
        if (!_trust.TrustAttestationService)
        {
            return [];
        }

        ServiceKeys? present = _serviceKeys;
        TimeSpan age = present is null ? TimeSpan.MaxValue : _time.GetElapsedTime(present.LoadedAt);
        bool missing = present is not null && wanted is not null && !present.Keys.Any(k => k.PublicJwk.IsSameKey(wanted));
        if (present is not null && age < TimeSpan.FromMinutes(10) && !(missing && age > TimeSpan.FromSeconds(1)))
        {
            return present.Keys;
        }

        if (!(await _attestation.GetSigningKeysAsync(ct)).TryGet(out string? json, out _) || !JwkSet.Parse(Encoding.UTF8.GetBytes(json)).TryGet(out JwkSet? set, out _))
        {
            return present?.Keys ?? [];
        }

        ImmutableArray<VerificationKey>.Builder keys = ImmutableArray.CreateBuilder<VerificationKey>();
        foreach (Jwk jwk in set.Keys)
        {
            if (jwk.Algorithm is not null && VerificationKey.FromJwk(jwk).TryGet(out VerificationKey? key, out _))
            {
                keys.Add(key);
            }
        }

        _serviceKeys = new ServiceKeys(keys.ToImmutable(), _time.GetTimestamp());
        return _serviceKeys.Keys;
    }

    private static Result<Issuer> Import(Jwk jwk) =>
        VerificationKey.FromJwk(jwk).TryGet(out VerificationKey? key, out Refusal? refusal) ? Issuer.Always(key) : refusal;

    private static bool TryGetTime(JsonElement claims, string name, out DateTimeOffset time)
    {
        time = default;
        if (!claims.TryGetProperty(name, out JsonElement claim) || claim.ValueKind != JsonValueKind.Number || !claim.TryGetDouble(out double seconds)
            || !(seconds >= 0) || seconds > 253402300799)
        {
            return false;
        }

        time = DateTimeOffset.UnixEpoch.AddSeconds(Math.Floor(seconds));
        return true;
    }

    private static string? FindTee(JsonElement claims)
    {
        if (claims.TryGetProperty("submods", out JsonElement submods) && submods.ValueKind == JsonValueKind.Object
            && submods.TryGetProperty("cpu0", out JsonElement cpu) && cpu.ValueKind == JsonValueKind.Object
            && cpu.TryGetProperty("ear.veraison.annotated-evidence", out JsonElement evidence) && evidence.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty member in evidence.EnumerateObject())
            {
                if (TeeTypes.TryParse(member.Name, out TeeType tee))
                {
                    return tee.ToWireName();
                }
            }
        }

        return null;
    }

    private static T Require<T>(Result<T> result)
        where T : notnull =>
        result.TryGet(out T? value, out Refusal? refusal) ? value : throw new ArgumentException(refusal.Detail);
}
