// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Coco.Rego.Builtins.Text;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace Coco.Rego.Builtins.Crypto;

/// <summary>A key that checks or makes the signatures of tokens. It works with the algorithms of its own kind only.</summary>
internal sealed class JwtKey : IDisposable
{
    private const int MaxRsaBits = 16_384;

    private RSA? _rsa;
    private ECDsa? _ec;
    private byte[]? _edPublic;
    private byte[]? _edSeed;
    private byte[]? _secret;

    private JwtKey()
    {
    }

    /// <summary>The <c>alg</c> of its JWK; empty where it has none.</summary>
    public string Algorithm { get; private init; } = "";

    /// <summary>The <c>kid</c> of its JWK; empty where it has none.</summary>
    public string Id { get; private init; } = "";

    public static JwtKey OfSecret(string secret) => new() { _secret = Encoding.UTF8.GetBytes(secret) };

    /// <summary>Reads a PEM certificate, a PEM public key, a JWK or a set of them.</summary>
    public static bool TryReadPublic(string text, out List<JwtKey> keys, out string error)
    {
        keys = [];
        error = "";
        if (text.AsSpan().Contains("-----BEGIN", StringComparison.Ordinal))
        {
            return TryReadPem(text, keys, out error);
        }

        if (!RegoValue.ParseJson(text).TryGet(out var value, out _) || value is not RegoObject members)
        {
            error = "failed to parse a JWK key (set)";
            return false;
        }

        foreach (var item in members.Get("keys") is RegoArray set ? set.Items : [members])
        {
            if (item is RegoObject jwk && OfJwk(jwk, isPrivate: false) is { } key)
            {
                keys.Add(key);
            }
            else
            {
                keys.ForEach(static known => known.Dispose());
                keys = [];
                error = "failed to parse a JWK key (set)";
                return false;
            }
        }

        return true;
    }

    /// <summary>A key from the members of a JWK; null where it is none or of no kind known here.</summary>
    public static JwtKey? OfJwk(RegoObject jwk, bool isPrivate)
    {
        var key = new JwtKey { Algorithm = Member(jwk, "alg"), Id = Member(jwk, "kid") };
        try
        {
            switch (Member(jwk, "kty"))
            {
                case "oct":
                    key._secret = Bytes(jwk, "k");
                    return key;
                case "RSA":
                    key._rsa = RSA.Create(Rsa(jwk, isPrivate));
                    return key;
                case "EC":
                    key._ec = ECDsa.Create(Ec(jwk, isPrivate));
                    return key;
                case "OKP" when Member(jwk, "crv") == "Ed25519":
                    key._edPublic = Bytes(jwk, "x");
                    key._edSeed = isPrivate ? Bytes(jwk, "d") : null;
                    return key._edPublic.Length == 32 && key._edSeed is null or { Length: 32 } ? key : null;
                default:
                    return null;
            }
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            key.Dispose();
            return null;
        }
    }

    /// <summary>Whether the signature is that of the text under an algorithm; false where the key is of another kind.</summary>
    public bool Verify(JwtAlgorithm algorithm, byte[] text, byte[] signature)
    {
        try
        {
            return algorithm.Family switch
            {
                JwtFamily.Hmac => _secret is not null && CryptographicOperations.FixedTimeEquals(Mac(algorithm, text), signature),
                JwtFamily.RsaPkcs1 => _rsa is not null && _rsa.VerifyData(text, signature, algorithm.Hash, RSASignaturePadding.Pkcs1),
                JwtFamily.RsaPss => _rsa is not null && _rsa.VerifyData(text, signature, algorithm.Hash, RSASignaturePadding.Pss),
                JwtFamily.Ecdsa => _ec is not null && _ec.KeySize == algorithm.CurveBits
                    && _ec.VerifyData(text, signature, algorithm.Hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
                _ => _edPublic is not null && signature.Length == Ed25519.SignatureSize
                    && Ed25519.Verify(signature, 0, _edPublic, 0, text, 0, text.Length),
            };
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>The signature of the text; null where the key is of another kind or has no private half.</summary>
    public byte[]? Sign(JwtAlgorithm algorithm, byte[] text)
    {
        try
        {
            switch (algorithm.Family)
            {
                case JwtFamily.Hmac:
                    return _secret is null ? null : Mac(algorithm, text);
                case JwtFamily.RsaPkcs1:
                    return _rsa?.SignData(text, algorithm.Hash, RSASignaturePadding.Pkcs1);
                case JwtFamily.RsaPss:
                    return _rsa?.SignData(text, algorithm.Hash, RSASignaturePadding.Pss);
                case JwtFamily.Ecdsa:
                    return _ec is null || _ec.KeySize != algorithm.CurveBits
                        ? null
                        : _ec.SignData(text, algorithm.Hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
                default:
                    if (_edSeed is null)
                    {
                        return null;
                    }

                    var signature = new byte[Ed25519.SignatureSize];
                    Ed25519.Sign(_edSeed, 0, text, 0, text.Length, signature, 0);
                    return signature;
            }
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        _rsa?.Dispose();
        _ec?.Dispose();
        CryptographicOperations.ZeroMemory(_edSeed);
        CryptographicOperations.ZeroMemory(_secret);
    }

    private static bool TryReadPem(string text, List<JwtKey> keys, out string error)
    {
        error = "failed to extract a Key from the PEM certificate";
        var rest = text.AsSpan();
        if (!PemText.TryNext(ref rest, out var label, out var der))
        {
            return false;
        }

        if (!rest.Trim().IsEmpty)
        {
            error = "extra data after a PEM certificate block";
            return false;
        }

        try
        {
            switch (label)
            {
                case "CERTIFICATE":
                    error = "failed to parse a PEM certificate: x509: malformed certificate";
                    using (var certificate = X509CertificateLoader.LoadCertificate(der))
                    {
                        keys.Add(OfSpki(certificate.PublicKey.ExportSubjectPublicKeyInfo()));
                    }

                    return true;
                case "PUBLIC KEY":
                    error = "failed to parse a PEM public key";
                    keys.Add(OfSpki(der));
                    return true;
                default:
                    return false;
            }
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException)
        {
            return false;
        }
    }

    private static JwtKey OfSpki(byte[] spki)
    {
        var info = new AsnReader(spki, AsnEncodingRules.DER).ReadSequence();
        var oid = info.ReadSequence().ReadObjectIdentifier();
        switch (oid)
        {
            case "1.2.840.113549.1.1.1":
                var rsa = RSA.Create();
                rsa.ImportSubjectPublicKeyInfo(spki, out _);
                return new JwtKey { _rsa = rsa };
            case "1.2.840.10045.2.1":
                var ec = ECDsa.Create();
                ec.ImportSubjectPublicKeyInfo(spki, out _);
                return new JwtKey { _ec = ec };
            case "1.3.101.112":
                var point = info.ReadBitString(out _);
                return point.Length == 32 ? new JwtKey { _edPublic = point } : throw new CryptographicException("not an Ed25519 key");
            default:
                throw new CryptographicException("the key is of no kind known here");
        }
    }

    private static string Member(RegoObject jwk, string name) => jwk.Get(name) is RegoString text ? text.Value : "";

    private static byte[] Bytes(RegoObject jwk, string name) =>
        jwk.Get(name) is RegoString text && Base64Text.TryDecode(text.Value, url: true, out var bytes, out _) ? bytes : throw new FormatException();

    private static RSAParameters Rsa(RegoObject jwk, bool isPrivate)
    {
        var n = Trimmed(jwk, "n");
        var e = Trimmed(jwk, "e");
        if (n.Length * 8 > MaxRsaBits || e.Length is 0 or > 8)
        {
            throw new FormatException();
        }

        var parameters = new RSAParameters { Modulus = n, Exponent = e };
        if (!isPrivate)
        {
            return parameters;
        }

        var half = (n.Length + 1) / 2;
        parameters.D = Padded(Trimmed(jwk, "d"), n.Length);
        parameters.P = Padded(Trimmed(jwk, "p"), half);
        parameters.Q = Padded(Trimmed(jwk, "q"), half);
        parameters.DP = Padded(Trimmed(jwk, "dp"), half);
        parameters.DQ = Padded(Trimmed(jwk, "dq"), half);
        parameters.InverseQ = Padded(Trimmed(jwk, "qi"), half);
        return parameters;
    }

    private static ECParameters Ec(RegoObject jwk, bool isPrivate)
    {
        var (curve, size) = Member(jwk, "crv") switch
        {
            "P-256" => (ECCurve.NamedCurves.nistP256, 32),
            "P-384" => (ECCurve.NamedCurves.nistP384, 48),
            "P-521" => (ECCurve.NamedCurves.nistP521, 66),
            _ => throw new FormatException(),
        };
        return new ECParameters
        {
            Curve = curve,
            Q = new ECPoint { X = Padded(Trimmed(jwk, "x"), size), Y = Padded(Trimmed(jwk, "y"), size) },
            D = isPrivate ? Padded(Trimmed(jwk, "d"), size) : null,
        };
    }

    private static byte[] Trimmed(RegoObject jwk, string name) => Bytes(jwk, name).AsSpan().TrimStart((byte)0).ToArray();

    private static byte[] Padded(byte[] number, int size) =>
        number.Length > size ? throw new FormatException() : [.. new byte[size - number.Length], .. number];

    private byte[] Mac(JwtAlgorithm algorithm, byte[] text) => CryptographicOperations.HmacData(algorithm.Hash, _secret!, text);
}
