// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using Coco.Tee.Snp;

namespace Coco.Verifiers.Snp;

/// <summary>The part that a key of AMD's certificate authorities plays.</summary>
public enum AmdKeyRole
{
    /// <summary>AMD root key: signs itself, ASK and ASVK.</summary>
    Ark,

    /// <summary>AMD SEV key: signs VCEKs.</summary>
    Ask,

    /// <summary>AMD SEV VLEK key: signs VLEKs.</summary>
    Asvk,
}

/// <summary>A public key of a certificate authority, with what its certificate says about it. Immutable, thread-safe.</summary>
public sealed class AmdKey
{
    private readonly byte[] _spki;

    internal AmdKey(
        string name,
        SnpGeneration generation,
        AmdKeyRole role,
        string serialNumber,
        DateTimeOffset notBefore,
        DateTimeOffset notAfter,
        string spkiSha256,
        string modulus)
        : this(name, generation, role, Convert.FromHexString(serialNumber), notBefore, notAfter, Encode(modulus))
    {
        if (SpkiSha256 != spkiSha256)
        {
            throw new InvalidOperationException($"internal: the digest of {name} is not that of its numbers");
        }
    }

    private AmdKey(string name, SnpGeneration generation, AmdKeyRole role, byte[] serialNumber, DateTimeOffset notBefore, DateTimeOffset notAfter, byte[] spki)
    {
        Name = name;
        Generation = generation;
        Role = role;
        SerialNumber = serialNumber;
        NotBefore = notBefore;
        NotAfter = notAfter;
        _spki = spki;
        SpkiSha256 = Convert.ToHexStringLower(SHA256.HashData(spki));
    }

    /// <summary>Common name in its certificate, for example <c>ARK-Milan</c>.</summary>
    public string Name { get; }

    /// <summary>The processors that it stands for.</summary>
    public SnpGeneration Generation { get; }

    /// <summary>Its part.</summary>
    public AmdKeyRole Role { get; }

    /// <summary>Serial number of its certificate, as revocation lists name it.</summary>
    public ReadOnlyMemory<byte> SerialNumber { get; }

    /// <summary>Begin of validity (UTC).</summary>
    public DateTimeOffset NotBefore { get; }

    /// <summary>End of validity (UTC).</summary>
    public DateTimeOffset NotAfter { get; }

    /// <summary>SHA-256 of the DER SubjectPublicKeyInfo, lower-case hexadecimal.</summary>
    public string SpkiSha256 { get; }

    /// <summary>DER SubjectPublicKeyInfo.</summary>
    public ReadOnlyMemory<byte> SubjectPublicKeyInfo => _spki;

    /// <summary>The key of a certificate. Nothing is verified: only for roots that the caller trusts, or after their signature was verified.</summary>
    public static AmdKey FromCertificate(DerCertificate certificate, SnpGeneration generation, AmdKeyRole role)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return new AmdKey(
            certificate.SubjectCommonName,
            generation,
            role,
            certificate.SerialNumber.ToArray(),
            certificate.NotBefore,
            certificate.NotAfter,
            certificate.SubjectPublicKeyInfo.ToArray());
    }

    private static byte[] Encode(string modulus)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier("1.2.840.113549.1.1.1");
                writer.WriteNull();
            }

            var key = new AsnWriter(AsnEncodingRules.DER);
            using (key.PushSequence())
            {
                key.WriteInteger(new BigInteger(Convert.FromHexString(modulus), isUnsigned: true, isBigEndian: true));
                key.WriteInteger(65537);
            }

            writer.WriteBitString(key.Encode());
        }

        return writer.Encode();
    }
}
