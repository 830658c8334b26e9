// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Simulator.Certificates;
using Coco.Simulator.Intel;
using Coco.Tee.Intel;
using Coco.Verifiers.Intel;

namespace Coco.Verifiers.Tests.Intel;

/// <summary>One test for each check of a quote and its collateral: all else is in order, so that without the check the evidence would be accepted.</summary>
public sealed class DcapChecksTests : IDisposable
{
    private const int Version4SignedLength = 632;
    private const int AttestationKeyAt = Version4SignedLength + 4 + 64;
    private const int QeReportAt = AttestationKeyAt + 64 + 6;

    private readonly IntelLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Quote_OfAnotherVendorsQuotingEnclave_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { ChangeSigned = q => q[12] ^= 1 };

        Assert.Equal("dcap.qe-vendor", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task CertificationData_OfAnotherType_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { CertificationDataType = 7 };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.certification-data", refusal?.Check);
        Assert.Contains("0xE01C", refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PckChain_OfTwoCertificates_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { CertificationData = Encoding.ASCII.GetBytes(_lab.Platform.IssuerChain) };

        Assert.Equal("dcap.pck-chain-form", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Root_ThatIsNotTrusted_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Options = new DcapOptions { Clock = _lab.Clock };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.root-trusted", refusal?.Check);
        Assert.Equal(RefusalCode.Untrusted, refusal!.Code);
    }

    [Fact]
    public async Task Root_OfAnotherNameWithTheTrustedKey_IsRefused()
    {
        using var lab = new IntelLab(vendor: new SimulatedIntelOptions { ChangeRoot = c => c with { Subject = new X500DistinguishedName("CN=Other Root") } });

        Assert.Equal("dcap.root-trusted", (await lab.NewRun().RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Root_ThatWasIssuedByAnother_IsRefused()
    {
        using var lab = new IntelLab(vendor: new SimulatedIntelOptions { ChangeRoot = c => c with { Subject = new X500DistinguishedName("CN=Intel SGX Root CA, O=Other") } });

        Assert.Equal("dcap.root-trusted", (await lab.NewRun().RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Root_ThatIsNoAuthority_IsRefused()
    {
        Func<CertificateContent, CertificateContent>[] changes =
        [
            WithoutAuthority,
            c => c with { Extensions = [] },
            c => c with { Extensions = [new X509Extension("2.5.29.19", [0x30, 0x00], critical: true)] },
            c => c with { Extensions = [new X509Extension("2.5.29.19", [0x30, 0x03, 0x02, 0x01, 0x01], critical: true)] },
            c => c with { Extensions = [new X509BasicConstraintsExtension(true, false, 0, true), new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true)] },
            c => c with { Extensions = [new X509BasicConstraintsExtension(true, false, 0, true), new X509Extension("2.5.29.15", [0x03, 0x01, 0x00], critical: true)] },
        ];
        foreach (Func<CertificateContent, CertificateContent> change in changes)
        {
            using var lab = new IntelLab(vendor: new SimulatedIntelOptions { ChangeRoot = change });

            Assert.Equal("dcap.root-trusted", (await lab.NewRun().RefusalAsync())?.Check);
        }
    }

    [Fact]
    public async Task Root_WhoseOwnSignatureIsBroken_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        byte[] root = [.. _lab.Vendor.Root];
        root[^1] ^= 1;
        run.Quote = run.Quote with { CertificationData = Encoding.ASCII.GetBytes(Pem(_lab.Platform.PckCertificate) + Pem(_lab.Vendor.PlatformCa) + Pem(root)) };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.root-trusted", refusal?.Check);
        Assert.Equal(RefusalCode.BadSignature, refusal!.Code);
    }

    [Fact]
    public async Task Intermediate_OfAnotherRootOfTheSameName_IsRefused()
    {
        using var stranger = new IntelLab();
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with
        {
            CertificationData = Encoding.ASCII.GetBytes(Pem(_lab.Platform.PckCertificate) + Pem(stranger.Vendor.PlatformCa) + Pem(_lab.Vendor.Root)),
        };

        Assert.Equal("dcap.pck-intermediate", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Intermediate_ThatIsNoAuthority_IsRefused()
    {
        using var lab = new IntelLab(vendor: new SimulatedIntelOptions { ChangeIntermediate = WithoutAuthority });

        Assert.Equal("dcap.pck-intermediate", (await lab.NewRun().RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Intermediate_ThatIsNeitherPlatformNorProcessorCa_IsRefused()
    {
        using var lab = new IntelLab(vendor: new SimulatedIntelOptions
        {
            ChangeIntermediate = c => c with { Subject = new X500DistinguishedName("CN=Intel SGX PCK Other CA") },
        });

        Assert.Equal("dcap.pck-ca", (await lab.NewRun().RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Leaf_OfAnotherAuthorityOfTheSameName_IsRefused()
    {
        using var stranger = new IntelLab();
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with
        {
            CertificationData = Encoding.ASCII.GetBytes(Pem(stranger.Platform.PckCertificate) + Pem(_lab.Vendor.PlatformCa) + Pem(_lab.Vendor.Root)),
        };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.pck-leaf", refusal?.Check);
        Assert.Equal(RefusalCode.BadSignature, refusal!.Code);
    }

    [Fact]
    public async Task Leaf_ThatNamesAnotherIssuer_IsRefused()
    {
        using var lab = new IntelLab(vendor: new SimulatedIntelOptions { ChangeIntermediate = c => c with { Subject = new X500DistinguishedName("CN=Intel SGX PCK Platform CA, O=Other") } });

        Assert.Equal("dcap.pck-leaf", (await lab.NewRun().RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Leaf_OfAnotherName_IsRefused()
    {
        using var lab = new IntelLab(new SimulatedPlatformOptions { ChangeLeaf = c => c with { Subject = new X500DistinguishedName("CN=Intel SGX TCB Signing") } });

        Assert.Equal("dcap.pck-leaf", (await lab.NewRun().RefusalAsync())?.Check);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Leaf_WhosePlatformElementsDoNotFitItsAuthority_IsRefused(bool platformCa, bool withElements)
    {
        using var lab = new IntelLab(new SimulatedPlatformOptions { UsePlatformCa = platformCa, WithPlatformElements = withElements });

        Assert.Equal("dcap.pck-extension", (await lab.NewRun().RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Collateral_ThatNobodyHas_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.ChangeItems = items => items.Remove(CollateralKinds.IntelRootCrl);

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.collateral", refusal?.Check);
        Assert.Equal(RefusalCode.NotFound, refusal!.Code);
    }

    [Fact]
    public async Task RootCrl_OfAnotherRootOfTheSameName_IsRefused()
    {
        using var stranger = new IntelLab();
        SimulatedCollateral other = stranger.Vendor.MakeCollateral(stranger.Platform);
        IntelLab.Run run = _lab.NewRun();
        run.ChangeCollateral = c => c with { RootCrl = other.RootCrl };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.root-crl", refusal?.Check);
        Assert.Contains("0xE068", refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RootCrl_WithoutNumberAndKeyIdentifier_IsRefused()
    {
        SimulatedListFields[] lists = [new() { WithNumber = false }, new() { WithKeyIdentifier = false }, new() { WithNumber = false, WithKeyIdentifier = false }];
        foreach (SimulatedListFields list in lists)
        {
            IntelLab.Run run = _lab.NewRun();
            run.Collateral = run.Collateral with { Lists = list };

            Assert.Equal("dcap.root-crl", (await run.RefusalAsync())?.Check);
        }
    }

    [Fact]
    public async Task RootCrl_WithoutNextUpdateOrOfAnotherIssuer_IsRefused()
    {
        IntelLab.Run endless = _lab.NewRun();
        endless.Collateral = endless.Collateral with { Lists = new SimulatedListFields { WithNextUpdate = false } };
        IntelLab.Run other = _lab.NewRun();
        other.Collateral = other.Collateral with { Lists = new SimulatedListFields { Issuer = new X500DistinguishedName("CN=Other Root") } };

        Assert.Equal("dcap.root-crl", (await endless.RefusalAsync())?.Check);
        Refusal? refusal = await other.RefusalAsync();
        Assert.Equal(("dcap.root-crl", RefusalCode.Untrusted), (refusal?.Check, refusal!.Code));
    }

    [Fact]
    public async Task RootCrl_ThatIsThePckCrl_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.ChangeCollateral = c => c with { RootCrl = c.PckCrl };

        Assert.Equal("dcap.root-crl", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task PckCrlIssuerChain_OfAnotherRoot_IsRefused()
    {
        using var stranger = new IntelLab();
        IntelLab.Run run = _lab.NewRun();
        run.ChangeCollateral = c => c with { PckCrlChain = stranger.Platform.IssuerChain };

        Assert.Equal("dcap.pck-crl-issuer-chain", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task PckCrl_OfAnotherAuthorityOfTheSameName_IsRefused()
    {
        using var stranger = new IntelLab();
        SimulatedCollateral other = stranger.Vendor.MakeCollateral(stranger.Platform);
        IntelLab.Run run = _lab.NewRun();
        run.ChangeCollateral = c => c with { PckCrl = other.PckCrl };

        Assert.Equal("dcap.pck-crl", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Intermediate_ThatTheRootRevoked_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Collateral = run.Collateral with { RevokedByRoot = [SimulatedIntel.PlatformCaSerial] };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.pck-intermediate-revocation", refusal?.Check);
        Assert.Equal(RefusalCode.Revoked, refusal!.Code);
    }

    [Fact]
    public async Task TcbInfoChain_OfAnotherRoot_IsRefused()
    {
        using var stranger = new IntelLab();
        SimulatedCollateral other = stranger.Vendor.MakeCollateral(stranger.Platform);
        IntelLab.Run run = _lab.NewRun();
        run.ChangeItems = items => items[CollateralKinds.IntelTcbInfo] = IntelLab.Items(other)[CollateralKinds.IntelTcbInfo];

        Assert.Equal("dcap.tcb-info-chain", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task TcbInfo_SignedByACertificateForAnotherPurpose_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.ChangeItems = items => items[CollateralKinds.IntelTcbInfo] = items[CollateralKinds.IntelTcbInfo] with { IssuerChain = Encoding.ASCII.GetBytes(_lab.Platform.PckChain) };

        Assert.Equal("dcap.tcb-info-chain", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task TcbInfoSigner_ThatTheRootRevoked_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Collateral = run.Collateral with { RevokedByRoot = [SimulatedIntel.SignerSerial] };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.tcb-info-signer-revocation", refusal?.Check);
        Assert.Contains("0xE031", refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TcbInfo_WithOneSpaceMore_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.ChangeCollateral = c => c with { TcbInfo = c.TcbInfo.Replace("\"version\":", "\"version\": ", StringComparison.Ordinal) };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.tcb-info-signature", refusal?.Check);
        Assert.Contains("0xE03A", refusal!.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tcbStatus")]
    [InlineData("version")]
    [InlineData("tcbType")]
    [InlineData("id")]
    [InlineData("nextUpdate")]
    public async Task TcbInfo_WithAMemberThatIsNotUnderstood_IsRefused(string member)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Collateral = run.Collateral with
        {
            ChangeTcbInfo = info =>
            {
                if (member == "tcbStatus")
                {
                    info["tcbLevels"]![0]!["tcbStatus"] = "Fine";
                }
                else
                {
                    info[member] = info[member] is JsonValue v && v.GetValueKind() == System.Text.Json.JsonValueKind.Number ? 9 : "X";
                }
            },
        };

        Assert.Equal("dcap.tcb-info-format", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task QeIdentityChain_OfAnotherRoot_IsRefused()
    {
        using var stranger = new IntelLab();
        SimulatedCollateral other = stranger.Vendor.MakeCollateral(stranger.Platform);
        IntelLab.Run run = _lab.NewRun();
        run.ChangeItems = items => items[CollateralKinds.IntelQeIdentity] = IntelLab.Items(other)[CollateralKinds.IntelQeIdentity];

        Assert.Equal("dcap.qe-identity-chain", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task QeIdentitySigner_ThatTheRootRevoked_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Collateral = run.Collateral with { RevokedByRoot = [[0x55, 5]] };
        run.ChangeItems = items => items[CollateralKinds.IntelQeIdentity] =
            items[CollateralKinds.IntelQeIdentity] with { IssuerChain = Encoding.ASCII.GetBytes(_lab.Vendor.IssueSignerChain([0x55, 5])) };

        Assert.Equal("dcap.qe-identity-signer-revocation", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task QeIdentity_WithOneSpaceMore_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.ChangeCollateral = c => c with { QeIdentity = c.QeIdentity.Replace("\"version\":", "\"version\": ", StringComparison.Ordinal) };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.qe-identity-signature", refusal?.Check);
        Assert.Contains("0xE039", refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task QeIdentity_OfAnotherVersion_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Collateral = run.Collateral with { ChangeQeIdentity = i => i["version"] = 3 };

        Assert.Equal("dcap.qe-identity-format", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Leaf_ThatItsAuthorityRevoked_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Collateral = run.Collateral with { RevokedByCa = [_lab.Platform.Serial] };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.pck-leaf-revocation", refusal?.Check);
        Assert.Equal(RefusalCode.Revoked, refusal!.Code);
        Assert.Contains("0xE031", refusal.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leaf_RevokedAfterItsChainWasKept_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        Dictionary<string, CollateralItem> items = IntelLab.Items(_lab.Vendor.MakeCollateral(_lab.Platform));
        var provider = new SwitchedProvider { Items = items };
        run.Provider = provider;
        DcapVerifier dcap = run.NewVerifier();
        Assert.Null((await run.VerifyAsync(sgx: false, dcap)).Refusal);

        provider.Items = IntelLab.Items(_lab.Vendor.MakeCollateral(_lab.Platform, new SimulatedCollateralOptions { RevokedByCa = [_lab.Platform.Serial] }));

        Assert.Equal("dcap.pck-leaf-revocation", (await run.VerifyAsync(sgx: false, dcap)).Refusal?.Check);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ExpiredCollateral_WithoutGrace_IsRefused(bool onlyLists)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Options = _lab.Options with { ExpiryGrace = TimeSpan.Zero };
        run.Collateral = onlyLists
            ? run.Collateral with { CrlNextUpdate = _lab.Vendor.Now.AddHours(-1) }
            : run.Collateral with { NextUpdate = _lab.Vendor.Now.AddHours(-1), CrlNextUpdate = _lab.Vendor.Now.AddDays(1) };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.collateral-expiry", refusal?.Check);
        Assert.Equal(RefusalCode.Expired, refusal!.Code);
        Assert.Contains(onlyLists ? "0xE02E" : "0xE02C", refusal.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ExpiredPckCertificate_WithoutGrace_IsRefused()
    {
        using var lab = new IntelLab(new SimulatedPlatformOptions { ChangeLeaf = c => c with { NotAfter = c.NotBefore.AddDays(1) } });
        IntelLab.Run run = lab.NewRun();
        run.Options = lab.Options with { ExpiryGrace = TimeSpan.Zero };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.collateral-expiry", refusal?.Check);
        Assert.Contains("0xE02D", refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TcbInfo_ForEnclavesWithAQuoteOfATd_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Collateral = run.Collateral with { IsTdx = false };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.tcb-info-tee", refusal?.Check);
        Assert.Contains("0xE024", refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TcbInfo_OfVersion2WithAQuoteOfATd_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Collateral = run.Collateral with { IsTdx = false, TcbInfoVersion = 2 };

        Assert.Equal("dcap.tcb-info-tee", (await run.RefusalAsync())?.Check);
    }

    [Theory]
    [InlineData("fmspc", "90c06f000001")]
    [InlineData("pceId", "0001")]
    public async Task TcbInfo_OfAnotherPlatform_IsRefused(string member, string value)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Collateral = run.Collateral with { ChangeTcbInfo = i => i[member] = value };

        Assert.Equal("dcap.tcb-info-platform", (await run.RefusalAsync())?.Check);
    }

    [Theory]
    [InlineData(64)]
    [InlineData(111)]
    [InlineData(112)]
    [InlineData(119)]
    public async Task Module_OfAnotherSignerOrWithAttributes_IsRefused(int offsetInBody)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { ChangeSigned = q => q[48 + offsetInBody] ^= 1 };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.tdx-module", refusal?.Check);
        Assert.Contains("0xE060", refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Module_WhoseIdentityAllowsAttributes_IsRefusedAllTheSame()
    {
        const int SeamAttributes = 48 + 112;
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { ChangeSigned = q => q[SeamAttributes] = 1 };
        run.Collateral = run.Collateral with
        {
            ChangeTcbInfo = i =>
            {
                foreach (JsonNode? module in i["tdxModuleIdentities"]!.AsArray().Append(i["tdxModule"]))
                {
                    module!["attributes"] = "0100000000000000";
                    module["attributesMask"] = "0100000000000000";
                }
            },
        };

        Assert.Equal("dcap.tdx-module", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Component_OfAModuleWithoutIdentity_IsCompared()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { TeeTcbSvn = [3, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] };
        run.Collateral = run.Collateral with { Levels = [new SimulatedTcbLevel(new byte[16], 0, [4, 0, .. new byte[14]], "UpToDate")] };

        Assert.Equal("dcap.tcb-level", (await run.RefusalAsync())?.Check);
    }

    [Theory]
    [InlineData(1, 2, 3)]
    [InlineData(2, 1, 3)]
    [InlineData(3, 2, 1)]
    public async Task Date_OfTheTcb_IsTheEarliest(int platform, int quotingEnclave, int module)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Collateral = run.Collateral with
        {
            Levels = [new SimulatedTcbLevel(new byte[16], 0, new byte[16], "UpToDate") { Date = Day(platform), Advisories = ["INTEL-SA-2"] }],
            QeLevels = [new SimulatedSvnLevel(1, "UpToDate") { Date = Day(quotingEnclave), Advisories = ["INTEL-SA-1", "INTEL-SA-2"] }],
            ModuleLevels = [new SimulatedSvnLevel(1, "UpToDate") { Date = Day(module), Advisories = ["INTEL-SA-3"] }],
        };

        JsonObject claims = await run.ClaimsAsync();

        Assert.Equal("2025-01-01T00:00:00Z", (string)claims["tcb_date"]!);
        Assert.Equal(["INTEL-SA-1", "INTEL-SA-2", "INTEL-SA-3"], claims["advisory_ids"]!.AsArray().Select(a => (string)a!));

        static DateTimeOffset Day(int day) => new(2025, 1, day, 0, 0, 0, TimeSpan.Zero);
    }

    [Fact]
    public async Task CertificationData_OfTheLeafAlone_IsCompletedFromCollateral()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { CertificationDataType = 4, CertificationData = _lab.Platform.PckCertificate };
        using var stranger = new IntelLab();
        IntelLab.Run foreign = _lab.NewRun();
        foreign.Quote = foreign.Quote with { CertificationDataType = 4, CertificationData = stranger.Platform.PckCertificate };
        IntelLab.Run nothing = _lab.NewRun();
        nothing.Quote = nothing.Quote with { CertificationDataType = 4, CertificationData = new byte[300] };
        IntelLab.Run missing = _lab.NewRun();
        missing.Quote = run.Quote;
        missing.ChangeItems = items => items.Remove(CollateralKinds.IntelPckCrl);

        Assert.Null(await run.RefusalAsync());
        Assert.Equal("dcap.pck-leaf", (await foreign.RefusalAsync())?.Check);
        Assert.Equal("dcap.pck-chain-form", (await nothing.RefusalAsync())?.Check);
        Assert.Equal("dcap.certification-data", (await missing.RefusalAsync())?.Check);
    }

    [Theory]
    [InlineData(2, 256)]
    [InlineData(3, 384)]
    [InlineData(7, 300)]
    public async Task CertificationData_WithoutTheCertificates_IsRefusedOrFetched(int type, int length)
    {
        var asked = new List<CollateralKey>();
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { CertificationDataType = type, CertificationData = new byte[type < 4 ? length + 20 : length] };
        run.Provider = new AskedProvider(asked);

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.certification-data", refusal?.Check);
        Assert.Equal(type < 4 ? [CollateralKinds.IntelPck] : [], asked.Select(k => k.Kind));
    }

    [Theory]
    [InlineData(2, false)]
    [InlineData(1, true)]
    public async Task Module_WithoutIdentityInTheTcbInfo_IsRefused(byte version, bool removeIdentities)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { TeeTcbSvn = [9, version, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] };
        run.Collateral = run.Collateral with
        {
            ChangeTcbInfo = i =>
            {
                if (removeIdentities)
                {
                    i.Remove("tdxModuleIdentities");
                }
            },
        };

        Assert.Equal("dcap.tdx-module", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task QeReport_ChangedAfterSigning_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { ChangeFinished = q => q[QeReportAt] ^= 1 };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.qe-report-signature", refusal?.Check);
        Assert.Contains("0xE01F", refusal!.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(320)]
    [InlineData(383)]
    public async Task QeReport_ThatDoesNotBindTheAttestationKey_IsRefused(int offset)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { ChangeQeReport = r => r[offset] ^= 1 };

        Assert.Equal("dcap.qe-report-data", (await run.RefusalAsync())?.Check);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(48)]
    [InlineData(128)]
    [InlineData(256)]
    public async Task QuotingEnclave_ThatIsNotTheOneOfTheIdentity_IsRefused(int offset)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { ChangeQeReport = r => r[offset] ^= 0x10 };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.qe-identity-match", refusal?.Check);
        Assert.Contains("0xE026", refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task QeIdentity_OfTheEnclaveForSgxWithAQuoteOfATd_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Collateral = run.Collateral with { ChangeQeIdentity = i => i["id"] = "QE" };

        Assert.Equal("dcap.qe-identity-match", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Quote_ChangedAfterSigning_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { ChangeFinished = q => q[48 + 520] ^= 1 };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.quote-signature", refusal?.Check);
        Assert.Contains("0xE068", refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AttestationKey_ThatIsNoPointOfTheCurve_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        byte[] point = new byte[64];
        point[0] = 1;
        byte[] auth = run.Quote.AuthenticationData;
        run.Quote = run.Quote with
        {
            ChangeQeReport = r => SHA256.HashData((byte[])[.. point, .. auth], r.AsSpan(320)),
            ChangeFinished = q => point.CopyTo(q, AttestationKeyAt),
        };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.quote-signature", refusal?.Check);
        Assert.Contains("0xE01D", refusal!.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("platform")]
    [InlineData("pcesvn")]
    [InlineData("tdx")]
    [InlineData("module")]
    [InlineData("qe")]
    public async Task Versions_BelowEveryLevel_AreRefused(string which)
    {
        IntelLab.Run run = _lab.NewRun();
        byte[] sgx = [.. _lab.Platform.Options.Components];
        byte[] tdx = [0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        int pceSvn = _lab.Platform.Options.PceSvn;
        switch (which)
        {
            case "platform":
                sgx[15]++;
                break;
            case "pcesvn":
                pceSvn++;
                break;
            case "tdx":
                tdx[2]++;
                break;
            case "module":
                run.Collateral = run.Collateral with { ModuleLevels = [new SimulatedSvnLevel(12, "UpToDate")] };
                break;
            default:
                run.Collateral = run.Collateral with { QeLevels = [new SimulatedSvnLevel(9, "UpToDate")] };
                break;
        }

        run.Collateral = run.Collateral with { Levels = [new SimulatedTcbLevel(sgx, pceSvn, tdx, "UpToDate")] };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.tcb-level", refusal?.Check);
        Assert.Contains("0xE066", refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task VersionsThatRunNow_BelowEveryLevel_AreRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { Version = 5, Is15 = true, TeeTcbSvn2 = [1, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] };

        Assert.Equal("dcap.tcb-level-current", (await run.RefusalAsync())?.Check);
    }

    [Theory]
    [InlineData("platform")]
    [InlineData("module")]
    [InlineData("qe")]
    public async Task Level_ThatIsRevoked_IsRefused(string which)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Collateral = which switch
        {
            "platform" => run.Collateral with { Levels = [new SimulatedTcbLevel(new byte[16], 0, new byte[16], "Revoked")] },
            "module" => run.Collateral with { ModuleLevels = [new SimulatedSvnLevel(4, "Revoked")] },
            _ => run.Collateral with { QeLevels = [new SimulatedSvnLevel(4, "Revoked")] },
        };

        Refusal? refusal = await run.RefusalAsync();

        Assert.Equal("dcap.tcb-status", refusal?.Check);
        Assert.Equal(RefusalCode.Revoked, refusal!.Code);
        Assert.Contains("0xE032", refusal.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_ThatTheOptionsDoNotAccept_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Options = _lab.Options with { AcceptedStatuses = [TcbStatus.UpToDate] };
        run.Collateral = run.Collateral with { QeLevels = [new SimulatedSvnLevel(4, "OutOfDate")] };

        Assert.Equal("dcap.tcb-status", (await run.RefusalAsync())?.Check);
    }

    [Fact]
    public async Task Revoked_EvenWhenTheOptionsAcceptIt_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Options = _lab.Options with { AcceptedStatuses = [TcbStatus.UpToDate, TcbStatus.Revoked] };
        run.Collateral = run.Collateral with { QeLevels = [new SimulatedSvnLevel(4, "Revoked")] };

        Assert.Equal(RefusalCode.Revoked, (await run.RefusalAsync())?.Code);
    }

    private static CertificateContent WithoutAuthority(CertificateContent content) =>
        content with { Extensions = [.. content.Extensions.Where(e => e is not X509BasicConstraintsExtension), new X509BasicConstraintsExtension(false, false, 0, true)] };

    private static string Pem(byte[] der) => PemEncoding.WriteString("CERTIFICATE", der) + "\n";

    private sealed class AskedProvider(List<CollateralKey> asked) : ICollateralProvider
    {
        public ValueTask<Result<CollateralItem>> GetAsync(CollateralKey key, CancellationToken ct)
        {
            asked.Add(key);
            return new(new Refusal(RefusalCode.NotFound, "nothing here"));
        }
    }

    private sealed class SwitchedProvider : ICollateralProvider
    {
        public Dictionary<string, CollateralItem> Items { get; set; } = [];

        public ValueTask<Result<CollateralItem>> GetAsync(CollateralKey key, CancellationToken ct) => new(Items[key.Kind]);
    }
}
