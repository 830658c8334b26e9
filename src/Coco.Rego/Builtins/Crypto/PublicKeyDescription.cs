// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;

namespace Coco.Rego.Builtins.Crypto;

/// <summary>Public keys as the values that Go makes of them.</summary>
internal static class PublicKeyDescription
{
    /// <summary>Number of the algorithm (RSA 1, DSA 2, ECDSA 3, Ed25519 4, unknown 0) and the key.</summary>
    public static (int Algorithm, RegoValue Key) Describe(ReadOnlyMemory<byte> spki)
    {
        var info = new AsnReader(spki, AsnEncodingRules.DER).ReadSequence();
        var algorithm = info.ReadSequence();
        var oid = algorithm.ReadObjectIdentifier();
        var bits = info.ReadBitString(out _);
        switch (oid)
        {
            case "1.2.840.113549.1.1.1":
                var numbers = new AsnReader(bits, AsnEncodingRules.DER).ReadSequence();
                return (1, RegoObject.Of(("N", RegoNumber.Of(numbers.ReadInteger())), ("E", RegoNumber.Of(numbers.ReadInteger()))));
            case "1.2.840.10040.4.1":
                return (2, RegoValue.Null);
            case "1.2.840.10045.2.1":
                var size = (bits.Length - 1) / 2;
                if (bits.Length < 3 || bits[0] != 4)
                {
                    return (3, RegoValue.Null);
                }

                return (3, RegoObject.Of(
                    ("Curve", RegoObject.Empty),
                    ("X", Number(bits.AsSpan(1, size))),
                    ("Y", Number(bits.AsSpan(1 + size)))));
            case "1.3.101.112":
                return (4, Convert.ToBase64String(bits));
            default:
                return (0, RegoValue.Null);
        }
    }

    /// <summary>A private key as the value that Go makes of it; null where it is of no known kind.</summary>
    public static RegoValue? DescribePrivate(string label, byte[] der)
    {
        try
        {
            return label switch
            {
                "RSA PRIVATE KEY" => Rsa(rsa => rsa.ImportRSAPrivateKey(der, out _)),
                "EC PRIVATE KEY" => Ec(ec => ec.ImportECPrivateKey(der, out _)),
                "PRIVATE KEY" => OfPkcs8(der),
                _ => null,
            };
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException)
        {
            return null;
        }
    }

    /// <summary>An RSA private key as a JWK; null where it is none.</summary>
    public static RegoObject? RsaJwk(string label, byte[] der)
    {
        try
        {
            using var rsa = RSA.Create();
            if (label == "RSA PRIVATE KEY")
            {
                rsa.ImportRSAPrivateKey(der, out _);
            }
            else if (label == "PRIVATE KEY")
            {
                rsa.ImportPkcs8PrivateKey(der, out _);
            }
            else
            {
                return null;
            }

            var p = rsa.ExportParameters(true);
            return RegoObject.Of(
                ("kty", "RSA"), ("n", Url(p.Modulus)), ("e", Url(p.Exponent)), ("d", Url(p.D)), ("p", Url(p.P)), ("q", Url(p.Q)),
                ("dp", Url(p.DP)), ("dq", Url(p.DQ)), ("qi", Url(p.InverseQ)));
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static string Url(byte[]? bytes) => Text.Base64Text.EncodeUrl(bytes.AsSpan().TrimStart((byte)0), padded: false);

    private static RegoNumber Number(ReadOnlySpan<byte> bytes) => RegoNumber.Of(new BigInteger(bytes, isUnsigned: true, isBigEndian: true));

    private static RegoValue? OfPkcs8(byte[] der)
    {
        var info = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
        info.ReadInteger();
        switch (info.ReadSequence().ReadObjectIdentifier())
        {
            case "1.2.840.113549.1.1.1":
                return Rsa(rsa => rsa.ImportPkcs8PrivateKey(der, out _));
            case "1.2.840.10045.2.1":
                return Ec(ec => ec.ImportPkcs8PrivateKey(der, out _));
            case "1.3.101.112":
                var seed = new AsnReader(info.ReadOctetString(), AsnEncodingRules.DER).ReadOctetString();
                if (seed.Length != 32)
                {
                    return null;
                }

                var point = new byte[32];
                Org.BouncyCastle.Math.EC.Rfc8032.Ed25519.GeneratePublicKey(seed, 0, point, 0);
                return Convert.ToBase64String([.. seed, .. point]);
            default:
                return null;
        }
    }

    private static RegoValue Rsa(Action<RSA> import)
    {
        using var rsa = RSA.Create();
        import(rsa);
        var p = rsa.ExportParameters(true);
        return RegoObject.Of(
            ("N", Number(p.Modulus)),
            ("E", Number(p.Exponent)),
            ("D", Number(p.D)),
            ("Primes", RegoArray.Of(Number(p.P), Number(p.Q))),
            ("Precomputed", RegoObject.Of(("Dp", Number(p.DP)), ("Dq", Number(p.DQ)), ("Qinv", Number(p.InverseQ)), ("CRTValues", RegoArray.Empty))));
    }

    private static RegoValue Ec(Action<ECDsa> import)
    {
        using var ec = ECDsa.Create();
        import(ec);
        var p = ec.ExportParameters(true);
        return RegoObject.Of(("Curve", RegoObject.Empty), ("X", Number(p.Q.X)), ("Y", Number(p.Q.Y)), ("D", Number(p.D)));
    }
}
