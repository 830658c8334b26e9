// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Simulator.Intel;
using Coco.Verifiers.Intel;

namespace Coco.Verifiers.Tests.Intel;

public sealed class SgxVerifierTests : IDisposable
{
    private readonly IntelLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Verify_OrdinaryEnclave_GivesAllClaims(int tcbInfoVersion)
    {
        IntelLab.Run run = _lab.NewRun();
        byte[] reportData = [.. Enumerable.Range(0, 48).Select(i => (byte)(i + 1))];
        run.Quote = new SimulatedQuoteOptions { Version = 3, ReportData = reportData, ConfigId = [7, 7] };
        run.Collateral = run.Collateral with { TcbInfoVersion = tcbInfoVersion };
        run.ReportData = Binding.ToDigest(reportData);
        run.InitData = Binding.ToDigest(new byte[] { 7, 7 });

        JsonObject claims = await run.ClaimsAsync(sgx: true);

        Assert.Equal(
            ["version", "att_key_type", "att_key_data_0", "qe_svn", "pce_svn", "vendor_id", "user_data"],
            claims["header"]!.AsObject().Select(c => c.Key));
        Assert.Equal(
            [
                "cpu_svn", "misc_select", "reserved1", "isv_ext_prod_id", "attributes.flags", "attributes.xfrm", "mr_enclave", "reserved2", "mr_signer",
                "reserved3", "config_id", "isv_prod_id", "isv_svn", "config_svn", "reserved4", "isv_family_id", "report_data",
            ],
            claims["body"]!.AsObject().Select(c => c.Key));
        Assert.StartsWith("0707", (string?)claims["init_data"], StringComparison.Ordinal);
        Assert.Equal("0300", (string?)claims["header"]!["version"]);
        Assert.Equal("UpToDate", (string?)claims["tcb_status"]);
    }

    [Fact]
    public async Task Verify_EvidenceWithoutQuote_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Evidence = new JsonObject { ["quote"] = string.Empty };

        Refusal? refusal = await run.SgxRefusalAsync();

        Assert.Equal("sgx.evidence", refusal?.Check);
        Assert.Equal("SGX Quote is empty.", refusal!.Detail);
    }

    [Fact]
    public async Task Verify_QuoteCutShort_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.Evidence = new JsonObject { ["quote"] = Convert.ToBase64String(new byte[20]) };

        Assert.Equal("sgx.quote-format", (await run.SgxRefusalAsync())?.Check);
    }

    [Theory]
    [InlineData(5, true)]
    [InlineData(5, false)]
    public async Task Verify_QuoteThatIsNotVersion3_IsRefused(int version, bool isTrustDomain)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { Version = version, IsTrustDomain = isTrustDomain };

        Assert.Equal("sgx.quote-kind", (await run.SgxRefusalAsync())?.Check);
    }

    [Fact]
    public async Task Verify_OtherReportData_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.ReportData = Binding.ToDigest(Enumerable.Repeat((byte)1, 48).ToArray());

        Assert.Equal("sgx.report-data", (await run.SgxRefusalAsync())?.Check);
    }

    [Fact]
    public async Task Verify_OtherInitData_IsRefused()
    {
        IntelLab.Run run = _lab.NewRun();
        run.InitData = Binding.ToDigest(Enumerable.Repeat((byte)1, 32).ToArray());

        Assert.Equal("sgx.init-data", (await run.SgxRefusalAsync())?.Check);
    }

    [Theory]
    [InlineData(1, 34)]
    [InlineData(1, 36)]
    [InlineData(2, 276)]
    [InlineData(3, 404)]
    public async Task Verify_QuoteThatOnlyNamesItsPlatform_TakesTheCertificateFromCollateral(int type, int length)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Quote = run.Quote with { Version = 3, CertificationDataType = type, CertificationData = new byte[length] };
        run.ChangeItems = items => items[CollateralKinds.IntelPck] =
            new CollateralItem(_lab.Platform.PckCertificate) { IssuerChain = System.Text.Encoding.ASCII.GetBytes(_lab.Platform.IssuerChain) };

        Assert.Equal("UpToDate", (string?)(await run.ClaimsAsync(sgx: true))["tcb_status"]);
    }
}
