// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using Org.BouncyCastle.Crypto.Parameters;

namespace Coco;

/// <summary>A private key that opens JWE: the TEE key of a guest, or a key of an encrypted image's recipient.</summary>
public sealed class JweDecryptionKey : IDisposable
{
    private readonly ECDiffieHellman? _ec;
    private readonly RSA? _rsa;
    private readonly MLKemPrivateKeyParameters? _kem;
    private readonly Secret? _kemSeed;

    private JweDecryptionKey(Jwk jwk, ECDiffieHellman? ec, RSA? rsa, MLKemPrivateKeyParameters? kem, Secret? kemSeed)
    {
        PublicJwk = jwk;
        _ec = ec;
        _rsa = rsa;
        _kem = kem;
        _kemSeed = kemSeed;
    }

    /// <summary>The public half, with <c>alg</c>.</summary>
    public Jwk PublicJwk { get; }

    /// <summary>A new key.</summary>
    /// <param name="algorithm">One algorithm; RSA keys get 2048 bits, as the protocol's clients have them.</param>
    /// <param name="curve">P-256 or P-521 for ECDH.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not exactly one algorithm, or another curve.</exception>
    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "the key owns it")]
    public static JweDecryptionKey Generate(JweAlgorithms algorithm, string curve = "P-256")
    {
        switch (algorithm)
        {
            case JweAlgorithms.EcdhEsA256Kw when curve is "P-256" or "P-521":
                return FromEc(ECDiffieHellman.Create(NamedCurve.OfName(curve)!.Curve), NamedCurve.OfName(curve)!);
            case JweAlgorithms.RsaOaep256 or JweAlgorithms.RsaOaep or JweAlgorithms.Rsa15:
                return FromRsa(RSA.Create(2048), algorithm);
            case JweAlgorithms.MlKem768A192Kw:
                using (Secret seed = Secret.Random(MlKem768.SeedBytes))
                {
                    return FromMlKemSeed(seed.Reveal());
                }

            default:
                throw new ArgumentOutOfRangeException(nameof(algorithm));
        }
    }

    /// <summary>Reads PEM: <c>PRIVATE KEY</c> (PKCS#8 EC or RSA), <c>EC PRIVATE KEY</c>, <c>RSA PRIVATE KEY</c>. Curves P-256 and P-521 only.</summary>
    /// <param name="pem">The text.</param>
    /// <param name="rsaAlgorithm">The algorithm that the public half of an RSA key names.</param>
    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "the key owns it")]
    public static Result<JweDecryptionKey> FromPem(string pem, JweAlgorithms rsaAlgorithm = JweAlgorithms.RsaOaep256)
    {
        ArgumentNullException.ThrowIfNull(pem);
        if (!PemEncoding.TryFind(pem, out _))
        {
            return new Refusal(RefusalCode.Malformed, "private key: not PEM");
        }

        ECDiffieHellman? ec = null;
        try
        {
            ec = ECDiffieHellman.Create();
            ec.ImportFromPem(pem);
            ECParameters p = ec.ExportParameters(false);
            NamedCurve? curve = NamedCurve.OfOid(p.Curve.Oid?.Value) ?? NamedCurveOf(p);
            if (curve is null || curve == NamedCurve.P384)
            {
                ec.Dispose();
                return new Refusal(RefusalCode.Unsupported, "private key: P-256, P-521 or RSA only");
            }

            return FromEc(ec, curve);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or NotSupportedException)
        {
            ec?.Dispose();
        }

        RSA rsa = RSA.Create();
        try
        {
            rsa.ImportFromPem(pem);
            if (VerificationKey.CheckRsa(rsa.ExportParameters(false)) is { } weak)
            {
                rsa.Dispose();
                return weak;
            }

            // A public key imports, too, and would fail only when used.
            _ = rsa.ExportParameters(true);
            return FromRsa(rsa, rsaAlgorithm);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            rsa.Dispose();
            return new Refusal(RefusalCode.Malformed, "private key: neither an EC nor an RSA private key");
        }
    }

    /// <summary>Reads a private JWK: EC (with <c>d</c>) on P-256 or P-521, or RSA with all its numbers.</summary>
    /// <param name="element">The JWK.</param>
    /// <param name="rsaAlgorithm">The algorithm that the public half of an RSA key names.</param>
    public static Result<JweDecryptionKey> FromJwk(JsonElement element, JweAlgorithms rsaAlgorithm = JweAlgorithms.RsaOaep256)
    {
        if (!Jwk.Parse(element).TryGet(out Jwk? jwk, out Refusal? refusal))
        {
            return refusal;
        }

        try
        {
            switch (jwk.Kind)
            {
                case JwkKind.EllipticCurve when jwk.Curve is "P-256" or "P-521":
                    {
                        if (!PrivateJwk.Ec(element, jwk).TryGet(out ECParameters p, out refusal))
                        {
                            return refusal;
                        }

                        JweDecryptionKey key = FromEc(ECDiffieHellman.Create(p), NamedCurve.OfName(jwk.Curve)!);
                        CryptographicOperations.ZeroMemory(p.D);
                        return key;
                    }

                case JwkKind.Rsa:
                    {
                        if (!PrivateJwk.Rsa(element, jwk).TryGet(out RSAParameters p, out refusal))
                        {
                            return refusal;
                        }

                        JweDecryptionKey key = FromRsa(RSA.Create(p), rsaAlgorithm);
                        PrivateJwk.Clear(p);
                        return key;
                    }

                default:
                    return new Refusal(RefusalCode.Unsupported, "private key: RSA, or EC on P-256 or P-521");
            }
        }
        catch (CryptographicException)
        {
            return new Refusal(RefusalCode.Malformed, "private key: not valid");
        }
    }

    /// <summary>An ML-KEM-768 key of its 64-byte seed (FIPS 203: d followed by z).</summary>
    /// <exception cref="ArgumentException">Not 64 bytes.</exception>
    public static JweDecryptionKey FromMlKemSeed(ReadOnlySpan<byte> seed)
    {
        if (seed.Length != MlKem768.SeedBytes)
        {
            throw new ArgumentException("an ML-KEM seed has 64 bytes", nameof(seed));
        }

        byte[] copy = seed.ToArray();
        MLKemPrivateKeyParameters key = MlKem768.ImportSeed(copy);
        CryptographicOperations.ZeroMemory(copy);
        return new JweDecryptionKey(Jwk.FromMlKem768(key.GetPublicKeyEncoded()), null, null, key, Secret.CopyOf(seed));
    }

    /// <summary>Opens a message; of several recipients, the first that this key opens counts.</summary>
    /// <param name="message">The message.</param>
    /// <param name="allowed">The algorithms of the purpose.</param>
    /// <param name="acceptSha1UnderOaep256">Also try OAEP with SHA-1 when the header says <c>RSA-OAEP-256</c>: one build flavour of the reference's clients and servers does that (guest.md 5.4).</param>
    public Result<Secret> Decrypt(JweMessage message, JweAlgorithms allowed, bool acceptSha1UnderOaep256 = false)
    {
        ArgumentNullException.ThrowIfNull(message);
        Refusal? last = null;
        foreach (JweMessage.Recipient recipient in message.Recipients)
        {
            Result<Secret> result = Decrypt(message, recipient, allowed, message.IsLegacy, acceptSha1UnderOaep256);
            if (result.Refusal is not { } refusal)
            {
                return result;
            }

            last = refusal;
        }

        return last!;
    }

    /// <summary>The key as PEM in the form that the reference's agent writes: PKCS#1 for RSA, PKCS#8 for EC (guest.md 5.2). The caller keeps the text secret.</summary>
    /// <exception cref="NotSupportedException">An ML-KEM key.</exception>
    public string ExportTraditionalPem() => _rsa is not null ? _rsa.ExportRSAPrivateKeyPem() + "\n" : ExportPem();

    /// <summary>The key as PEM: PKCS#8. The caller keeps the text secret.</summary>
    /// <exception cref="NotSupportedException">An ML-KEM key.</exception>
    public string ExportPem() => _ec is not null ? _ec.ExportPkcs8PrivateKeyPem() + "\n"
        : _rsa is not null ? _rsa.ExportPkcs8PrivateKeyPem() + "\n"
        : throw new NotSupportedException("ML-KEM keys have no PEM form here");

    /// <inheritdoc/>
    public void Dispose()
    {
        _ec?.Dispose();
        _rsa?.Dispose();
        _kemSeed?.Dispose();
    }

    private static NamedCurve? NamedCurveOf(ECParameters p) => p.Curve.Oid?.FriendlyName switch
    {
        "nistP256" or "ECDSA_P256" or "ECDH_P256" => NamedCurve.P256,
        "nistP384" or "ECDSA_P384" or "ECDH_P384" => NamedCurve.P384,
        "nistP521" or "ECDSA_P521" or "ECDH_P521" => NamedCurve.P521,
        _ => null,
    };

    private static JweDecryptionKey FromEc(ECDiffieHellman ec, NamedCurve curve)
    {
        ECPoint q = ec.ExportParameters(false).Q;
        return new JweDecryptionKey(Jwk.FromPoint(curve.Name, q.X, q.Y, JweAlgorithmNames.EcdhEsA256Kw), ec, null, null, null);
    }

    private static JweDecryptionKey FromRsa(RSA rsa, JweAlgorithms algorithm)
    {
        RSAParameters p = rsa.ExportParameters(false);
        return new JweDecryptionKey(Jwk.FromRsa(p.Modulus, p.Exponent, algorithm.ToName()), null, rsa, null, null);
    }

    private Result<Secret> Decrypt(JweMessage message, JweMessage.Recipient recipient, JweAlgorithms allowed, bool legacy, bool acceptSha1)
    {
        if (!recipient.TryGetHeader("alg", out JsonElement algElement) || algElement.ValueKind != JsonValueKind.String)
        {
            return new Refusal(RefusalCode.Malformed, "JWE header: 'alg' is mandatory") { Field = "alg" };
        }

        string name = algElement.GetString()!;
        if (!JweAlgorithmNames.TryParse(name, out JweAlgorithms algorithm) || (allowed & algorithm) == JweAlgorithms.None)
        {
            return new Refusal(RefusalCode.Unsupported, $"JWE: algorithm '{Jwk.Shorten(name)}' is not allowed") { Field = "alg" };
        }

        if (legacy && algorithm != JweAlgorithms.Rsa15)
        {
            return new Refusal(RefusalCode.Unsupported, "JWE: the legacy body is RSA1_5 only") { Field = "alg" };
        }

        bool fits = algorithm switch
        {
            JweAlgorithms.EcdhEsA256Kw => _ec is not null,
            JweAlgorithms.MlKem768A192Kw => _kem is not null,
            _ => _rsa is not null,
        };
        if (!fits)
        {
            return new Refusal(RefusalCode.Mismatch, $"JWE: algorithm '{name}' does not fit the key") { Field = "alg" };
        }

        Result<Secret> unwrapped = algorithm switch
        {
            JweAlgorithms.EcdhEsA256Kw => UnwrapEc(recipient),
            JweAlgorithms.MlKem768A192Kw => UnwrapKem(recipient),
            _ => UnwrapRsa(recipient.EncryptedKey, algorithm.RsaPadding()),
        };
        if (unwrapped.Refusal is not null && algorithm == JweAlgorithms.RsaOaep256 && acceptSha1)
        {
            unwrapped = UnwrapRsa(recipient.EncryptedKey, RSAEncryptionPadding.OaepSHA1);
        }

        if (!unwrapped.TryGet(out Secret? cek, out Refusal? refusal))
        {
            return refusal;
        }

        using (cek)
        {
            if (cek.Length != 32)
            {
                return new Refusal(RefusalCode.Malformed, $"JWE: the content key has {cek.Length} bytes, A256GCM needs 32") { Field = "encrypted_key" };
            }

            return Open(cek, message);
        }
    }

    private static Result<Secret> Open(Secret cek, JweMessage message)
    {
        using var gcm = new AesGcm(cek.Reveal(), 16);
        bool opened = false;
        Secret plaintext = Secret.Create(message.Ciphertext.Length, gcm, (span, cipher) =>
        {
            try
            {
                cipher.Decrypt(message.Iv, message.Ciphertext, message.Tag, span, message.AdditionalData);
                opened = true;
            }
            catch (AuthenticationTagMismatchException)
            {
                opened = false;
            }
        });
        if (opened)
        {
            return plaintext;
        }

        plaintext.Dispose();
        return new Refusal(RefusalCode.BadSignature, "JWE: the tag does not match");
    }

    private Result<Secret> UnwrapEc(JweMessage.Recipient recipient)
    {
        if (!recipient.TryGetHeader("epk", out JsonElement epkElement))
        {
            return new Refusal(RefusalCode.Malformed, "JWE header: 'epk' is mandatory") { Field = "epk" };
        }

        if (!Jwk.Parse(epkElement).TryGet(out Jwk? epk, out Refusal? refusal))
        {
            return refusal.Within("JWE header: epk");
        }

        if (epk.Kind != JwkKind.EllipticCurve || epk.Curve != PublicJwk.Curve)
        {
            return new Refusal(RefusalCode.Mismatch, "JWE header: epk is not on the curve of the key") { Field = "epk" };
        }

        if (!Party(recipient, "apu").TryGet(out byte[]? apu, out refusal) || !Party(recipient, "apv").TryGet(out byte[]? apv, out refusal))
        {
            return refusal;
        }

        byte[] z;
        try
        {
            using ECDiffieHellman peer = ECDiffieHellman.Create(epk.EcParameters());
            z = _ec!.DeriveRawSecretAgreement(peer.PublicKey);
        }
        catch (CryptographicException)
        {
            return new Refusal(RefusalCode.Malformed, "JWE header: epk is not a point of the curve") { Field = "epk" };
        }

        Span<byte> kek = stackalloc byte[32];
        ConcatKdf.Derive(z, JweAlgorithmNames.EcdhEsA256Kw, apu, apv, kek);
        CryptographicOperations.ZeroMemory(z);
        Result<Secret> cek = AesKeyWrap.Unwrap(kek, recipient.EncryptedKey);
        CryptographicOperations.ZeroMemory(kek);
        return cek;
    }

    private Result<Secret> UnwrapKem(JweMessage.Recipient recipient)
    {
        if (!recipient.TryGetHeader("ek", out JsonElement ekElement) || ekElement.ValueKind != JsonValueKind.String)
        {
            return new Refusal(RefusalCode.Malformed, "JWE header: 'ek' is mandatory") { Field = "ek" };
        }

        if (!StrictBase64.DecodeUrl(ekElement.GetString()).TryGet(out byte[]? ek, out Refusal? refusal))
        {
            return refusal.Within("JWE header: ek");
        }

        if (ek.Length != MlKem768.CiphertextBytes)
        {
            return new Refusal(RefusalCode.Malformed, $"JWE header: ek has {ek.Length} bytes") { Field = "ek" };
        }

        Span<byte> kwk = stackalloc byte[MlKem768.KeyWrapKeyBytes];
        MlKem768.Decapsulate(_kem!, ek, kwk);
        Result<Secret> cek = AesKeyWrap.Unwrap(kwk, recipient.EncryptedKey);
        CryptographicOperations.ZeroMemory(kwk);
        return cek;
    }

    private Result<Secret> UnwrapRsa(byte[] encryptedKey, RSAEncryptionPadding padding)
    {
        if (encryptedKey.Length != (_rsa!.KeySize + 7) / 8)
        {
            return new Refusal(RefusalCode.Malformed, "JWE: encrypted_key has not the length of the key") { Field = "encrypted_key" };
        }

        byte[]? cek = null;
        try
        {
            cek = _rsa.Decrypt(encryptedKey, padding);
            if (padding != RSAEncryptionPadding.Pkcs1 || cek.Length == 32)
            {
                return Secret.CopyOf(cek);
            }
        }
        catch (CryptographicException)
        {
            if (padding != RSAEncryptionPadding.Pkcs1)
            {
                return new Refusal(RefusalCode.BadSignature, "JWE: the encrypted key cannot be opened");
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(cek);
        }

        // RFC 7516 section 11.5: a bad padding must look like a bad tag, or the sender learns about the key.
        return Secret.Random(32);
    }

    private static Result<byte[]> Party(JweMessage.Recipient recipient, string name)
    {
        if (!recipient.TryGetHeader(name, out JsonElement element))
        {
            return Array.Empty<byte>();
        }

        if (element.ValueKind != JsonValueKind.String)
        {
            return new Refusal(RefusalCode.Malformed, $"JWE header: '{name}' is not a string") { Field = name };
        }

        return StrictBase64.DecodeUrl(element.GetString()).TryGet(out byte[]? bytes, out Refusal? refusal) && bytes.Length <= 1024
            ? bytes
            : refusal ?? new Refusal(RefusalCode.TooLarge, $"JWE header: '{name}' is too long") { Field = name };
    }
}
