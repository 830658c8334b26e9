// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Coco.ReferenceValues.Signatures;

/// <summary>A public key that signs provenance, with its identity. Thread-safe; lives as long as the process.</summary>
internal sealed class SignerKey
{
    private readonly VerificationKey _key;

    private SignerKey(VerificationKey key)
    {
        _key = key;
        Identity = ReferenceValuePublisher.KeyIdentity(key.SubjectPublicKeyInfo.Span);
    }

    /// <summary>The key itself.</summary>
    public VerificationKey Key => _key;

    /// <summary><c>spki:</c> and the SHA-256 of the SubjectPublicKeyInfo.</summary>
    public string Identity { get; }

    /// <summary><c>rsa</c>, <c>ecdsa</c> or <c>ed25519</c>.</summary>
    public string KeyType => _key.PublicJwk.Kind switch { JwkKind.Rsa => "rsa", JwkKind.OctetKeyPair => "ed25519", _ => "ecdsa" };

    /// <summary>The hash that belongs to an EC key's curve; SHA-256 for other keys.</summary>
    public HashAlgorithmName CurveHash => _key.PublicJwk.Curve switch
    {
        "P-384" => HashAlgorithmName.SHA384,
        "P-521" => HashAlgorithmName.SHA512,
        _ => HashAlgorithmName.SHA256,
    };

    /// <summary>Reads a PEM public key or certificate.</summary>
    public static Result<SignerKey> ParsePem(string pem)
    {
        if (pem.Length > 64 << 10)
        {
            return new Refusal(RefusalCode.TooLarge, "a PEM key may have 64 KiB");
        }

        return VerificationKey.FromPem(pem).TryGet(out VerificationKey? key, out Refusal? why) ? new SignerKey(key) : why;
    }

    /// <summary>Reads a DER SubjectPublicKeyInfo.</summary>
    public static Result<SignerKey> ParseSpki(ReadOnlyMemory<byte> spki) =>
        VerificationKey.FromSubjectPublicKeyInfo(spki).TryGet(out VerificationKey? key, out Refusal? why) ? new SignerKey(key) : why;

    /// <summary>The key of a DER certificate.</summary>
    public static Result<SignerKey> ParseCertificate(ReadOnlyMemory<byte> der) =>
        DerCertificate.Parse(der).TryGet(out DerCertificate? certificate, out Refusal? why) ? ParseSpki(certificate.SubjectPublicKeyInfo) : why;

    /// <summary>A raw Ed25519 key of 32 bytes.</summary>
    public static Result<SignerKey> ParseEd25519(ReadOnlySpan<byte> raw) =>
        raw.Length == 32
            ? (VerificationKey.FromJwk(Jwk.FromEd25519(raw)).TryGet(out VerificationKey? key, out Refusal? why) ? new SignerKey(key) : why)
            : new Refusal(RefusalCode.Malformed, $"an Ed25519 key has 32 bytes, found {raw.Length}");

    /// <summary>RSASSA-PSS with any salt length, MGF1 with the same hash.</summary>
    public bool VerifyPss(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, HashAlgorithmName hash)
    {
        // The platform insists on salt = digest length; signers of this format also use other lengths.
        return _key.VerifyRsa(hash, RSASignaturePadding.Pss, data, signature)
            || (_key.PublicJwk.Kind == JwkKind.Rsa && VerifyAnySalt(data, signature, hash));
    }

    /// <summary>RSASSA-PKCS1-v1_5.</summary>
    public bool VerifyPkcs1(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, HashAlgorithmName hash) =>
        _key.VerifyRsa(hash, RSASignaturePadding.Pkcs1, data, signature);

    /// <summary>ECDSA with an ASN.1 signature.</summary>
    public bool VerifyEcdsa(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, HashAlgorithmName hash) =>
        _key.VerifyEcdsa(hash, data, signature, DSASignatureFormat.Rfc3279DerSequence);

    /// <summary>Ed25519 (RFC 8032).</summary>
    public bool VerifyEd25519(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) => _key.Verify(JwsAlgorithms.EdDSA, data, signature);

    /// <summary>By kind of key, for formats that do not say the scheme (DSSE): ECDSA with the curve's hash or SHA-256, RSA in both paddings, Ed25519.</summary>
    public bool VerifyAny(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) => KeyType switch
    {
        "ed25519" => VerifyEd25519(data, signature),
        "rsa" => VerifyPss(data, signature, HashAlgorithmName.SHA256) || VerifyPkcs1(data, signature, HashAlgorithmName.SHA256),
        _ => VerifyEcdsa(data, signature, CurveHash) || (CurveHash != HashAlgorithmName.SHA256 && VerifyEcdsa(data, signature, HashAlgorithmName.SHA256)),
    };

    internal static byte[] Hash(HashAlgorithmName hash, ReadOnlySpan<byte> data) => hash.Name switch
    {
        "SHA256" => SHA256.HashData(data),
        "SHA384" => SHA384.HashData(data),
        "SHA512" => SHA512.HashData(data),
        _ => throw new ArgumentOutOfRangeException(nameof(hash)),
    };

    private bool VerifyAnySalt(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, HashAlgorithmName hash)
    {
        JsonObject jwk = _key.PublicJwk.ToJson();
        return AnySaltPss.Verify(
            Base64Url.DecodeFromChars((string)jwk["n"]!),
            Base64Url.DecodeFromChars((string)jwk["e"]!),
            Hash(hash, data),
            signature,
            hash);
    }
}
