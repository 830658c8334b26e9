// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Security;

namespace Coco.ReferenceValues.Signatures;

/// <summary>A public key that signs provenance. Thread-safe; lives as long as the process.</summary>
internal sealed class SignerKey
{
    private const string Ed25519Oid = "1.3.101.112";
    private const int MinRsaBits = 2048;
    private const int MaxRsaBits = 8192;

    private readonly object _gate = new();
    private readonly ECDsa? _ecdsa;
    private readonly RSA? _rsa;
    private readonly Ed25519PublicKeyParameters? _ed25519;

    private SignerKey(byte[] spki, ECDsa? ecdsa, RSA? rsa, Ed25519PublicKeyParameters? ed25519)
    {
        SubjectPublicKeyInfo = spki;
        Identity = ReferenceValuePublisher.KeyIdentity(spki);
        _ecdsa = ecdsa;
        _rsa = rsa;
        _ed25519 = ed25519;
    }

    /// <summary>DER.</summary>
    public ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; }

    /// <summary><c>spki:</c> and the SHA-256 of the DER.</summary>
    public string Identity { get; }

    /// <summary><c>rsa</c>, <c>ecdsa</c> or <c>ed25519</c>.</summary>
    public string KeyType => _rsa is not null ? "rsa" : _ecdsa is not null ? "ecdsa" : "ed25519";

    /// <summary>Bits of the curve or modulus.</summary>
    public int KeySize => _rsa?.KeySize ?? _ecdsa?.KeySize ?? 256;

    /// <summary>Reads a PEM public key or certificate.</summary>
    public static Result<SignerKey> ParsePem(string pem)
    {
        if (pem.Length > 64 << 10)
        {
            return new Refusal(RefusalCode.TooLarge, "a PEM key may have 64 KiB");
        }

        if (!PemEncoding.TryFind(pem, out PemFields fields))
        {
            return new Refusal(RefusalCode.Malformed, "key is not PEM");
        }

        byte[] der = new byte[fields.DecodedDataLength];
        if (!Convert.TryFromBase64Chars(pem.AsSpan()[fields.Base64Data], der, out int length))
        {
            return new Refusal(RefusalCode.Malformed, "the PEM body is not base64");
        }

        ReadOnlySpan<char> label = pem.AsSpan()[fields.Label];
        if (label.SequenceEqual("CERTIFICATE"))
        {
            try
            {
                using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(der.AsSpan(0, length));
                return ParseSpki(certificate.PublicKey.ExportSubjectPublicKeyInfo());
            }
            catch (CryptographicException e)
            {
                return new Refusal(RefusalCode.Malformed, $"certificate cannot be read: {e.Message}");
            }
        }

        if (label.SequenceEqual("RSA PUBLIC KEY"))
        {
            using var rsa = RSA.Create();
            try
            {
                rsa.ImportRSAPublicKey(der.AsSpan(0, length), out _);
                return ParseSpki(rsa.ExportSubjectPublicKeyInfo());
            }
            catch (CryptographicException e)
            {
                return new Refusal(RefusalCode.Malformed, $"RSA key cannot be read: {e.Message}");
            }
        }

        return label.SequenceEqual("PUBLIC KEY")
            ? ParseSpki(der.AsSpan(0, length))
            : new Refusal(RefusalCode.Unsupported, $"PEM label '{label}' is not a public key or certificate");
    }

    /// <summary>Reads a DER SubjectPublicKeyInfo: RSA of 2048 to 8192 bits, EC on P-256, P-384 or P-521, Ed25519.</summary>
    public static Result<SignerKey> ParseSpki(ReadOnlySpan<byte> spki)
    {
        byte[] der = spki.ToArray();
        try
        {
            PublicKey key = PublicKey.CreateFromSubjectPublicKeyInfo(der, out int read);
            if (read != der.Length)
            {
                return new Refusal(RefusalCode.Malformed, "bytes follow the public key");
            }

            switch (key.Oid.Value)
            {
                case "1.2.840.113549.1.1.1":
                    var rsa = RSA.Create();
                    rsa.ImportSubjectPublicKeyInfo(der, out _);
                    return rsa.KeySize is >= MinRsaBits and <= MaxRsaBits
                        ? new SignerKey(der, null, rsa, null)
                        : new Refusal(RefusalCode.Unsupported, $"RSA keys have {MinRsaBits} to {MaxRsaBits} bits, found {rsa.KeySize}");
                case "1.2.840.10045.2.1":
                    var ecdsa = ECDsa.Create();
                    ecdsa.ImportSubjectPublicKeyInfo(der, out _);
                    return ecdsa.KeySize is 256 or 384 or 521
                        ? new SignerKey(der, ecdsa, null, null)
                        : new Refusal(RefusalCode.Unsupported, $"EC keys are on P-256, P-384 or P-521, found {ecdsa.KeySize} bits");
                case Ed25519Oid:
                    return new SignerKey(der, null, null, (Ed25519PublicKeyParameters)PublicKeyFactory.CreateKey(der));
                default:
                    return new Refusal(RefusalCode.Unsupported, $"keys of kind {key.Oid.Value} are not accepted");
            }
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or InvalidCastException or PlatformNotSupportedException)
        {
            return new Refusal(RefusalCode.Malformed, $"public key cannot be read: {e.Message}");
        }
    }

    /// <summary>A raw Ed25519 key of 32 bytes.</summary>
    public static Result<SignerKey> ParseEd25519(ReadOnlySpan<byte> raw)
    {
        if (raw.Length != 32)
        {
            return new Refusal(RefusalCode.Malformed, $"an Ed25519 key has 32 bytes, found {raw.Length}");
        }

        // SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING } (RFC 8410 section 4).
        return ParseSpki([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, .. raw]);
    }

    /// <summary>RSASSA-PSS with any salt length, MGF1 with the same hash.</summary>
    public bool VerifyPss(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, HashAlgorithmName hash)
    {
        if (_rsa is null)
        {
            return false;
        }

        // The platform insists on salt = digest length; signers of this format also use other lengths.
        byte[] digest = Hash(hash, data);
        lock (_gate)
        {
            return _rsa.VerifyHash(digest, signature, hash, RSASignaturePadding.Pss) || AnySaltPss.Verify(_rsa, digest, signature, hash);
        }
    }

    /// <summary>RSASSA-PKCS1-v1_5.</summary>
    public bool VerifyPkcs1(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, HashAlgorithmName hash)
    {
        if (_rsa is null)
        {
            return false;
        }

        lock (_gate)
        {
            return _rsa.VerifyData(data, signature, hash, RSASignaturePadding.Pkcs1);
        }
    }

    /// <summary>ECDSA with an ASN.1 signature.</summary>
    public bool VerifyEcdsa(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, HashAlgorithmName hash, DSASignatureFormat format = DSASignatureFormat.Rfc3279DerSequence)
    {
        if (_ecdsa is null)
        {
            return false;
        }

        lock (_gate)
        {
            try
            {
                return _ecdsa.VerifyData(data, signature, hash, format);
            }
            catch (CryptographicException)
            {
                return false;
            }
        }
    }

    /// <summary>Ed25519 (RFC 8032).</summary>
    public bool VerifyEd25519(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (_ed25519 is null || signature.Length != 64)
        {
            return false;
        }

        var verifier = new Ed25519Signer();
        verifier.Init(false, _ed25519);
        verifier.BlockUpdate(data);
        return verifier.VerifySignature(signature.ToArray());
    }

    /// <summary>By kind of key, for formats that do not say the scheme (DSSE): ECDSA with the curve's hash or SHA-256, RSA in both paddings, Ed25519.</summary>
    public bool VerifyAny(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (_ed25519 is not null)
        {
            return VerifyEd25519(data, signature);
        }

        if (_rsa is not null)
        {
            return VerifyPss(data, signature, HashAlgorithmName.SHA256) || VerifyPkcs1(data, signature, HashAlgorithmName.SHA256);
        }

        HashAlgorithmName ofCurve = KeySize switch { 256 => HashAlgorithmName.SHA256, 384 => HashAlgorithmName.SHA384, _ => HashAlgorithmName.SHA512 };
        return VerifyEcdsa(data, signature, ofCurve) || (KeySize != 256 && VerifyEcdsa(data, signature, HashAlgorithmName.SHA256));
    }

    internal static byte[] Hash(HashAlgorithmName hash, ReadOnlySpan<byte> data) => hash.Name switch
    {
        "SHA256" => SHA256.HashData(data),
        "SHA384" => SHA384.HashData(data),
        "SHA512" => SHA512.HashData(data),
        _ => throw new ArgumentOutOfRangeException(nameof(hash)),
    };
}
