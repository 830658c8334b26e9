// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Coco.Core.Tests.X509;

/// <summary>Certificates and lists made by the platform's own classes, read by ours.</summary>
public sealed class CertificateTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly X500DistinguishedName Name = new("CN=An issuer, O=Somebody");

    public static TheoryData<string, CertificateSignatureAlgorithms> Algorithms() => new()
    {
        { "ec256", CertificateSignatureAlgorithms.EcdsaSha256 },
        { "ec384", CertificateSignatureAlgorithms.EcdsaSha384 },
        { "ec512", CertificateSignatureAlgorithms.EcdsaSha512 },
        { "rsa256", CertificateSignatureAlgorithms.RsaPkcs1Sha256 },
        { "rsa384", CertificateSignatureAlgorithms.RsaPkcs1Sha384 },
        { "rsa512", CertificateSignatureAlgorithms.RsaPkcs1Sha512 },
        { "pss256", CertificateSignatureAlgorithms.RsaPssSha256 },
        { "pss384", CertificateSignatureAlgorithms.RsaPssSha384 },
        { "pss512", CertificateSignatureAlgorithms.RsaPssSha512 },
    };

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Signature_OfEachAlgorithm_IsCheckedAgainstTheAllowList(string how, CertificateSignatureAlgorithms algorithm)
    {
        (byte[] der, byte[] spki) = Make(how);

        DerCertificate certificate = DerCertificate.Parse(der).Require();

        Assert.Equal(algorithm, certificate.Signature.Algorithm);
        Assert.Null(certificate.CheckSignature(spki, algorithm));
        Assert.Equal(RefusalCode.Unsupported, certificate.CheckSignature(spki, (CertificateSignatureAlgorithms)0x1FF & ~algorithm)!.Code);
        Assert.Equal(RefusalCode.BadSignature, certificate.CheckSignature(Make(how).Spki, algorithm)!.Code);
        Assert.Equal(RefusalCode.BadSignature, certificate.CheckSignature(Make(how.StartsWith("ec", StringComparison.Ordinal) ? "rsa256" : "ec256").Spki, algorithm)!.Code);
    }

    [Fact]
    public void Parse_Fields_AreThoseOfThePlatformsReader()
    {
        (byte[] der, byte[] spki) = Make("ec256");
        using X509Certificate2 oracle = X509CertificateLoader.LoadCertificate(der);

        DerCertificate c = DerCertificate.Parse(der).Require();

        Assert.Equal("An issuer", c.SubjectCommonName);
        Assert.Equal("An issuer", c.IssuerCommonName);
        Assert.Equal(oracle.SerialNumberBytes.ToArray(), c.SerialNumber.ToArray());
        Assert.Equal(oracle.SubjectName.RawData, c.Subject.ToArray());
        Assert.Equal(oracle.NotBefore.ToUniversalTime(), c.NotBefore.UtcDateTime);
        Assert.Equal(oracle.NotAfter.ToUniversalTime(), c.NotAfter.UtcDateTime);
        Assert.Equal(spki, c.SubjectPublicKeyInfo.ToArray());
        Assert.Equal("1.2.840.10045.3.1.7", c.KeyCurve);
        Assert.Equal(oracle.Extensions.Select(e => (e.Oid!.Value, e.Critical, Convert.ToHexString(e.RawData))), c.Extensions.Select(e => ((string?)e.Oid, e.IsCritical, Convert.ToHexString(e.Value.Span))));
    }

    [Fact]
    public void Parse_AnyByteChanged_NeverThrowsAndNeverKeepsTheSignature()
    {
        (byte[] der, byte[] spki) = Make("ec256");
        for (int i = 0; i < der.Length; i++)
        {
            byte[] changed = [.. der];
            changed[i] ^= 0x55;
            if (DerCertificate.Parse(changed).TryGet(out DerCertificate? c, out _))
            {
                Assert.NotNull(c.CheckSignature(spki, CertificateSignatureAlgorithms.EcdsaSha256));
            }
        }
    }

    [Fact]
    public void Parse_TruncatedOrGrown_IsRefused()
    {
        byte[] der = Make("ec256").Der;

        for (int length = 0; length < der.Length; length++)
        {
            Assert.Equal(RefusalCode.Malformed, DerCertificate.Parse(der.AsMemory(0, length)).Refusal!.Code);
        }

        Assert.Equal(RefusalCode.Malformed, DerCertificate.Parse((byte[])[.. der, 0]).Refusal!.Code);
        Assert.Equal(RefusalCode.TooLarge, DerCertificate.Parse(new byte[DerCertificate.MaximumLength + 1]).Refusal!.Code);
    }

    [Fact]
    public void ParseAll_Pem_GivesAllInTheirOrder()
    {
        byte[] one = Make("ec256").Der, two = Make("ec384").Der;
        string pem = "chain:\n" + PemEncoding.WriteString("CERTIFICATE", one) + "\n" + PemEncoding.WriteString("CERTIFICATE", two) + "\n\0";

        Assert.Equal([one, two], DerCertificate.ParsePem(pem).Require().Select(c => c.Raw.ToArray()));
        Assert.Equal(RefusalCode.Malformed, DerCertificate.ParsePem("nothing").Refusal!.Code);
        Assert.Equal(RefusalCode.TooLarge, DerCertificate.ParsePem(string.Concat(Enumerable.Repeat(PemEncoding.WriteString("CERTIFICATE", one) + "\n", 33))).Refusal!.Code);
    }

    [Fact]
    public void Dates_OutsideTheTime_AreRefused()
    {
        DerCertificate c = DerCertificate.Parse(Make("ec256").Der).Require();

        Assert.Null(c.CheckDates(Start));
        Assert.Null(c.CheckDates(Start.AddYears(1)));
        Assert.Equal(RefusalCode.Expired, c.CheckDates(Start.AddSeconds(-1))!.Code);
        Assert.Equal(RefusalCode.Expired, c.CheckDates(Start.AddYears(1).AddSeconds(1))!.Code);
    }

    [Fact]
    public void RevocationList_InEachForm_IsRead()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] der = MakeList(key, [1, 2, 3], [0x00, 0xFF]);
        byte[][] forms =
        [
            der,
            System.Text.Encoding.ASCII.GetBytes(PemEncoding.WriteString("X509 CRL", der)),
            System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(der) + "\n"),
        ];

        foreach (byte[] form in forms)
        {
            CertificateRevocationList list = CertificateRevocationList.ParseAny(form).Require();
            Assert.Equal(2, list.Count);
            Assert.Equal("An issuer", list.IssuerCommonName);
            Assert.Equal(Start, list.FindRevocation([1, 2, 3]));
            Assert.Equal(Start, list.FindRevocation([0xFF]));
            Assert.Equal(Start, list.FindRevocation([0, 0xFF]));
            Assert.Null(list.FindRevocation([1, 2, 4]));
            Assert.Null(list.CheckSignature(key.ExportSubjectPublicKeyInfo(), CertificateSignatureAlgorithms.EcdsaSha256));
            Assert.Null(list.CheckDates(Start));
            Assert.Equal(RefusalCode.Expired, list.CheckDates(Start.AddDays(-1).AddSeconds(-1))!.Code);
            Assert.Equal(RefusalCode.Expired, list.CheckDates(Start.AddDays(30))!.Code);
        }
    }

    [Fact]
    public void RevocationList_AnyByteChanged_NeverThrowsAndNeverKeepsTheSignature()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] spki = key.ExportSubjectPublicKeyInfo();
        byte[] der = MakeList(key, [1, 2, 3]);
        for (int i = 0; i < der.Length; i++)
        {
            byte[] changed = [.. der];
            changed[i] ^= 0x55;
            if (CertificateRevocationList.ParseAny(changed).TryGet(out CertificateRevocationList? list, out _))
            {
                Assert.NotNull(list.CheckSignature(spki, CertificateSignatureAlgorithms.EcdsaSha256));
            }
        }
    }

    private static byte[] MakeList(ECDsa key, params byte[][] serials)
    {
        var builder = new CertificateRevocationListBuilder();
        foreach (byte[] serial in serials)
        {
            builder.AddEntry(serial, Start);
        }

        var identifier = new X509SubjectKeyIdentifierExtension(new PublicKey(key), critical: false);
        return builder.Build(
            Name, X509SignatureGenerator.CreateForECDsa(key), 1, Start.AddDays(30), HashAlgorithmName.SHA256, X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(identifier), Start.AddDays(-1));
    }

    private static (byte[] Der, byte[] Spki) Make(string how)
    {
        HashAlgorithmName hash = new("SHA" + how[^3..]);
        if (how.StartsWith("ec", StringComparison.Ordinal))
        {
            using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            return (Sign(new CertificateRequest(Name, key, hash)), key.ExportSubjectPublicKeyInfo());
        }

        using RSA rsa = RSA.Create(2048);
        RSASignaturePadding padding = how.StartsWith("pss", StringComparison.Ordinal) ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;
        return (Sign(new CertificateRequest(Name, rsa, hash, padding)), rsa.ExportSubjectPublicKeyInfo());
    }

    private static byte[] Sign(CertificateRequest request)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 1, true));
        request.CertificateExtensions.Add(new X509Extension("1.2.3.4", [1, 2, 3], critical: false));
        using X509Certificate2 certificate = request.CreateSelfSigned(Start, Start.AddYears(1));
        return certificate.RawData;
    }
}
