// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using Coco.Simulator.Amd;
using Coco.Tee.Snp;

namespace Coco.Simulator.Tests.Amd;

public sealed class SimulatedAmdTests
{
    private const CertificateSignatureAlgorithms Pss = CertificateSignatureAlgorithms.RsaPssSha384;

    [Theory]
    [InlineData(SnpGeneration.Milan, "Milan")]
    [InlineData(SnpGeneration.Genoa, "Genoa")]
    [InlineData(SnpGeneration.Turin, "Turin")]
    public void Certificates_OfAGeneration_HaveTheVendorsNamesAndChain(SnpGeneration generation, string product)
    {
        using var vendor = new SimulatedAmd(generation);
        using SimulatedSnpGuest vcekGuest = vendor.CreateGuest();
        using SimulatedSnpGuest vlekGuest = vendor.CreateGuest(new SimulatedSnpGuestOptions { UseVlek = true });

        DerCertificate ark = DerCertificate.Parse(vendor.Ark).Require(), ask = DerCertificate.Parse(vendor.Ask).Require(), asvk = DerCertificate.Parse(vendor.Asvk).Require();
        SnpVek vcek = SnpVek.Parse(DerCertificate.Parse(vcekGuest.VekCertificate).Require()).Require(), vlek = SnpVek.Parse(DerCertificate.Parse(vlekGuest.VekCertificate).Require()).Require();

        Assert.Equal(["ARK-" + product, "SEV-" + product, "SEV-VLEK-" + product], new[] { ark, ask, asvk }.Select(c => c.SubjectCommonName));
        Assert.All(new[] { ark, ask, asvk }, c => Assert.Null(c.CheckSignature(ark.SubjectPublicKeyInfo.Span, Pss)));
        Assert.Null(vcek.Certificate.CheckSignature(ask.SubjectPublicKeyInfo.Span, Pss));
        Assert.Null(vlek.Certificate.CheckSignature(asvk.SubjectPublicKeyInfo.Span, Pss));
        Assert.Equal((SnpCertificateType.Vcek, SnpCertificateType.Vlek), (vcek.Kind, vlek.Kind));
        Assert.Equal(generation == SnpGeneration.Turin ? 8 : 64, vcek.HardwareId!.Value.Length);
        Assert.Null(vlek.HardwareId);
        Assert.NotNull(vlek.CspId);
        Assert.Equal(vendor.OrdinaryTcb, vcek.Tcb);
        Assert.False(vcek.Certificate.SerialNumber.Span.ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Report_OfAGuest_IsSignedOverTheFirst672Bytes()
    {
        using var vendor = new SimulatedAmd(SnpGeneration.Milan);
        using SimulatedSnpGuest guest = vendor.CreateGuest();

        SnpReport report = SnpReport.Parse(guest.GetReport([1, 2, 3], f => f.GuestSvn = 7)).Require();

        using ECDsa key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(DerCertificate.Parse(guest.VekCertificate).Require().SubjectPublicKeyInfo.Span, out _);
        byte[] signature = new byte[96];
        report.CopySignatureTo(signature);
        Assert.True(key.VerifyData(report.SignedBytes.Span, signature, HashAlgorithmName.SHA384, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
        Assert.Equal(7u, report.GuestSvn);
        Assert.Equal(guest.ChipId, report.ChipId.ToArray());
        Assert.Equal(new byte[] { 1, 2, 3 }, report.ReportData[..3].ToArray());
    }

    [Fact]
    public void RevocationList_AfterRevoke_NamesTheAuthority()
    {
        using var vendor = new SimulatedAmd(SnpGeneration.Milan);
        DerCertificate ark = DerCertificate.Parse(vendor.Ark).Require(), ask = DerCertificate.Parse(vendor.Ask).Require();

        CertificateRevocationList before = CertificateRevocationList.Parse(vendor.MakeRevocationList()).Require();
        vendor.Revoke(vlek: false);
        CertificateRevocationList after = CertificateRevocationList.Parse(vendor.MakeRevocationList()).Require();

        Assert.Null(after.CheckSignature(ark.SubjectPublicKeyInfo.Span, Pss));
        Assert.Null(before.FindRevocation(ask.SerialNumber.Span));
        Assert.NotNull(after.FindRevocation(ask.SerialNumber.Span));
    }

    [Fact]
    public async Task Kds_IssuedVcek_IsServedUnderItsAddress()
    {
        using var vendor = new SimulatedAmd(SnpGeneration.Turin);
        using SimulatedSnpGuest guest = vendor.CreateGuest();
        using SimulatedKdsHandler handler = vendor.CreateKdsHandler();
        using var http = new HttpClient(handler);
        string chip = Convert.ToHexStringLower(guest.ChipId.AsSpan(0, 8));

        byte[] vcek = await http.GetByteArrayAsync($"https://kds.example/vcek/v1/Turin/{chip}?fmcSPL=01&blSPL=03&teeSPL=02&snpSPL=05&ucodeSPL=97", TestContext.Current.CancellationToken);
        byte[] chain = await http.GetByteArrayAsync("https://kds.example/vlek/v1/Turin/cert_chain", TestContext.Current.CancellationToken);
        using HttpResponseMessage other = await http.GetAsync($"https://kds.example/vcek/v1/Milan/{chip}", TestContext.Current.CancellationToken);

        Assert.Equal(guest.VekCertificate, vcek);
        Assert.Equal(["SEV-VLEK-Turin", "ARK-Turin"], DerCertificate.ParseAll(chain).Require().Select(c => c.SubjectCommonName));
        Assert.Equal(System.Net.HttpStatusCode.NotFound, other.StatusCode);
    }

    [Fact]
    public void Fields_TooLong_AreRefusedAtOnce() => Assert.Throws<ArgumentException>(() => new SnpReportFields { ReportData = new byte[65] }.Encode());

    [Fact]
    public void Table_OfAGuest_HoldsItsCertificates()
    {
        using var vendor = new SimulatedAmd(SnpGeneration.Milan);
        using SimulatedSnpGuest guest = vendor.CreateGuest();

        ImmutableArray<SnpCertificateEntry> entries = SnpCertificateTable.Parse(guest.GetCertificateTable()).Require();

        Assert.Equal([SnpCertificateType.Vcek, SnpCertificateType.Ask, SnpCertificateType.Ark], entries.Select(e => e.Type));
    }
}
