// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Crypto.Parameters;

namespace Coco;

/// <summary>An imported public key that JWE are encrypted to. Importing costs about as much as encrypting, so keep the object; it may be used by several threads at once.</summary>
public sealed class JweRecipient : IDisposable
{
    private const int CekBytes = 32;
    private const int IvBytes = 12;
    private const int TagBytes = 16;
    internal const int MaxEncryptedKeyBytes = 1024;
    internal const int MaxHeaderBytes = 1600;

    private static readonly byte[] HeaderOaep256 = """{"alg":"RSA-OAEP-256","enc":"A256GCM"}"""u8.ToArray();
    private static readonly byte[] HeaderOaep = """{"alg":"RSA-OAEP","enc":"A256GCM"}"""u8.ToArray();
    private static readonly byte[] HeaderRsa15 = """{"alg":"RSA1_5","enc":"A256GCM"}"""u8.ToArray();

    private readonly RSA? _rsa;
    private readonly NamedCurve? _curve;
    private readonly OpenSsl.PeerKey? _peer;
    private readonly ECDiffieHellman? _managedPeer;
    private readonly ECDiffieHellmanPublicKey? _managedPublic;
    private readonly MLKemPublicKeyParameters? _kem;
    private readonly byte[] _fixedHeader;

    private JweRecipient(JweAlgorithms algorithm, Jwk jwk, RSA? rsa, NamedCurve? curve, OpenSsl.PeerKey? peer, ECDiffieHellman? managedPeer, MLKemPublicKeyParameters? kem)
    {
        Algorithm = algorithm;
        PublicJwk = jwk;
        _rsa = rsa;
        _curve = curve;
        _peer = peer;
        _managedPeer = managedPeer;
        _managedPublic = managedPeer?.PublicKey;
        _kem = kem;
        _fixedHeader = algorithm switch
        {
            JweAlgorithms.RsaOaep256 => HeaderOaep256,
            JweAlgorithms.RsaOaep => HeaderOaep,
            JweAlgorithms.Rsa15 => HeaderRsa15,
            JweAlgorithms.EcdhEsA256Kw => Encoding.ASCII.GetBytes($$"""{"alg":"ECDH-ES+A256KW","enc":"A256GCM","epk":{"crv":"{{curve!.Name}}","kty":"EC","x":" """.TrimEnd()),
            _ => """{"alg":"ML-KEM-768+A192KW","enc":"A256GCM","ek":" """u8.TrimEnd((byte)' ').ToArray(),
        };
    }

    /// <summary>The algorithm, fixed by the key.</summary>
    public JweAlgorithms Algorithm { get; }

    /// <summary>The key as it was given.</summary>
    public Jwk PublicJwk { get; }

    /// <summary>Imports a key. Refused: no or unknown <c>alg</c>, one that is not <paramref name="allowed"/> or does not fit the key, a curve other than P-256 and P-521, a point not on the curve, RSA below 2048 bits.</summary>
    public static Result<JweRecipient> Create(Jwk jwk, JweAlgorithms allowed) => Create(jwk, allowed, managed: !OpenSsl.IsAvailable);

    /// <summary>Encrypts to this key, with a fresh content key, IV and (for ECDH) ephemeral key.</summary>
    /// <returns>UTF-8 of the whole message.</returns>
    /// <exception cref="ArgumentException"><see cref="JweSerialization.Legacy"/> for another algorithm than RSA1_5.</exception>
    public byte[] Encrypt(ReadOnlySpan<byte> plaintext, JweSerialization form = JweSerialization.Flattened)
    {
        if (form == JweSerialization.Legacy && Algorithm != JweAlgorithms.Rsa15)
        {
            throw new ArgumentException("the legacy form is for RSA1_5 only", nameof(form));
        }

        Span<byte> cek = stackalloc byte[CekBytes];
        Span<byte> iv = stackalloc byte[IvBytes];
        Span<byte> encryptedKey = stackalloc byte[MaxEncryptedKeyBytes];
        Span<byte> header = stackalloc byte[MaxHeaderBytes];
        RandomNumberGenerator.Fill(cek);
        RandomNumberGenerator.Fill(iv);
        try
        {
            header = header[..WrapKey(cek, header, encryptedKey, out int keyLength)];
            return Seal(header, encryptedKey[..keyLength], iv, cek, plaintext, form);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(cek);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rsa?.Dispose();
        _peer?.Dispose();
        _managedPeer?.Dispose();
    }

    internal static Result<JweRecipient> Create(Jwk jwk, JweAlgorithms allowed, bool managed)
    {
        ArgumentNullException.ThrowIfNull(jwk);
        if (!JweAlgorithmNames.TryParse(jwk.Algorithm, out JweAlgorithms algorithm) || (allowed & algorithm) == JweAlgorithms.None)
        {
            return new Refusal(RefusalCode.Unsupported, $"algorithm {Jwk.Shorten(jwk.Algorithm)} is not supported") { Field = "alg" };
        }

        if (jwk.Use is not (null or "enc"))
        {
            return new Refusal(RefusalCode.Unsupported, $"the key is for '{Jwk.Shorten(jwk.Use)}', not for encryption") { Field = "use" };
        }

        switch (jwk.Kind, algorithm)
        {
            case (JwkKind.EllipticCurve, JweAlgorithms.EcdhEsA256Kw) when jwk.Curve is "P-256" or "P-521":
                {
                    NamedCurve curve = NamedCurve.OfName(jwk.Curve)!;
                    if (!managed)
                    {
                        return OpenSsl.ImportPoint(curve, jwk.First, jwk.Second) is { } peer
                            ? new JweRecipient(algorithm, jwk, null, curve, peer, null, null)
                            : NotOnCurve();
                    }

                    try
                    {
                        return new JweRecipient(algorithm, jwk, null, curve, null, ECDiffieHellman.Create(jwk.EcParameters()), null);
                    }
                    catch (CryptographicException)
                    {
                        return NotOnCurve();
                    }
                }

            case (JwkKind.EllipticCurve, _):
                return new Refusal(RefusalCode.Unsupported, $"curve {jwk.Curve} and algorithm {jwk.Algorithm} is not supported") { Field = "crv" };
            case (JwkKind.Rsa, JweAlgorithms.RsaOaep256 or JweAlgorithms.RsaOaep or JweAlgorithms.Rsa15):
                {
                    RSAParameters p = jwk.RsaParameters();
                    if (VerificationKey.CheckRsa(p) is { } weak)
                    {
                        return weak;
                    }

                    try
                    {
                        return new JweRecipient(algorithm, jwk, RSA.Create(p), null, null, null, null);
                    }
                    catch (CryptographicException)
                    {
                        return new Refusal(RefusalCode.Malformed, "the RSA key is not valid");
                    }
                }

            case (JwkKind.AlgorithmKeyPair, JweAlgorithms.MlKem768A192Kw):
                return MlKem768.ImportPublic(jwk.First) is { } kem
                    ? new JweRecipient(algorithm, jwk, null, null, null, null, kem)
                    : new Refusal(RefusalCode.Malformed, "the ML-KEM key is not valid") { Field = "pub" };
            default:
                return new Refusal(RefusalCode.Unsupported, $"algorithm {jwk.Algorithm} does not fit the key") { Field = "alg" };
        }
    }

    /// <summary>Wraps a content key: writes header and encrypted key, returns the header's length.</summary>
    internal int WrapKey(ReadOnlySpan<byte> cek, Span<byte> header, Span<byte> encryptedKey, out int keyLength)
    {
        _fixedHeader.CopyTo(header);
        int at = _fixedHeader.Length;
        if (_rsa is not null)
        {
            keyLength = _rsa.Encrypt(cek, encryptedKey, Algorithm.RsaPadding());
            return at;
        }

        keyLength = cek.Length + 8;
        if (_kem is not null)
        {
            Span<byte> kwk = stackalloc byte[MlKem768.KeyWrapKeyBytes];
            byte[] ek = MlKem768.Encapsulate(_kem, kwk);
            AesKeyWrap.Wrap(kwk, cek, encryptedKey[..keyLength]);
            CryptographicOperations.ZeroMemory(kwk);
            at += Put(ek, header[at..]);
            "\"}"u8.CopyTo(header[at..]);
            return at + 2;
        }

        int field = _curve!.FieldBytes;
        Span<byte> point = stackalloc byte[1 + (2 * 66)];
        Span<byte> secret = stackalloc byte[66];
        Span<byte> kek = stackalloc byte[32];
        point = point[..(1 + (2 * field))];
        secret = secret[..field];
        Agree(point, secret);
        ConcatKdf.Derive(secret, JweAlgorithmNames.EcdhEsA256Kw, default, default, kek);
        AesKeyWrap.Wrap(kek, cek, encryptedKey[..keyLength]);
        CryptographicOperations.ZeroMemory(secret);
        CryptographicOperations.ZeroMemory(kek);
        at += Put(point.Slice(1, field), header[at..]);
        "\",\"y\":\""u8.CopyTo(header[at..]);
        at += 7;
        at += Put(point[(1 + field)..], header[at..]);
        "\"}}"u8.CopyTo(header[at..]);
        return at + 3;
    }

    /// <summary>Writes the message around a wrapped key.</summary>
    internal static byte[] Seal(ReadOnlySpan<byte> header, ReadOnlySpan<byte> encryptedKey, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> cek, ReadOnlySpan<byte> plaintext, JweSerialization form)
    {
        using var gcm = new AesGcm(cek, TagBytes);
        byte[] sealedBytes = ArrayPool<byte>.Shared.Rent(plaintext.Length + TagBytes);
        try
        {
            Span<byte> ciphertext = sealedBytes.AsSpan(0, plaintext.Length);
            Span<byte> tag = sealedBytes.AsSpan(plaintext.Length, TagBytes);
            if (form == JweSerialization.Legacy)
            {
                gcm.Encrypt(iv, plaintext, ciphertext, tag);
                return Legacy(header, encryptedKey, iv, sealedBytes.AsSpan(0, plaintext.Length + TagBytes));
            }

            bool json = form == JweSerialization.Flattened;
            int length = Base64Url.GetEncodedLength(header.Length) + Base64Url.GetEncodedLength(encryptedKey.Length) + Base64Url.GetEncodedLength(iv.Length)
                + Base64Url.GetEncodedLength(plaintext.Length) + Base64Url.GetEncodedLength(TagBytes)
                + (json ? """{"protected":"","encrypted_key":"","iv":"","ciphertext":"","tag":""}""".Length : 4);
            byte[] output = new byte[length];
            int at = Literal(json ? "{\"protected\":\""u8 : default, output);
            int aad = at;
            at += Put(header, output.AsSpan(at));
            gcm.Encrypt(iv, plaintext, ciphertext, tag, output.AsSpan(aad, at - aad));
            at += Literal(json ? "\",\"encrypted_key\":\""u8 : "."u8, output.AsSpan(at));
            at += Put(encryptedKey, output.AsSpan(at));
            at += Literal(json ? "\",\"iv\":\""u8 : "."u8, output.AsSpan(at));
            at += Put(iv, output.AsSpan(at));
            at += Literal(json ? "\",\"ciphertext\":\""u8 : "."u8, output.AsSpan(at));
            at += Put(ciphertext, output.AsSpan(at));
            at += Literal(json ? "\",\"tag\":\""u8 : "."u8, output.AsSpan(at));
            at += Put(tag, output.AsSpan(at));
            at += Literal(json ? "\"}"u8 : default, output.AsSpan(at));
            return at == output.Length ? output : throw new InvalidOperationException("internal: JWE length");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(sealedBytes);
        }
    }

    private static Refusal NotOnCurve() => new(RefusalCode.Malformed, "the EC key is not a point of its curve") { Field = "x" };

    private static byte[] Legacy(ReadOnlySpan<byte> header, ReadOnlySpan<byte> encryptedKey, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> ciphertext)
    {
        // The header is ASCII with nothing but quotes to escape.
        string text = Encoding.ASCII.GetString(header).Replace("\"", "\\\"", StringComparison.Ordinal);
        return Encoding.ASCII.GetBytes(string.Concat(
            "{\"protected\":\"",
            text,
            $"\",\"encrypted_key\":\"{StrictBase64.EncodeUrl(encryptedKey)}\",\"iv\":\"{StrictBase64.EncodeUrl(iv)}\",\"ciphertext\":\"",
            StrictBase64.EncodeUrl(ciphertext) + "\",\"tag\":\"\"}"));
    }

    private static int Literal(ReadOnlySpan<byte> text, Span<byte> at)
    {
        text.CopyTo(at);
        return text.Length;
    }

    private static int Put(ReadOnlySpan<byte> bytes, Span<byte> at)
    {
        Base64Url.EncodeToUtf8(bytes, at, out _, out int written);
        return written;
    }

    private void Agree(Span<byte> point, Span<byte> secret)
    {
        if (_peer is not null && OpenSsl.TryAgree(_curve!, _peer, point, secret))
        {
            return;
        }

        ECDiffieHellmanPublicKey peer = _managedPublic!;
        ECDiffieHellman? imported = null;
        try
        {
            if (_managedPublic is null)
            {
                imported = ECDiffieHellman.Create(PublicJwk.EcParameters());
                peer = imported.PublicKey;
            }

            using ECDiffieHellman ephemeral = ECDiffieHellman.Create(_curve!.Curve);
            ECPoint q = ephemeral.ExportParameters(false).Q;
            byte[] z = ephemeral.DeriveRawSecretAgreement(peer);
            point[0] = 4;
            q.X.CopyTo(point[1..]);
            q.Y.CopyTo(point[(1 + _curve.FieldBytes)..]);
            z.CopyTo(secret);
            CryptographicOperations.ZeroMemory(z);
        }
        finally
        {
            imported?.Dispose();
        }
    }
}
