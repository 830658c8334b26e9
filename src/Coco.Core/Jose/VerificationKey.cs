// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace Coco;

/// <summary>An imported public key that checks signatures. Importing costs more than one verification, so keep the object; it may be used by several threads at once.</summary>
public sealed class VerificationKey : IDisposable
{
    private const int MinRsaBits = 2048;
    private const int MaxRsaBits = 8192;
    private const string EcOid = "1.2.840.10045.2.1";
    private const string RsaOid = "1.2.840.113549.1.1.1";
    private const string Ed25519Oid = "1.3.101.112";
    private static readonly byte[] Ed25519Prefix = Convert.FromHexString("302A300506032B6570032100");

    private readonly ECDsa? _ec;
    private readonly RSA? _rsa;
    private readonly byte[]? _ed25519;

    private VerificationKey(ECDsa? ec, RSA? rsa, byte[]? ed25519, JwsAlgorithms algorithms, Jwk publicJwk, byte[] spki)
    {
        _ec = ec;
        _rsa = rsa;
        _ed25519 = ed25519;
        Algorithms = algorithms;
        PublicJwk = publicJwk;
        SubjectPublicKeyInfo = spki;
    }

    /// <summary>What the key may be used for: what its type and curve allow, narrowed by the <c>alg</c> of its JWK.</summary>
    public JwsAlgorithms Algorithms { get; }

    /// <summary>The key as JWK.</summary>
    public Jwk PublicJwk { get; }

    /// <summary>The key as DER SubjectPublicKeyInfo (RFC 5280 section 4.1).</summary>
    public ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; }

    /// <summary>Imports a JWK. Refused: a point that is not on its curve, RSA below 2048 bits, a <c>use</c> other than <c>sig</c>, an <c>alg</c> that is unknown or does not fit the key.</summary>
    public static Result<VerificationKey> FromJwk(Jwk jwk)
    {
        ArgumentNullException.ThrowIfNull(jwk);
        if (jwk.Use is not (null or "sig"))
        {
            return new Refusal(RefusalCode.Unsupported, $"the key is for '{Jwk.Shorten(jwk.Use)}', not for signatures");
        }

        JwsAlgorithms wanted = (JwsAlgorithms)~0;
        if (jwk.Algorithm is not null && !JwsAlgorithmNames.TryParse(jwk.Algorithm, out wanted))
        {
            return new Refusal(RefusalCode.Unsupported, $"the key's algorithm '{Jwk.Shorten(jwk.Algorithm)}' is no signature algorithm known here");
        }

        JwsAlgorithms able = jwk.Kind switch
        {
            JwkKind.EllipticCurve => JwsAlgorithmNames.OfCurve(NamedCurve.OfName(jwk.Curve)!),
            JwkKind.Rsa => JwsAlgorithms.Rsa,
            JwkKind.OctetKeyPair => JwsAlgorithms.EdDSA,
            _ => JwsAlgorithms.None,
        };
        if ((able & wanted) == JwsAlgorithms.None)
        {
            return new Refusal(RefusalCode.Unsupported, $"algorithm '{Jwk.Shorten(jwk.Algorithm)}' does not fit the key");
        }

        return Import(jwk, able & wanted);
    }

    /// <summary>Imports a DER SubjectPublicKeyInfo of an EC (P-256, P-384, P-521), RSA or Ed25519 key.</summary>
    public static Result<VerificationKey> FromSubjectPublicKeyInfo(ReadOnlyMemory<byte> der)
    {
        try
        {
            var reader = new AsnReader(der, AsnEncodingRules.DER);
            AsnReader info = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            AsnReader algorithm = info.ReadSequence();
            string oid = algorithm.ReadObjectIdentifier();
            switch (oid)
            {
                case EcOid:
                    {
                        if (algorithm.PeekTag() != Asn1Tag.ObjectIdentifier || NamedCurve.OfOid(algorithm.ReadObjectIdentifier()) is not { } curve)
                        {
                            return new Refusal(RefusalCode.Unsupported, "public key: the curve is not supported");
                        }

                        byte[] point = info.ReadBitString(out int unused);
                        info.ThrowIfNotEmpty();
                        algorithm.ThrowIfNotEmpty();
                        if (unused != 0 || point.Length != 1 + (2 * curve.FieldBytes) || point[0] != 4)
                        {
                            return new Refusal(RefusalCode.Malformed, "public key: not an uncompressed point of its curve");
                        }

                        return FromJwk(Jwk.FromPoint(curve.Name, point.AsSpan(1, curve.FieldBytes), point.AsSpan(1 + curve.FieldBytes), null));
                    }

                case RsaOid:
                    {
                        algorithm.ReadNull();
                        algorithm.ThrowIfNotEmpty();
                        byte[] inner = info.ReadBitString(out int unused);
                        info.ThrowIfNotEmpty();
                        return unused == 0 ? FromRsaPublicKey(inner) : new Refusal(RefusalCode.Malformed, "public key: unused bits");
                    }

                case Ed25519Oid:
                    {
                        algorithm.ThrowIfNotEmpty();
                        byte[] raw = info.ReadBitString(out int unused);
                        info.ThrowIfNotEmpty();
                        return unused == 0 && raw.Length == 32
                            ? FromJwk(Jwk.FromEd25519(raw))
                            : new Refusal(RefusalCode.Malformed, "public key: an Ed25519 key has 32 bytes");
                    }

                default:
                    return new Refusal(RefusalCode.Unsupported, $"public key: algorithm {oid} is not supported");
            }
        }
        catch (AsnContentException)
        {
            return new Refusal(RefusalCode.Malformed, "public key: not a DER SubjectPublicKeyInfo");
        }
    }

    /// <summary>The key of a certificate. Nothing else of the certificate is looked at.</summary>
    public static Result<VerificationKey> FromCertificate(DerCertificate certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return FromSubjectPublicKeyInfo(certificate.SubjectPublicKeyInfo);
    }

    /// <summary>Reads PEM: <c>PUBLIC KEY</c>, <c>RSA PUBLIC KEY</c> or <c>CERTIFICATE</c> (the first block counts).</summary>
    public static Result<VerificationKey> FromPem(string pem)
    {
        ArgumentNullException.ThrowIfNull(pem);
        if (!PemBlocks.TryFirst(pem, out string? label, out byte[]? der))
        {
            return new Refusal(RefusalCode.Malformed, "public key: not PEM");
        }

        switch (label)
        {
            case "PUBLIC KEY":
                return FromSubjectPublicKeyInfo(der);
            case "RSA PUBLIC KEY":
                return FromRsaPublicKey(der);
            case "CERTIFICATE":
                return DerCertificate.Parse(der).TryGet(out DerCertificate? certificate, out Refusal? refusal) ? FromCertificate(certificate) : refusal;
            default:
                return new Refusal(RefusalCode.Unsupported, $"public key: a PEM block '{Jwk.Shorten(label)}' is none");
        }
    }

    /// <summary>Whether <paramref name="signature"/> (JOSE form: r followed by s for ECDSA) is that of <paramref name="data"/>. False, too, for an algorithm that is not among <see cref="Algorithms"/>.</summary>
    public bool Verify(JwsAlgorithms algorithm, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (!IsOne(algorithm) || (Algorithms & algorithm) == JwsAlgorithms.None)
        {
            return false;
        }

        if (_ec is not null)
        {
            return signature.Length == 2 * NamedCurve.OfName(PublicJwk.Curve)!.FieldBytes
                && _ec.VerifyData(data, signature, algorithm.Hash(), DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }

        if (_rsa is not null)
        {
            return signature.Length == (_rsa.KeySize + 7) / 8 && _rsa.VerifyData(data, signature, algorithm.Hash(), algorithm.RsaPadding());
        }

        if (signature.Length != Ed25519.SignatureSize)
        {
            return false;
        }

        byte[] message = data.ToArray();
        return Ed25519.Verify(signature.ToArray(), 0, _ed25519!, 0, message, 0, message.Length);
    }

    /// <summary>Whether the DER signature (ECDSA-Sig-Value; raw for the other kinds) is that of <paramref name="data"/>, as X.509 and vendors' formats have it.</summary>
    public bool VerifyDer(JwsAlgorithms algorithm, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (_ec is null)
        {
            return Verify(algorithm, data, signature);
        }

        // A curve is not tied to a hash outside JOSE, but this key is: the caller names the algorithm of the curve.
        return IsOne(algorithm) && (Algorithms & algorithm) != JwsAlgorithms.None
            && _ec.VerifyData(data, signature, algorithm.Hash(), DSASignatureFormat.Rfc3279DerSequence);
    }

    /// <summary>Verifies an ECDSA signature with any hash: vendors combine, for example, P-256 with SHA-384.</summary>
    /// <returns>False, too, when the key is no EC key.</returns>
    public bool VerifyEcdsa(HashAlgorithmName hash, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, DSASignatureFormat format) =>
        _ec is not null && _ec.VerifyData(data, signature, hash, format);

    /// <summary>Verifies an RSA signature with any hash.</summary>
    /// <returns>False, too, when the key is no RSA key.</returns>
    public bool VerifyRsa(HashAlgorithmName hash, RSASignaturePadding padding, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
        _rsa is not null && signature.Length == (_rsa.KeySize + 7) / 8 && _rsa.VerifyData(data, signature, hash, padding);

    /// <inheritdoc/>
    public void Dispose()
    {
        _ec?.Dispose();
        _rsa?.Dispose();
    }

    internal static bool IsOne(JwsAlgorithms algorithm) => algorithm != JwsAlgorithms.None && System.Numerics.BitOperations.PopCount((uint)algorithm) == 1;

    internal static Refusal? CheckRsa(RSAParameters p)
    {
        int bits = BitLength(p.Modulus!);
        if (bits is < MinRsaBits or > MaxRsaBits)
        {
            return new Refusal(RefusalCode.Unsupported, $"an RSA key has {MinRsaBits} to {MaxRsaBits} bits here, not {bits}");
        }

        // 1 and even exponents would make signatures meaningless; large ones cost time without bound.
        return p.Exponent!.Length is 0 or > 4 || (p.Exponent[^1] & 1) == 0 || (p.Exponent.Length == 1 && p.Exponent[0] == 1) || (p.Modulus![^1] & 1) == 0
            ? new Refusal(RefusalCode.Malformed, "the RSA key is not valid")
            : null;
    }

    private static Result<VerificationKey> FromRsaPublicKey(ReadOnlyMemory<byte> der)
    {
        try
        {
            var reader = new AsnReader(der, AsnEncodingRules.DER);
            AsnReader numbers = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            ReadOnlySpan<byte> n = numbers.ReadIntegerBytes().Span;
            ReadOnlySpan<byte> e = numbers.ReadIntegerBytes().Span;
            numbers.ThrowIfNotEmpty();
            return (n[0] & 0x80) != 0 || (e[0] & 0x80) != 0
                ? new Refusal(RefusalCode.Malformed, "public key: negative number")
                : FromJwk(Jwk.FromRsa(n.TrimStart((byte)0), e.TrimStart((byte)0), null));
        }
        catch (AsnContentException)
        {
            return new Refusal(RefusalCode.Malformed, "public key: not a DER RSAPublicKey");
        }
    }

    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "the key owns it")]
    private static Result<VerificationKey> Import(Jwk jwk, JwsAlgorithms algorithms)
    {
        try
        {
            switch (jwk.Kind)
            {
                case JwkKind.EllipticCurve:
                    return new VerificationKey(ECDsa.Create(jwk.EcParameters()), null, null, algorithms, jwk, NamedCurve.OfName(jwk.Curve)!.Spki(jwk.First, jwk.Second));
                case JwkKind.Rsa:
                    {
                        RSAParameters p = jwk.RsaParameters();
                        if (CheckRsa(p) is { } weak)
                        {
                            return weak;
                        }

                        RSA rsa = RSA.Create(p);
                        return new VerificationKey(null, rsa, null, algorithms, jwk, rsa.ExportSubjectPublicKeyInfo());
                    }

                default:
                    return Ed25519.ValidatePublicKeyFull(jwk.First, 0)
                        ? new VerificationKey(null, null, jwk.First, algorithms, jwk, [.. Ed25519Prefix, .. jwk.First])
                        : new Refusal(RefusalCode.Malformed, "not an Ed25519 public key of full order");
            }
        }
        catch (CryptographicException)
        {
            return new Refusal(RefusalCode.Malformed, "the public key is not valid");
        }
    }

    private static int BitLength(byte[] number)
    {
        ReadOnlySpan<byte> n = number.AsSpan().TrimStart((byte)0);
        return n.IsEmpty ? 0 : (n.Length * 8) - (System.Numerics.BitOperations.LeadingZeroCount((uint)n[0]) - 24);
    }
}
