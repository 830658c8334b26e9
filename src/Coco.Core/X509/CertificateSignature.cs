// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;

namespace Coco;

/// <summary>The signature over a certificate or revocation list: algorithm, parameters and bits, checked against an allow-list and a key.</summary>
/// <remarks>
/// RSASSA-PSS is checked here because general chain builders ignore its parameters (RFC 4055 section 3.1): hash, MGF1 hash and salt length must
/// agree with each other and the trailer be 1.
/// </remarks>
public sealed class CertificateSignature
{
    private const string PssOid = "1.2.840.113549.1.1.10";
    private const string Mgf1Oid = "1.2.840.113549.1.1.8";

    private CertificateSignature(CertificateSignatureAlgorithms algorithm, string oid, ReadOnlyMemory<byte> bits)
    {
        Algorithm = algorithm;
        Oid = oid;
        Bits = bits;
    }

    /// <summary>The algorithm; <see cref="CertificateSignatureAlgorithms.None"/> when it is none that is known here.</summary>
    public CertificateSignatureAlgorithms Algorithm { get; }

    /// <summary>Object identifier of the algorithm, dotted.</summary>
    public string Oid { get; }

    /// <summary>The signature's bytes (DER for ECDSA, big-endian number for RSA).</summary>
    public ReadOnlyMemory<byte> Bits { get; }

    /// <summary>Verifies over <paramref name="signedBytes"/>; null when it holds.</summary>
    /// <param name="signedBytes">The to-be-signed structure as it was received.</param>
    /// <param name="subjectPublicKeyInfo">The signer's key, DER.</param>
    /// <param name="allowed">What the caller accepts.</param>
    public Refusal? Check(ReadOnlySpan<byte> signedBytes, ReadOnlySpan<byte> subjectPublicKeyInfo, CertificateSignatureAlgorithms allowed)
    {
        if (Algorithm == CertificateSignatureAlgorithms.None || (allowed & Algorithm) != Algorithm)
        {
            return new Refusal(RefusalCode.Unsupported, $"signature algorithm {Oid} is not accepted here");
        }

        HashAlgorithmName hash = Algorithm switch
        {
            CertificateSignatureAlgorithms.EcdsaSha256 or CertificateSignatureAlgorithms.RsaPkcs1Sha256 or CertificateSignatureAlgorithms.RsaPssSha256 => HashAlgorithmName.SHA256,
            CertificateSignatureAlgorithms.EcdsaSha384 or CertificateSignatureAlgorithms.RsaPkcs1Sha384 or CertificateSignatureAlgorithms.RsaPssSha384 => HashAlgorithmName.SHA384,
            _ => HashAlgorithmName.SHA512,
        };
        try
        {
            bool holds;
            if (Algorithm <= CertificateSignatureAlgorithms.EcdsaSha512)
            {
                using ECDsa key = ECDsa.Create();
                key.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
                holds = key.VerifyData(signedBytes, Bits.Span, hash, DSASignatureFormat.Rfc3279DerSequence);
            }
            else
            {
                using RSA key = RSA.Create();
                key.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
                RSASignaturePadding padding = Algorithm >= CertificateSignatureAlgorithms.RsaPssSha256 ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;
                holds = key.VerifyData(signedBytes, Bits.Span, hash, padding);
            }

            return holds ? null : new Refusal(RefusalCode.BadSignature, "the signature does not verify with the issuer's key");
        }
        catch (CryptographicException e)
        {
            // A key of another family than the algorithm, or a damaged one.
            return new Refusal(RefusalCode.BadSignature, "the issuer's key cannot verify this signature: " + e.Message);
        }
    }

    /// <summary>Reads an AlgorithmIdentifier and the bits that follow the signed structure.</summary>
    /// <exception cref="AsnContentException">Not DER.</exception>
    internal static CertificateSignature Read(ReadOnlyMemory<byte> algorithmIdentifier, ReadOnlyMemory<byte> bits)
    {
        AsnReader sequence = new AsnReader(algorithmIdentifier, AsnEncodingRules.DER).ReadSequence();
        string oid = sequence.ReadObjectIdentifier();
        CertificateSignatureAlgorithms algorithm = oid switch
        {
            "1.2.840.10045.4.3.2" => CertificateSignatureAlgorithms.EcdsaSha256,
            "1.2.840.10045.4.3.3" => CertificateSignatureAlgorithms.EcdsaSha384,
            "1.2.840.10045.4.3.4" => CertificateSignatureAlgorithms.EcdsaSha512,
            "1.2.840.113549.1.1.11" => CertificateSignatureAlgorithms.RsaPkcs1Sha256,
            "1.2.840.113549.1.1.12" => CertificateSignatureAlgorithms.RsaPkcs1Sha384,
            "1.2.840.113549.1.1.13" => CertificateSignatureAlgorithms.RsaPkcs1Sha512,
            PssOid => ReadPss(sequence),
            _ => CertificateSignatureAlgorithms.None,
        };
        return new CertificateSignature(algorithm, oid, bits);
    }

    private static CertificateSignatureAlgorithms ReadPss(AsnReader sequence)
    {
        if (!sequence.HasData)
        {
            // The defaults mean SHA-1.
            return CertificateSignatureAlgorithms.None;
        }

        AsnReader parameters = sequence.ReadSequence();
        string? hash = null, maskHash = null;
        BigInteger salt = 20, trailer = 1;
        while (parameters.HasData)
        {
            Asn1Tag tag = parameters.PeekTag();
            if (tag.TagClass != TagClass.ContextSpecific)
            {
                return CertificateSignatureAlgorithms.None;
            }

            AsnReader inner = parameters.ReadSequence(tag);
            switch (tag.TagValue)
            {
                case 0:
                    hash = inner.ReadSequence().ReadObjectIdentifier();
                    break;
                case 1:
                    AsnReader mask = inner.ReadSequence();
                    if (mask.ReadObjectIdentifier() != Mgf1Oid)
                    {
                        return CertificateSignatureAlgorithms.None;
                    }

                    maskHash = mask.ReadSequence().ReadObjectIdentifier();
                    break;
                case 2:
                    salt = inner.ReadInteger();
                    break;
                case 3:
                    trailer = inner.ReadInteger();
                    break;
                default:
                    return CertificateSignatureAlgorithms.None;
            }
        }

        if (hash != maskHash || trailer != 1)
        {
            return CertificateSignatureAlgorithms.None;
        }

        return hash switch
        {
            "2.16.840.1.101.3.4.2.1" when salt == 32 => CertificateSignatureAlgorithms.RsaPssSha256,
            "2.16.840.1.101.3.4.2.2" when salt == 48 => CertificateSignatureAlgorithms.RsaPssSha384,
            "2.16.840.1.101.3.4.2.3" when salt == 64 => CertificateSignatureAlgorithms.RsaPssSha512,
            _ => CertificateSignatureAlgorithms.None,
        };
    }
}
