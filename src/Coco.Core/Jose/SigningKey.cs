// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text.Json;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace Coco;

/// <summary>A private key that makes JWS signatures with one algorithm. May be used by several threads at once.</summary>
public sealed class SigningKey : IDisposable
{
    private readonly ECDsa? _ec;
    private readonly RSA? _rsa;
    private readonly Secret? _seed;

    private SigningKey(ECDsa? ec, RSA? rsa, Secret? seed, JwsAlgorithms algorithm, Jwk jwk)
    {
        _ec = ec;
        _rsa = rsa;
        _seed = seed;
        Algorithm = algorithm;
        PublicJwk = jwk.With(algorithm: algorithm.ToName());
    }

    /// <summary>The one algorithm that it signs with.</summary>
    public JwsAlgorithms Algorithm { get; }

    /// <summary>The public half, with <c>alg</c>.</summary>
    public Jwk PublicJwk { get; }

    /// <summary>A new key: ES256, ES384, ES512, EdDSA, or RSA with 3072 bits.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not exactly one algorithm.</exception>
    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "the key owns it")]
    public static SigningKey Generate(JwsAlgorithms algorithm)
    {
        switch (algorithm)
        {
            case JwsAlgorithms.ES256:
                return FromEc(ECDsa.Create(ECCurve.NamedCurves.nistP256));
            case JwsAlgorithms.ES384:
                return FromEc(ECDsa.Create(ECCurve.NamedCurves.nistP384));
            case JwsAlgorithms.ES512:
                return FromEc(ECDsa.Create(ECCurve.NamedCurves.nistP521));
            case JwsAlgorithms.EdDSA:
                return FromSeed(Secret.Random(Ed25519.SecretKeySize));
            default:
                return VerificationKey.IsOne(algorithm) && (algorithm & JwsAlgorithms.Rsa) != JwsAlgorithms.None
                    ? FromRsa(RSA.Create(3072), algorithm)
                    : throw new ArgumentOutOfRangeException(nameof(algorithm));
        }
    }

    /// <summary>Reads PEM: <c>PRIVATE KEY</c> (PKCS#8: EC, RSA, Ed25519), <c>EC PRIVATE KEY</c>, <c>RSA PRIVATE KEY</c>.</summary>
    /// <param name="pem">The text; blocks of other labels (<c>EC PARAMETERS</c>, certificates) are passed over.</param>
    /// <param name="rsaAlgorithm">What an RSA key signs with; EC and Ed25519 keys have one algorithm each.</param>
    public static Result<SigningKey> FromPem(string pem, JwsAlgorithms rsaAlgorithm = JwsAlgorithms.RS256)
    {
        ArgumentNullException.ThrowIfNull(pem);
        ReadOnlySpan<char> rest = pem;
        while (PemEncoding.TryFind(rest, out PemFields fields))
        {
            ReadOnlySpan<char> label = rest[fields.Label];
            if (label is "PRIVATE KEY" or "EC PRIVATE KEY" or "RSA PRIVATE KEY")
            {
                byte[] der = new byte[fields.DecodedDataLength];
                try
                {
                    return Convert.TryFromBase64Chars(rest[fields.Base64Data], der, out int written) && written == der.Length
                        ? FromDer(label.ToString(), der, rsaAlgorithm)
                        : new Refusal(RefusalCode.Malformed, "private key: not base64");
                }
                finally
                {
                    CryptographicOperations.ZeroMemory(der);
                }
            }

            rest = rest[fields.Location.End..];
        }

        return new Refusal(RefusalCode.Malformed, "private key: no PEM block of a private key");
    }

    /// <summary>Reads a private JWK of kind EC or OKP (RFC 7518 section 6.2.2, RFC 8037) or RSA with all its numbers.</summary>
    public static Result<SigningKey> FromJwk(JsonElement element)
    {
        if (!Jwk.Parse(element).TryGet(out Jwk? jwk, out Refusal? refusal))
        {
            return refusal;
        }

        try
        {
            switch (jwk.Kind)
            {
                case JwkKind.EllipticCurve:
                    {
                        if (!PrivateJwk.Ec(element, jwk).TryGet(out ECParameters p, out refusal))
                        {
                            return refusal;
                        }

                        SigningKey key = FromEc(ECDsa.Create(p));
                        CryptographicOperations.ZeroMemory(p.D);
                        return key;
                    }

                case JwkKind.OctetKeyPair:
                    {
                        if (!PrivateJwk.Bytes(element, "d").TryGet(out byte[]? d, out refusal))
                        {
                            return refusal;
                        }

                        if (d.Length != Ed25519.SecretKeySize)
                        {
                            return new Refusal(RefusalCode.Malformed, "private key: 'd' has the wrong length");
                        }

                        SigningKey key = FromSeed(Secret.CopyOf(d));
                        CryptographicOperations.ZeroMemory(d);
                        if (key.PublicJwk.IsSameKey(jwk))
                        {
                            return key;
                        }

                        key.Dispose();
                        return new Refusal(RefusalCode.Mismatch, "private key: 'x' does not belong to 'd'");
                    }

                case JwkKind.Rsa:
                    {
                        if (!JwsAlgorithmNames.TryParse(jwk.Algorithm ?? "RS256", out JwsAlgorithms algorithm) || (algorithm & JwsAlgorithms.Rsa) == JwsAlgorithms.None)
                        {
                            return new Refusal(RefusalCode.Unsupported, "private key: its algorithm is no RSA signature");
                        }

                        if (!PrivateJwk.Rsa(element, jwk).TryGet(out RSAParameters p, out refusal))
                        {
                            return refusal;
                        }

                        SigningKey key = FromRsa(RSA.Create(p), algorithm);
                        PrivateJwk.Clear(p);
                        return key;
                    }

                default:
                    return new Refusal(RefusalCode.Unsupported, "private key: its kind does not sign");
            }
        }
        catch (CryptographicException)
        {
            return new Refusal(RefusalCode.Malformed, "private key: not valid");
        }
    }

    /// <summary>The signature in JOSE form (ECDSA: r followed by s).</summary>
    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        if (_ec is not null)
        {
            return _ec.SignData(data, Algorithm.Hash(), DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }

        if (_rsa is not null)
        {
            return _rsa.SignData(data, Algorithm.Hash(), Algorithm.RsaPadding());
        }

        byte[] message = data.ToArray();
        byte[] signature = new byte[Ed25519.SignatureSize];
        byte[] seed = _seed!.Reveal().ToArray();
        Ed25519.Sign(seed, 0, message, 0, message.Length, signature, 0);
        CryptographicOperations.ZeroMemory(seed);
        return signature;
    }

    /// <summary>The key as PKCS#8 PEM. The caller keeps the text secret.</summary>
    public string ExportPem()
    {
        if (_ec is not null)
        {
            return _ec.ExportPkcs8PrivateKeyPem() + "\n";
        }

        if (_rsa is not null)
        {
            return _rsa.ExportPkcs8PrivateKeyPem() + "\n";
        }

        byte[] der = [.. Convert.FromHexString("302E020100300506032B657004220420"), .. _seed!.Reveal()];
        string pem = PemEncoding.WriteString("PRIVATE KEY", der) + "\n";
        CryptographicOperations.ZeroMemory(der);
        return pem;
    }

    /// <summary>The public half as an object that verifies.</summary>
    public VerificationKey ToVerificationKey() => VerificationKey.FromJwk(PublicJwk).Require();

    /// <inheritdoc/>
    public void Dispose()
    {
        _ec?.Dispose();
        _rsa?.Dispose();
        _seed?.Dispose();
    }

    private static Result<SigningKey> FromDer(string label, byte[] der, JwsAlgorithms rsaAlgorithm)
    {
        try
        {
            switch (label)
            {
                case "EC PRIVATE KEY":
                    {
                        ECDsa ec = ECDsa.Create();
                        ec.ImportECPrivateKey(der, out _);
                        return FromEc(ec);
                    }

                case "RSA PRIVATE KEY":
                    {
                        RSA rsa = RSA.Create();
                        rsa.ImportRSAPrivateKey(der, out _);
                        return FromRsa(rsa, rsaAlgorithm);
                    }

                default:
                    return FromPkcs8(der, rsaAlgorithm);
            }
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException or NotSupportedException)
        {
            return new Refusal(RefusalCode.Malformed, "private key: not valid");
        }
    }

    private static Result<SigningKey> FromPkcs8(byte[] der, JwsAlgorithms rsaAlgorithm)
    {
        AsnReader info = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
        info.ReadInteger();
        string oid = info.ReadSequence().ReadObjectIdentifier();
        switch (oid)
        {
            case "1.2.840.10045.2.1":
                {
                    ECDsa ec = ECDsa.Create();
                    ec.ImportPkcs8PrivateKey(der, out _);
                    return FromEc(ec);
                }

            case "1.2.840.113549.1.1.1":
                {
                    RSA rsa = RSA.Create();
                    rsa.ImportPkcs8PrivateKey(der, out _);
                    return FromRsa(rsa, rsaAlgorithm);
                }

            case "1.3.101.112":
                {
                    byte[] seed = new AsnReader(info.ReadOctetString(), AsnEncodingRules.DER).ReadOctetString();
                    return seed.Length == Ed25519.SecretKeySize ? FromSeed(Secret.CopyOf(seed)) : new Refusal(RefusalCode.Malformed, "private key: not an Ed25519 seed");
                }

            default:
                return new Refusal(RefusalCode.Unsupported, $"private key: algorithm {oid} is not supported");
        }
    }

    private static SigningKey FromEc(ECDsa ec)
    {
        ECParameters p = ec.ExportParameters(false);
        NamedCurve curve = NamedCurve.OfOid(p.Curve.Oid?.Value) ?? (p.Curve.Oid?.FriendlyName switch
        {
            "nistP256" or "ECDSA_P256" => NamedCurve.P256,
            "nistP384" or "ECDSA_P384" => NamedCurve.P384,
            "nistP521" or "ECDSA_P521" => NamedCurve.P521,
            _ => throw new CryptographicException("the curve is not supported"),
        });
        return new SigningKey(ec, null, null, JwsAlgorithmNames.OfCurve(curve), Jwk.FromPoint(curve.Name, p.Q.X, p.Q.Y, null));
    }

    private static SigningKey FromRsa(RSA rsa, JwsAlgorithms algorithm)
    {
        RSAParameters p = rsa.ExportParameters(false);
        return new SigningKey(null, rsa, null, algorithm, Jwk.FromRsa(p.Modulus, p.Exponent, null));
    }

    private static SigningKey FromSeed(Secret seed)
    {
        byte[] secret = seed.Reveal().ToArray();
        byte[] point = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(secret, 0, point, 0);
        CryptographicOperations.ZeroMemory(secret);
        return new SigningKey(null, null, seed, JwsAlgorithms.EdDSA, Jwk.FromEd25519(point));
    }
}
