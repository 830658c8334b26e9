// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json;

namespace Coco;

/// <summary>A JWS in compact serialisation (RFC 7515 section 7.1), parsed and not verified.</summary>
public sealed class JwsMessage
{
    /// <summary>Default limit of size in characters: 1 MiB.</summary>
    public const int DefaultMaxLength = 1 << 20;

    private readonly byte[] _signingInput;
    private readonly byte[] _signature;

    private JwsMessage(JsonElement header, string algorithm, string? keyId, byte[] payload, byte[] signingInput, byte[] signature)
    {
        Header = header;
        Algorithm = algorithm;
        KeyId = keyId;
        Payload = payload;
        _signingInput = signingInput;
        _signature = signature;
    }

    /// <summary>The protected header, an object.</summary>
    public JsonElement Header { get; }

    /// <summary>The <c>alg</c> of the header: what the sender claims. <see cref="Verify"/> compares it, nothing follows it.</summary>
    public string Algorithm { get; }

    /// <summary>The <c>kid</c>; null when absent.</summary>
    public string? KeyId { get; }

    /// <summary>The payload. Only to be believed after <see cref="Verify"/> returned null.</summary>
    public ReadOnlyMemory<byte> Payload { get; }

    /// <summary>The bytes that are signed.</summary>
    public ReadOnlyMemory<byte> SigningInput => _signingInput;

    /// <summary>The signature.</summary>
    public ReadOnlyMemory<byte> Signature => _signature;

    /// <summary>Parses. Refused: not three parts of strict base64url, a header that is no JSON object or has no <c>alg</c>, a <c>crit</c> member (no extension is understood), too long.</summary>
    public static Result<JwsMessage> Parse(string compact, int maxLength = DefaultMaxLength)
    {
        ArgumentNullException.ThrowIfNull(compact);
        if (compact.Length > maxLength)
        {
            return new Refusal(RefusalCode.TooLarge, $"JWS of {compact.Length} characters, {maxLength} are allowed");
        }

        ReadOnlySpan<char> text = compact;
        int first = text.IndexOf('.');
        int second = first < 0 ? -1 : text[(first + 1)..].IndexOf('.') + first + 1;
        if (first < 0 || second <= first || text[(second + 1)..].Contains('.'))
        {
            return new Refusal(RefusalCode.Malformed, "a JWS has three parts");
        }

        if (!StrictBase64.DecodeUrl(text[..first]).TryGet(out byte[]? headerBytes, out Refusal? refusal))
        {
            return refusal.Within("JWS header");
        }

        if (!StrictBase64.DecodeUrl(text[(first + 1)..second]).TryGet(out byte[]? payload, out refusal))
        {
            return refusal.Within("JWS payload");
        }

        if (!StrictBase64.DecodeUrl(text[(second + 1)..]).TryGet(out byte[]? signature, out refusal))
        {
            return refusal.Within("JWS signature");
        }

        if (!HostileJson.ParseObject(headerBytes, maxLength).TryGet(out JsonElement header, out refusal))
        {
            return refusal.Within("JWS header");
        }

        if (!HostileJson.RequireString(header, "alg").TryGet(out string? algorithm, out refusal))
        {
            return refusal.Within("JWS header");
        }

        if (header.TryGetProperty("crit", out _))
        {
            return new Refusal(RefusalCode.Unsupported, "JWS header: 'crit' names extensions, and none is understood") { Field = "crit" };
        }

        if (!HostileJson.TryGetOptionalString(header, "kid", out string? keyId))
        {
            return new Refusal(RefusalCode.Malformed, "JWS header: 'kid' is not a string") { Field = "kid" };
        }

        return new JwsMessage(header, algorithm, keyId, payload, Encoding.ASCII.GetBytes(compact, 0, second), signature);
    }

    /// <summary>Checks the signature; null when it is that of the key.</summary>
    /// <param name="key">The key; its own algorithms bind, too.</param>
    /// <param name="allowed">The algorithms of the purpose. The header's algorithm must be one of them.</param>
    public Refusal? Verify(VerificationKey key, JwsAlgorithms allowed)
    {
        if (CheckAlgorithm(key, allowed, out JwsAlgorithms algorithm) is { } refusal)
        {
            return refusal;
        }

        return key.Verify(algorithm, _signingInput, _signature) ? null : new Refusal(RefusalCode.BadSignature, "JWS: the signature does not match");
    }

    /// <summary>What <see cref="Verify"/> checks before the signature itself; enough only where it is known that the key's owner made the message.</summary>
    /// <param name="key">As for <see cref="Verify"/>.</param>
    /// <param name="allowed">As for <see cref="Verify"/>.</param>
    public Refusal? CheckAlgorithm(VerificationKey key, JwsAlgorithms allowed) => CheckAlgorithm(key, allowed, out _);

    private Refusal? CheckAlgorithm(VerificationKey key, JwsAlgorithms allowed, out JwsAlgorithms algorithm)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (!JwsAlgorithmNames.TryParse(Algorithm, out algorithm) || (allowed & algorithm) == JwsAlgorithms.None)
        {
            return new Refusal(RefusalCode.Unsupported, $"JWS: algorithm '{Jwk.Shorten(Algorithm)}' is not allowed") { Field = "alg" };
        }

        return (key.Algorithms & algorithm) == JwsAlgorithms.None
            ? new Refusal(RefusalCode.Mismatch, $"JWS: algorithm '{Algorithm}' is not that of the key") { Field = "alg" }
            : null;
    }
}
