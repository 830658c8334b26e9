// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco;

/// <summary>A public JSON Web Key (RFC 7517). Its values have the right form and length; whether a point is on its curve is checked when a key object is made of it.</summary>
public sealed class Jwk
{
    private const int MaxCertificates = 16;
    private const int MlKem768PublicBytes = 1184;

    private Jwk(JwkKind kind, string? curve, byte[] first, byte[] second)
    {
        Kind = kind;
        Curve = curve;
        First = first;
        Second = second;
    }

    /// <summary>The <c>kty</c>.</summary>
    public JwkKind Kind { get; }

    /// <summary>The <c>crv</c>; null for RSA and AKP.</summary>
    public string? Curve { get; }

    /// <summary>The <c>alg</c>; null when absent.</summary>
    public string? Algorithm { get; private init; }

    /// <summary>The <c>kid</c>; null when absent.</summary>
    public string? KeyId { get; private init; }

    /// <summary>The <c>use</c>; null when absent.</summary>
    public string? Use { get; private init; }

    /// <summary>The <c>x5u</c>; null when absent. Nothing here follows it.</summary>
    public string? CertificateUrl { get; private init; }

    /// <summary>The <c>x5c</c> as DER, leaf first; empty when absent.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Certificates { get; private init; } = [];

    /// <summary>x, n or pub.</summary>
    internal byte[] First { get; }

    /// <summary>y or e; empty for OKP and AKP.</summary>
    internal byte[] Second { get; }

    /// <summary>Parses a key. Unknown and private members are dropped; a member of the wrong type or length is refused.</summary>
    public static Result<Jwk> Parse(JsonElement element)
    {
        if (!HostileJson.RequireString(element, "kty").TryGet(out string? kty, out Refusal? refusal))
        {
            return refusal.Within("JWK");
        }

        if (!HostileJson.TryGetOptionalString(element, "alg", out string? alg)
            || !HostileJson.TryGetOptionalString(element, "kid", out string? kid)
            || !HostileJson.TryGetOptionalString(element, "use", out string? use)
            || !HostileJson.TryGetOptionalString(element, "x5u", out string? x5u))
        {
            return new Refusal(RefusalCode.Malformed, "JWK: alg, kid, use and x5u are strings");
        }

        if (!ParseCertificates(element).TryGet(out ImmutableArray<ReadOnlyMemory<byte>> certificates, out refusal))
        {
            return refusal;
        }

        Jwk key;
        switch (kty)
        {
            case "EC":
                {
                    if (!HostileJson.RequireString(element, "crv").TryGet(out string? crv, out refusal))
                    {
                        return refusal.Within("JWK");
                    }

                    if (NamedCurve.OfName(crv) is not { } curve)
                    {
                        return new Refusal(RefusalCode.Unsupported, $"JWK: curve '{Shorten(crv)}' is not supported") { Field = "crv" };
                    }

                    if (!Bytes(element, "x", curve.FieldBytes, curve.FieldBytes).TryGet(out byte[]? x, out refusal)
                        || !Bytes(element, "y", curve.FieldBytes, curve.FieldBytes).TryGet(out byte[]? y, out refusal))
                    {
                        return refusal;
                    }

                    key = new Jwk(JwkKind.EllipticCurve, curve.Name, x, y) { Algorithm = alg, KeyId = kid, Use = use, CertificateUrl = x5u, Certificates = certificates };
                    break;
                }

            case "RSA":
                {
                    if (!Bytes(element, "n", 1, 1025).TryGet(out byte[]? n, out refusal) || !Bytes(element, "e", 1, 8).TryGet(out byte[]? e, out refusal))
                    {
                        return refusal;
                    }

                    key = new Jwk(JwkKind.Rsa, null, n, e) { Algorithm = alg, KeyId = kid, Use = use, CertificateUrl = x5u, Certificates = certificates };
                    break;
                }

            case "OKP":
                {
                    if (!HostileJson.RequireString(element, "crv").TryGet(out string? crv, out refusal))
                    {
                        return refusal.Within("JWK");
                    }

                    if (crv != "Ed25519")
                    {
                        return new Refusal(RefusalCode.Unsupported, $"JWK: curve '{Shorten(crv)}' is not supported") { Field = "crv" };
                    }

                    if (!Bytes(element, "x", 32, 32).TryGet(out byte[]? x, out refusal))
                    {
                        return refusal;
                    }

                    key = new Jwk(JwkKind.OctetKeyPair, crv, x, []) { Algorithm = alg, KeyId = kid, Use = use, CertificateUrl = x5u, Certificates = certificates };
                    break;
                }

            case "AKP":
                {
                    if (alg != JweAlgorithmNames.MlKem768A192Kw)
                    {
                        return new Refusal(RefusalCode.Unsupported, $"JWK: algorithm '{Shorten(alg)}' is not supported for AKP") { Field = "alg" };
                    }

                    if (!Bytes(element, "pub", MlKem768PublicBytes, MlKem768PublicBytes).TryGet(out byte[]? pub, out refusal))
                    {
                        return refusal;
                    }

                    key = new Jwk(JwkKind.AlgorithmKeyPair, null, pub, []) { Algorithm = alg, KeyId = kid, Use = use, CertificateUrl = x5u, Certificates = certificates };
                    break;
                }

            default:
                return new Refusal(RefusalCode.Unsupported, $"JWK: key type '{Shorten(kty)}' is not supported") { Field = "kty" };
        }

        return key;
    }

    /// <summary>An EC key of its coordinates.</summary>
    /// <param name="curve">P-256, P-384 or P-521.</param>
    /// <param name="x">Big-endian, in the length of the field.</param>
    /// <param name="y">The same.</param>
    /// <param name="algorithm">The <c>alg</c>, or null.</param>
    /// <exception cref="ArgumentException">Unknown curve or wrong length.</exception>
    public static Jwk FromPoint(string curve, ReadOnlySpan<byte> x, ReadOnlySpan<byte> y, string? algorithm)
    {
        if (NamedCurve.OfName(curve) is not { } known || x.Length != known.FieldBytes || y.Length != known.FieldBytes)
        {
            throw new ArgumentException("unknown curve or wrong length of a coordinate", nameof(curve));
        }

        return new Jwk(JwkKind.EllipticCurve, known.Name, x.ToArray(), y.ToArray()) { Algorithm = algorithm };
    }

    /// <summary>An RSA key of its numbers, big-endian.</summary>
    public static Jwk FromRsa(ReadOnlySpan<byte> modulus, ReadOnlySpan<byte> exponent, string? algorithm) =>
        new(JwkKind.Rsa, null, modulus.ToArray(), exponent.ToArray()) { Algorithm = algorithm };

    /// <summary>An Ed25519 key.</summary>
    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    public static Jwk FromEd25519(ReadOnlySpan<byte> publicKey) => publicKey.Length == 32
        ? new(JwkKind.OctetKeyPair, "Ed25519", publicKey.ToArray(), []) { Algorithm = "EdDSA" }
        : throw new ArgumentException("an Ed25519 key has 32 bytes", nameof(publicKey));

    /// <summary>An ML-KEM-768 encapsulation key.</summary>
    /// <exception cref="ArgumentException">Not 1184 bytes.</exception>
    public static Jwk FromMlKem768(ReadOnlySpan<byte> publicKey) => publicKey.Length == MlKem768PublicBytes
        ? new(JwkKind.AlgorithmKeyPair, null, publicKey.ToArray(), []) { Algorithm = JweAlgorithmNames.MlKem768A192Kw }
        : throw new ArgumentException("an ML-KEM-768 key has 1184 bytes", nameof(publicKey));

    /// <summary>The same key with another <c>alg</c>, <c>kid</c> and certificate chain.</summary>
    public Jwk With(string? algorithm = null, string? keyId = null, ImmutableArray<ReadOnlyMemory<byte>> certificates = default, string? certificateUrl = null) =>
        new(Kind, Curve, First, Second)
        {
            Algorithm = algorithm ?? Algorithm,
            KeyId = keyId ?? KeyId,
            Use = Use,
            CertificateUrl = certificateUrl ?? CertificateUrl,
            Certificates = certificates.IsDefault ? Certificates : certificates,
        };

    /// <summary>The members in the order of the key broker protocol (kbs.md 2.5: <c>kty, crv, alg, x, y</c> and so on), then those that are optional.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject { ["kty"] = KtyName };
        if (Curve is not null)
        {
            json["crv"] = Curve;
        }

        if (Algorithm is not null)
        {
            json["alg"] = Algorithm;
        }

        switch (Kind)
        {
            case JwkKind.EllipticCurve:
                json["x"] = StrictBase64.EncodeUrl(First);
                json["y"] = StrictBase64.EncodeUrl(Second);
                break;
            case JwkKind.Rsa:
                json["n"] = StrictBase64.EncodeUrl(First);
                json["e"] = StrictBase64.EncodeUrl(Second);
                break;
            case JwkKind.OctetKeyPair:
                json["x"] = StrictBase64.EncodeUrl(First);
                break;
            default:
                json["pub"] = StrictBase64.EncodeUrl(First);
                break;
        }

        if (KeyId is not null)
        {
            json["kid"] = KeyId;
        }

        if (Use is not null)
        {
            json["use"] = Use;
        }

        if (CertificateUrl is not null)
        {
            json["x5u"] = CertificateUrl;
        }

        if (!Certificates.IsEmpty)
        {
            json["x5c"] = new JsonArray([.. Certificates.Select(c => (JsonNode)StrictBase64.EncodeStandard(c.Span))]);
        }

        return json;
    }

    /// <summary>The JWK thumbprint (RFC 7638): SHA-256 over the required members in canonical form.</summary>
    public byte[] Thumbprint()
    {
        string first = StrictBase64.EncodeUrl(First);
        string text = Kind switch
        {
            JwkKind.EllipticCurve => $$"""{"crv":"{{Curve}}","kty":"EC","x":"{{first}}","y":"{{StrictBase64.EncodeUrl(Second)}}"}""",
            JwkKind.Rsa => $$"""{"e":"{{StrictBase64.EncodeUrl(Second)}}","kty":"RSA","n":"{{first}}"}""",
            JwkKind.OctetKeyPair => $$"""{"crv":"{{Curve}}","kty":"OKP","x":"{{first}}"}""",
            _ => $$"""{"alg":"{{Algorithm}}","kty":"AKP","pub":"{{first}}"}""",
        };
        return SHA256.HashData(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>Whether both are the same public key, whatever their other members say.</summary>
    public bool IsSameKey(Jwk other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Kind == other.Kind
            && Curve == other.Curve
            && First.AsSpan().TrimStart(LeadingZero).SequenceEqual(other.First.AsSpan().TrimStart(LeadingZero))
            && Second.AsSpan().TrimStart(LeadingZero).SequenceEqual(other.Second.AsSpan().TrimStart(LeadingZero));
    }

    internal RSAParameters RsaParameters() => new()
    {
        Modulus = First.AsSpan().TrimStart(LeadingZero).ToArray(),
        Exponent = Second.AsSpan().TrimStart(LeadingZero).ToArray(),
    };

    internal ECParameters EcParameters() => new()
    {
        Curve = NamedCurve.OfName(Curve)!.Curve,
        Q = new ECPoint { X = First, Y = Second },
    };

    private const byte LeadingZero = 0;

    private string KtyName => Kind switch
    {
        JwkKind.EllipticCurve => "EC",
        JwkKind.Rsa => "RSA",
        JwkKind.OctetKeyPair => "OKP",
        _ => "AKP",
    };

    internal static string Shorten(string? text) => text is null ? "(none)" : text.Length <= 64 ? text : string.Concat(text.AsSpan(0, 64), "…");

    private static Result<byte[]> Bytes(JsonElement element, string name, int min, int max)
    {
        if (!HostileJson.RequireString(element, name).TryGet(out string? text, out Refusal? refusal))
        {
            return refusal.Within("JWK");
        }

        if (!StrictBase64.DecodeUrl(text).TryGet(out byte[]? bytes, out refusal))
        {
            return refusal.Within("JWK: " + name) with { Field = name };
        }

        return bytes.Length >= min && bytes.Length <= max
            ? bytes
            : new Refusal(RefusalCode.Malformed, $"JWK: {name} has {bytes.Length} bytes") { Field = name };
    }

    // Issuers write x5c in standard base64 as RFC 7517 demands, older ones in base64url, some with line feeds (kbs.md 5.2).
    private static Result<ImmutableArray<ReadOnlyMemory<byte>>> ParseCertificates(JsonElement element)
    {
        if (!element.TryGetProperty("x5c", out JsonElement list) || list.ValueKind == JsonValueKind.Null)
        {
            return ImmutableArray<ReadOnlyMemory<byte>>.Empty;
        }

        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > MaxCertificates)
        {
            return new Refusal(RefusalCode.Malformed, $"JWK: x5c is an array of at most {MaxCertificates} certificates") { Field = "x5c" };
        }

        ImmutableArray<ReadOnlyMemory<byte>>.Builder all = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>(list.GetArrayLength());
        foreach (JsonElement item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String)
            {
                return new Refusal(RefusalCode.Malformed, "JWK: an entry of x5c is not a string") { Field = "x5c" };
            }

            string text = item.GetString()!.Replace("\n", string.Empty, StringComparison.Ordinal).Replace("\r", string.Empty, StringComparison.Ordinal);
            if (!StrictBase64.DecodeLenient(text).TryGet(out byte[]? der, out Refusal? refusal))
            {
                return refusal.Within("JWK: x5c") with { Field = "x5c" };
            }

            all.Add(der);
        }

        return all.ToImmutable();
    }
}
