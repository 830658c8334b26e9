// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Simulator.Amd;
using Coco.Simulator.Certificates;
using Coco.Tee.Snp;
using Coco.Verifiers.Snp;
using Microsoft.Extensions.Time.Testing;
using static Coco.Verifiers.Tests.Snp.SnpBench;

namespace Coco.Verifiers.Tests.Snp;

public sealed class SnpVerifierTests
{
    [Theory]
    [InlineData(SnpGeneration.Milan, 3u, false)]
    [InlineData(SnpGeneration.Milan, 3u, true)]
    [InlineData(SnpGeneration.Genoa, 3u, false)]
    [InlineData(SnpGeneration.Genoa, 4u, true)]
    [InlineData(SnpGeneration.Turin, 5u, false)]
    [InlineData(SnpGeneration.Turin, 5u, true)]
    public async Task Verify_GenuineEvidence_GivesClaims(SnpGeneration generation, uint version, bool vlek)
    {
        var options = new SimulatedSnpGuestOptions { ReportVersion = version, UseVlek = vlek, HostData = [7, 8] };
        using SimulatedSnpGuest guest = Vendor(generation).CreateGuest(options);

        Result<ImmutableArray<VerifiedClaims>> result = await VerifyAsync(guest.GetEvidence(Nonce, f => f.Policy = 0x1F_0000 | 0x1234));

        VerifiedClaims claims = Assert.Single(result.Require());
        Assert.Equal("cpu", claims.TeeClass);
        Assert.Equal(TeeType.Snp, claims.Tee);
        JsonObject c = claims.Claims;
        Assert.Equal(0x12, (int)c["policy_abi_major"]!);
        Assert.Equal(0x34, (int)c["policy_abi_minor"]!);
        Assert.True((bool)c["policy_smt_allowed"]!);
        Assert.True((bool)c["policy_migrate_ma"]!);
        Assert.True((bool)c["policy_debug_allowed"]!);
        Assert.True((bool)c["policy_single_socket"]!);
        Assert.True((bool)c["platform_smt_enabled"]!);
        Assert.False((bool)c["platform_tsme_enabled"]!);
        Assert.Equal(guest.Tcb.BootLoader, (int)c["reported_tcb_bootloader"]!);
        Assert.Equal(guest.Tcb.Tee, (int)c["reported_tcb_tee"]!);
        Assert.Equal(guest.Tcb.Snp, (int)c["reported_tcb_snp"]!);
        Assert.Equal(guest.Tcb.Microcode, (int)c["reported_tcb_microcode"]!);
        Assert.Equal(Convert.ToHexStringLower(guest.Measurement), (string)c["measurement"]!);
        Assert.Equal(Convert.ToHexStringLower(Nonce).PadRight(128, '0'), (string)c["report_data"]!);
        Assert.Equal("0708".PadRight(64, '0'), (string)c["init_data"]!);
        Assert.Equal(vlek ? new string('0', 128) : Convert.ToHexStringLower(guest.ChipId), (string)c["chip_id"]!);
        Assert.True((bool)c["simulated"]!);
        Assert.Equal(17, c.Count);
    }

    [Fact]
    public async Task Verify_SimulatedRootNotConfigured_IsRefused()
    {
        Refusal? refusal = await RefusalAsync(Evidence(), new SnpVerifierOptions { Clock = new FakeTimeProvider(Start) });

        Refused(refusal, RefusalCode.Untrusted, "snp.ark");
    }

    [Fact]
    public void Constructor_SimulatedRootAmongRealOnes_Throws()
    {
        var options = new SnpVerifierOptions { Roots = [Anchor(Vendor(SnpGeneration.Milan))] };

        Assert.Throws<ArgumentException>(() => new SnpVerifier(options));
    }

    [Fact]
    public async Task Verify_MalformedEvidence_IsRefused()
    {
        JsonObject evidence = Evidence();
        evidence["attestation_report"]!["measurement"] = new JsonArray(1, 2, 3);

        Refused(await RefusalAsync(evidence), RefusalCode.Malformed, "snp.format");
    }

    [Fact]
    public async Task Verify_LegacyJson_IsRefusedUnlessAllowed()
    {
        JsonObject evidence = Evidence();
        JsonObject report = evidence["attestation_report"]!.AsObject();
        foreach (string name in new[] { "current", "committed" })
        {
            foreach (string part in new[] { "major", "minor", "build" })
            {
                report[name + "_" + part] = (int)report[name]![part]!;
            }

            report.Remove(name);
        }

        report["_author_key_en"] = 0;
        report.Remove("key_info");

        Refused(await RefusalAsync(evidence), RefusalCode.Malformed, "snp.format");
        Assert.Null(await RefusalAsync(evidence, Options() with { AcceptLegacyJson = true }));
    }

    [Theory]
    [InlineData(SnpGeneration.Milan)]
    [InlineData(SnpGeneration.Genoa)]
    [InlineData(SnpGeneration.Turin)]
    public async Task Verify_Version2_IsRefusedUnlessAllowed(SnpGeneration generation)
    {
        JsonObject evidence = Evidence(generation, new SimulatedSnpGuestOptions { ReportVersion = 2 });

        Refused(await RefusalAsync(evidence), RefusalCode.Unsupported, "snp.version");
        Assert.Null(await RefusalAsync(evidence, Options() with { AcceptVersion2 = true }));
    }

    [Fact]
    public async Task Verify_OtherSignatureAlgorithm_IsRefused() =>
        Refused(await RefusalAsync(Evidence(change: f => f.SignatureAlgorithm = 2)), RefusalCode.Unsupported, "snp.signature-algorithm");

    [Theory]
    [InlineData(0x19, 0x20)]
    [InlineData(0x19, 0xB0)]
    [InlineData(0x1A, 0x12)]
    [InlineData(0x1A, 0x50)]
    [InlineData(0x17, 0x01)]
    [InlineData(0x1B, 0x01)]
    public async Task Verify_UnknownProcessor_IsRefused(byte family, byte model)
    {
        JsonObject evidence = Evidence(family >= 0x1A ? SnpGeneration.Turin : SnpGeneration.Milan, change: f => (f.CpuFamily, f.CpuModel) = (family, model));

        Refused(await RefusalAsync(evidence), RefusalCode.Unsupported, "snp.generation");
    }

    [Fact]
    public async Task Verify_OtherGenerationThanCertificate_IsRefused()
    {
        JsonObject evidence = Evidence(change: f => f.CpuModel = 0x11);

        Refused(await RefusalAsync(evidence), RefusalCode.Untrusted, "snp.ark");
    }

    [Fact]
    public async Task Verify_ChainWithoutVek_IsRefused()
    {
        JsonObject evidence = Evidence();
        evidence["cert_chain"] = new JsonArray();

        Refused(await RefusalAsync(evidence), RefusalCode.Untrusted, "snp.vek");
    }

    [Fact]
    public async Task Verify_VekSaidToBeOfOtherKind_IsRefused()
    {
        JsonObject evidence = Evidence();
        evidence["cert_chain"]![0]!["cert_type"] = "VLEK";

        Refused(await RefusalAsync(evidence), RefusalCode.Mismatch, "snp.vek");
    }

    [Fact]
    public async Task Verify_VekOnOtherCurve_IsRefused()
    {
        SimulatedAmd vendor = Vendor(SnpGeneration.Milan);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] vcek = vendor.IssueVek(key.ExportSubjectPublicKeyInfo(), vlek: false, new byte[64], vendor.OrdinaryTcb);

        Refused(await RefusalAsync(WithCertificate(Evidence(), 0, vcek)), RefusalCode.Unsupported, "snp.vek");
    }

    [Fact]
    public async Task Verify_VekWithoutHardwareId_IsRefused()
    {
        JsonObject evidence = Evidence(options: new SimulatedSnpGuestOptions { ChangeCertificate = f => f.HardwareId = null });

        Refused(await RefusalAsync(evidence), RefusalCode.Malformed, "snp.vek");
    }

    [Fact]
    public async Task Verify_ForeignArk_IsRefused() =>
        Refused(await RefusalAsync(WithCertificate(Evidence(), 2, Other.Ark)), RefusalCode.Untrusted, "snp.ark");

    [Fact]
    public async Task Verify_ArkWithTrustedKeyButBrokenSignature_IsRefused()
    {
        byte[] ark = [.. Vendor(SnpGeneration.Milan).Ark];
        ark[^1] ^= 1;

        Refused(await RefusalAsync(WithCertificate(Evidence(), 2, ark)), RefusalCode.BadSignature, "snp.ark");
    }

    [Fact]
    public async Task Verify_SelfMadeAsk_IsRefused()
    {
        // Without an ARK in the evidence only the signature on the ASK stands in the way.
        using SimulatedSnpGuest guest = Other.CreateGuest();
        JsonObject evidence = guest.GetEvidence(Nonce);
        evidence["cert_chain"]!.AsArray().RemoveAt(2);

        Refused(await RefusalAsync(evidence), RefusalCode.BadSignature, "snp.ca");
    }

    [Fact]
    public async Task Verify_AsvkInThePlaceOfTheAsk_IsRefused() =>
        Refused(await RefusalAsync(WithCertificate(Evidence(), 1, Vendor(SnpGeneration.Milan).Asvk)), RefusalCode.Untrusted, "snp.ca");

    [Fact]
    public async Task Verify_AskThatNamesAnotherIssuerOrIsNoAuthority_IsRefused()
    {
        SimulatedAmd vendor = Vendor(SnpGeneration.Milan);
        byte[] otherIssuer = vendor.IssueAuthority(vlek: false, issuer: "ARK-Genoa");
        byte[] noAuthority = vendor.IssueAuthority(vlek: false, change: c => c with { Extensions = [] });
        byte[] denied = vendor.IssueAuthority(vlek: false, change: c => c with { Extensions = [new X509BasicConstraintsExtension(certificateAuthority: false, false, 0, critical: true)] });

        foreach (byte[] ask in (byte[][])[otherIssuer, noAuthority, denied])
        {
            Refused(await RefusalAsync(WithCertificate(Evidence(), 1, ask)), RefusalCode.Untrusted, "snp.ca");
        }
    }

    [Fact]
    public async Task Verify_VlekWhoseAuthorityNobodyHas_IsRefused()
    {
        SimulatedAmd vendor = Vendor(SnpGeneration.Milan);
        using SimulatedSnpGuest guest = vendor.CreateGuest(new SimulatedSnpGuestOptions { UseVlek = true, SendChain = false });
        SnpVerifierOptions options = Options() with { Roots = [], SimulatedRoots = [AmdTrustAnchor.Simulated(SnpGeneration.Milan, vendor.Ark, vendor.Ask).Require()] };

        Refused(await RefusalAsync(guest.GetEvidence(Nonce), options), RefusalCode.Untrusted, "snp.ca");
    }

    [Fact]
    public async Task Verify_SeveralAuthoritiesOrCertificatesInOneEntry_IsRefused()
    {
        JsonObject twoAsks = Evidence();
        twoAsks["cert_chain"]!.AsArray().Add(twoAsks["cert_chain"]![1]!.DeepClone());
        JsonObject twoArks = Evidence();
        twoArks["cert_chain"]!.AsArray().Add(twoArks["cert_chain"]![2]!.DeepClone());
        SimulatedAmd vendor = Vendor(SnpGeneration.Milan);
        byte[] pem = Encoding.ASCII.GetBytes(vendor.GetChainPem(vlek: false));

        Refused(await RefusalAsync(twoAsks), RefusalCode.Malformed, "snp.chain");
        Refused(await RefusalAsync(twoArks), RefusalCode.Malformed, "snp.chain");
        Refused(await RefusalAsync(WithCertificate(Evidence(), 0, pem)), RefusalCode.Malformed, "snp.vek");
    }

    [Fact]
    public async Task Verify_ReportWithoutChainThatNamesNoChip_IsRefused()
    {
        JsonObject vlek = Evidence(change: f => f.KeyInfo = 4);
        vlek["cert_chain"] = null;
        JsonObject masked = Evidence(change: f => f.ChipId = new byte[64]);
        masked["cert_chain"] = null;
        SnpVerifierOptions options = Options() with { Collateral = new CollateralService(new CollateralOptions { Sources = [] }) };

        Refused(await RefusalAsync(vlek, options), RefusalCode.Untrusted, "snp.vek");
        Refusal? refusal = await RefusalAsync(masked, options);
        Refused(refusal, RefusalCode.Untrusted, "snp.vek");
        Assert.Equal("CHIP_ID", refusal!.Field);
    }

    [Fact]
    public async Task Verify_VcekOfAForeignAsk_IsRefused()
    {
        using SimulatedSnpGuest guest = Other.CreateGuest(new SimulatedSnpGuestOptions { SendChain = false });

        Refused(await RefusalAsync(guest.GetEvidence(Nonce)), RefusalCode.BadSignature, "snp.chain");
    }

    [Fact]
    public async Task Verify_VcekThatNamesAnotherIssuer_IsRefused()
    {
        JsonObject evidence = Evidence(options: new SimulatedSnpGuestOptions { ChangeCertificate = f => f.IssuerCommonName = "SEV-Genoa" });

        Refused(await RefusalAsync(evidence), RefusalCode.Untrusted, "snp.chain");
    }

    [Fact]
    public async Task Verify_VcekAlone_IsCheckedWithTheKnownAsk() =>
        Assert.Null(await RefusalAsync(Evidence(options: new SimulatedSnpGuestOptions { SendChain = false })));

    [Fact]
    public async Task Verify_CertificatesAsPem_AreAccepted()
    {
        JsonObject evidence = Evidence();
        foreach (JsonNode? entry in evidence["cert_chain"]!.AsArray())
        {
            byte[] der = [.. entry!["data"]!.AsArray().Select(n => (byte)n!)];
            entry["data"] = Numbers(System.Text.Encoding.ASCII.GetBytes(PemEncoding.WriteString("CERTIFICATE", der)));
        }

        Assert.Null(await RefusalAsync(evidence));
    }

    [Fact]
    public async Task Verify_ExpiredVlek_IsRefusedUnlessAllowed()
    {
        JsonObject evidence = Evidence(options: new SimulatedSnpGuestOptions { UseVlek = true });
        SnpVerifierOptions late = Options(new FakeTimeProvider(Start.AddYears(1).AddDays(1)));

        Refused(await RefusalAsync(evidence, late), RefusalCode.Expired, "snp.certificate-dates");
        Assert.Null(await RefusalAsync(evidence, late with { AcceptExpiredCertificates = true }));
    }

    [Fact]
    public async Task Verify_VcekNotYetValid_IsRefused()
    {
        JsonObject evidence = Evidence(options: new SimulatedSnpGuestOptions { ChangeCertificate = f => f.NotBefore = Start.AddMinutes(1) });

        Refused(await RefusalAsync(evidence), RefusalCode.Expired, "snp.certificate-dates");
    }

    [Fact]
    public async Task Verify_AuthorityOverItsTime_IsRefused()
    {
        JsonObject evidence = Evidence(options: new SimulatedSnpGuestOptions { ChangeCertificate = f => f.NotAfter = Start.AddYears(40) });

        Refused(await RefusalAsync(evidence, Options(new FakeTimeProvider(Start.AddYears(30)))), RefusalCode.Expired, "snp.certificate-dates");
        byte[] later = Vendor(SnpGeneration.Milan).IssueAuthority(vlek: false, change: c => c with { NotBefore = Start.AddDays(1) });
        Refused(await RefusalAsync(WithCertificate(Evidence(), 1, later)), RefusalCode.Expired, "snp.certificate-dates");
    }

    [Fact]
    public async Task Verify_ChipSeenBeforeAndExpiredSince_IsRefused()
    {
        var clock = new FakeTimeProvider(Start);
        var verifier = new SnpVerifier(Options(clock));
        BoundEvidence evidence = Bind(Evidence(options: new SimulatedSnpGuestOptions { UseVlek = true }));
        Assert.Null((await verifier.VerifyAsync(evidence, null, TestContext.Current.CancellationToken)).Refusal);

        clock.SetUtcNow(Start.AddYears(2));

        Refused((await verifier.VerifyAsync(evidence, null, TestContext.Current.CancellationToken)).Refusal, RefusalCode.Expired, "snp.certificate-dates");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Verify_ReportNamesOtherKindOfKey_IsRefused(bool vlek)
    {
        JsonObject evidence = Evidence(options: new SimulatedSnpGuestOptions { UseVlek = vlek }, change: f => f.KeyInfo = vlek ? 0u : 4u);

        Refused(await RefusalAsync(evidence), RefusalCode.Mismatch, "snp.signing-key");
    }

    [Fact]
    public async Task Verify_ReportSaysUnsigned_IsRefused() =>
        Refused(await RefusalAsync(Evidence(change: f => f.KeyInfo = 7 << 2)), RefusalCode.Mismatch, "snp.signing-key");

    [Fact]
    public async Task Verify_SignatureOfAnotherChip_IsRefused()
    {
        using SimulatedSnpGuest other = Vendor(SnpGeneration.Milan).CreateGuest();

        Refused(await RefusalAsync(Evidence(change: f => f.AfterSigning = other.Sign)), RefusalCode.BadSignature, "snp.report-signature");
    }

    [Theory]
    [InlineData(SnpGeneration.Milan, 3u)]
    [InlineData(SnpGeneration.Turin, 5u)]
    public async Task VerifyReport_AnyBitFlipped_IsRefused(SnpGeneration generation, uint version)
    {
        using SimulatedSnpGuest guest = Vendor(generation).CreateGuest(new SimulatedSnpGuestOptions { ReportVersion = version });
        byte[] raw = guest.GetReport(Nonce);
        var verifier = new SnpVerifier(Options() with { AcceptVersion2 = true });
        ImmutableArray<SnpCertificateEntry> certificates = guest.GetCertificates();
        Assert.Null((await verifier.VerifyReportAsync(new SnpEvidence(SnpReport.Parse(raw).Require(), certificates), null, TestContext.Current.CancellationToken)).Refusal);

        var accepted = new List<int>();
        for (int bit = 0; bit < raw.Length * 8; bit++)
        {
            raw[bit / 8] ^= (byte)(1 << (bit % 8));
            if (SnpReport.Parse(raw).TryGet(out SnpReport? report, out _)
                && (await verifier.VerifyReportAsync(new SnpEvidence(report, certificates), null, TestContext.Current.CancellationToken)).Refusal is null)
            {
                accepted.Add(bit);
            }

            raw[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.Empty(accepted);
    }

    [Theory]
    [InlineData("bl")]
    [InlineData("tee")]
    [InlineData("snp")]
    [InlineData("ucode")]
    [InlineData("fmc")]
    [InlineData("no fmc")]
    public async Task Verify_CertificateOfAnotherTcb_IsRefused(string part)
    {
        SnpTcb tcb = Vendor(SnpGeneration.Turin).OrdinaryTcb;
        SnpTcb other = part switch
        {
            "bl" => tcb with { BootLoader = 4 },
            "tee" => tcb with { Tee = 3 },
            "snp" => tcb with { Snp = 6 },
            "ucode" => tcb with { Microcode = 128 },
            "fmc" => tcb with { Fmc = 2 },
            _ => tcb with { Fmc = null },
        };
        JsonObject evidence = Evidence(SnpGeneration.Turin, new SimulatedSnpGuestOptions { ReportVersion = 5, ChangeCertificate = f => f.Tcb = other });

        Refused(await RefusalAsync(evidence), RefusalCode.Mismatch, "snp.tcb");
    }

    [Fact]
    public async Task Verify_MicrocodeLevelAbove127_IsAccepted()
    {
        JsonObject evidence = Evidence(options: new SimulatedSnpGuestOptions { Tcb = new SnpTcb(null, 4, 0, 24, 217) });

        Assert.Null(await RefusalAsync(evidence));
    }

    [Fact]
    public async Task Verify_ChipOfAnotherCertificate_IsRefused()
    {
        JsonObject evidence = Evidence(change: f => f.ChipId[63] ^= 1);

        Refused(await RefusalAsync(evidence), RefusalCode.Mismatch, "snp.chip-id");
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(63)]
    public async Task Verify_TurinChipThatDiffersOrHasATail_IsRefused(int at)
    {
        JsonObject evidence = Evidence(SnpGeneration.Turin, new SimulatedSnpGuestOptions { ReportVersion = 5 }, f => f.ChipId = [.. f.ChipId.Select((b, i) => i == at ? (byte)(b ^ 1) : b)]);

        Refused(await RefusalAsync(evidence), RefusalCode.Mismatch, "snp.chip-id");
    }

    [Fact]
    public async Task Verify_HardwareIdAsOctetString_IsAccepted()
    {
        byte[] chip = [.. Enumerable.Range(0, 64).Select(i => (byte)(i + 1))];
        JsonObject evidence = Evidence(options: new SimulatedSnpGuestOptions { ChipId = chip, ChangeCertificate = f => f.HardwareId = [4, 64, .. f.HardwareId!] });

        Assert.Null(await RefusalAsync(evidence));
    }

    [Theory]
    [InlineData(MaskedChipIdRule.Accept, false, true)]
    [InlineData(MaskedChipIdRule.WhenReportSaysSo, false, false)]
    [InlineData(MaskedChipIdRule.WhenReportSaysSo, true, true)]
    [InlineData(MaskedChipIdRule.Refuse, true, false)]
    public async Task Verify_MaskedChip_IsDecidedByTheRule(MaskedChipIdRule rule, bool flagged, bool accepted)
    {
        JsonObject evidence = Evidence(change: f => (f.ChipId, f.KeyInfo) = ([], flagged ? 2u : 0));
        var record = new VerificationRecord();

        Refusal? refusal = await RefusalAsync(evidence, Options() with { MaskedChipId = rule }, record);

        if (accepted)
        {
            Assert.Null(refusal);
            Assert.Contains(record.Checks, c => c.Check == "snp.chip-id" && c.Held is null && c.Detail!.StartsWith("warning", StringComparison.Ordinal));
        }
        else
        {
            Refused(refusal, RefusalCode.Mismatch, "snp.chip-id");
        }
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(3u)]
    [InlineData(0xFFFFFFFFu)]
    public async Task Verify_OtherVmpl_IsRefused(uint vmpl) =>
        Refused(await RefusalAsync(Evidence(change: f => f.Vmpl = vmpl)), RefusalCode.Mismatch, "snp.vmpl");

    [Fact]
    public async Task Verify_OtherReportData_IsRefused()
    {
        byte[] other = [.. Nonce];
        other[47] ^= 1;
        BoundEvidence evidence = Bind(Evidence(), Binding.ToDigest(other));

        Refused((await new SnpVerifier(Options()).VerifyAsync(evidence, null, TestContext.Current.CancellationToken)).Refusal, RefusalCode.Mismatch, "snp.report-data");
    }

    [Fact]
    public async Task Verify_ReportDataWithATail_IsRefused() =>
        Refused(await RefusalAsync(Evidence(change: f => f.ReportData = [.. Nonce, 1])), RefusalCode.Mismatch, "snp.report-data");

    [Fact]
    public async Task Verify_BindingLeftUnset_IsRefused()
    {
        BoundEvidence evidence = Bind(Evidence(), default(Binding));

        Refused((await new SnpVerifier(Options()).VerifyAsync(evidence, null, TestContext.Current.CancellationToken)).Refusal, RefusalCode.Mismatch, "snp.report-data");
    }

    [Fact]
    public async Task Verify_AlternativeReportData_IsAccepted()
    {
        BoundEvidence evidence = Bind(Evidence(), Binding.ToDigest(new byte[48])) with { AlternativeReportData = [Binding.ToDigest(Nonce)] };

        Assert.Null((await new SnpVerifier(Options()).VerifyAsync(evidence, null, TestContext.Current.CancellationToken)).Refusal);
    }

    [Theory]
    [InlineData(32, true)]
    [InlineData(48, true)]
    [InlineData(32, false)]
    public async Task Verify_InitData_IsCompared(int digestLength, bool same)
    {
        byte[] digest = [.. Enumerable.Range(100, digestLength).Select(i => (byte)i)];
        JsonObject json = Evidence(options: new SimulatedSnpGuestOptions { HostData = digest[..32] });
        if (!same)
        {
            digest[31] ^= 1;
        }

        Refusal? refusal = (await new SnpVerifier(Options()).VerifyAsync(Bind(json, initData: Binding.ToDigest(digest)), null, TestContext.Current.CancellationToken)).Refusal;

        if (same)
        {
            Assert.Null(refusal);
        }
        else
        {
            Refused(refusal, RefusalCode.Mismatch, "snp.init-data");
        }
    }

    [Fact]
    public async Task Verify_OtherProductName_IsNotedAsWarning()
    {
        JsonObject evidence = Evidence(options: new SimulatedSnpGuestOptions { ChangeCertificate = f => f.ProductName = "Genoa" });
        var record = new VerificationRecord();

        Assert.Null(await RefusalAsync(evidence, record: record));

        Assert.Contains(record.Checks, c => c.Check == "snp.product" && c.Held is null && c.Detail!.StartsWith("warning", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Verify_Record_ListsEveryCheckAndTheCollateral()
    {
        var record = new VerificationRecord();

        Assert.Null(await RefusalAsync(Evidence(), record: record));

        string[] expected =
        [
            "snp.format", "snp.version", "snp.signature-algorithm", "snp.generation", "snp.vek", "snp.ark", "snp.ca", "snp.chain", "snp.certificate-dates",
            "snp.revocation", "snp.signing-key", "snp.report-signature", "snp.tcb", "snp.chip-id", "snp.vmpl", "snp.product", "snp.report-data", "snp.init-data",
        ];
        Assert.Equal(expected, record.Checks.Select(c => c.Check));
        Assert.Contains(record.Collateral, c => c.Name == "SEV-VCEK" && c.Sha256 is { Length: 64 });
        Assert.Contains("simulated", record.Checks.Single(c => c.Check == "snp.ark").Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_ManyAtOnce_AllHold()
    {
        var verifier = new SnpVerifier(Options() with { ChipCapacity = 2 });
        BoundEvidence[] evidence = [.. Enumerable.Range(0, 4).Select(_ => Bind(Evidence()))];

        Refusal?[] outcomes = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(async () =>
            (await verifier.VerifyAsync(evidence[i % 4], null, TestContext.Current.CancellationToken)).Refusal)));

        Assert.All(outcomes, Assert.Null);
    }

    [Fact]
    public async Task Verify_ChipSeenBefore_AllocatesLittle()
    {
        var verifier = new SnpVerifier(Options());
        BoundEvidence evidence = Bind(Evidence());
        for (int i = 0; i < 20; i++)
        {
            Assert.Null((await verifier.VerifyAsync(evidence, null, TestContext.Current.CancellationToken)).Refusal);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        ValueTask<Result<ImmutableArray<VerifiedClaims>>> verification = verifier.VerifyAsync(evidence, null, TestContext.Current.CancellationToken);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(verification.IsCompletedSuccessfully);
        Assert.InRange(allocated, 0, 32 * 1024);
    }

    private static JsonObject WithCertificate(JsonObject evidence, int index, byte[] der)
    {
        evidence["cert_chain"]![index]!["data"] = Numbers(der);
        return evidence;
    }

    private static JsonArray Numbers(byte[] bytes) => [.. bytes.Select(b => (JsonNode)JsonValue.Create(b))];
}
