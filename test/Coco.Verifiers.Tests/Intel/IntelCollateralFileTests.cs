// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json.Nodes;
using Coco.Simulator.Intel;
using Coco.Verifiers.Intel;

namespace Coco.Verifiers.Tests.Intel;

public sealed class IntelCollateralFileTests : IDisposable
{
    private readonly IntelLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ClientToolForm_GivesWhatAQuoteNeeds(bool withEarly)
    {
        IntelLab.Run run = _lab.NewRun();
        run.Provider = IntelCollateralFile.Parse(Encoding.UTF8.GetBytes(ClientTool(withEarly, null).ToJsonString())).Require();

        Assert.Equal("UpToDate", (string?)(await run.ClaimsAsync())["tcb_status"]);
    }

    [Fact]
    public async Task SingleObjectForm_GivesWhatAQuoteNeeds()
    {
        IntelLab.Run run = _lab.NewRun();
        string json = _lab.Vendor.MakeCollateral(_lab.Platform).ToSingleObject().ToJsonString();
        run.Provider = IntelCollateralFile.Parse(Encoding.UTF8.GetBytes(json)).Require();

        Assert.Equal("UpToDate", (string?)(await run.ClaimsAsync())["tcb_status"]);
    }

    [Fact]
    public void ClientToolForm_WithAnotherDistributionPoint_IsRefused() => Assert.Equal(
        RefusalCode.Mismatch,
        IntelCollateralFile.Parse(Encoding.UTF8.GetBytes(ClientTool(false, "https://example.invalid/root.der").ToJsonString())).Refusal?.Code);

    [Fact]
    public async Task FileSource_WhenTheFileChanges_IsReadAgain()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("coco-intel-").FullName, "collateral.json");
        var source = new IntelCollateralFileSource(path);
        var key = new CollateralKey(CollateralKinds.IntelRootCrl, "root");
        await Assert.ThrowsAsync<CollateralUnavailableException>(async () => await source.FetchAsync(key, TestContext.Current.CancellationToken));

        await File.WriteAllTextAsync(path, ClientTool(false, null).ToJsonString(), TestContext.Current.CancellationToken);
        File.SetLastWriteTimeUtc(path, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Result<CollateralItem> first = await source.FetchAsync(key, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(path, "{}", TestContext.Current.CancellationToken);
        File.SetLastWriteTimeUtc(path, new DateTime(2026, 1, 2, 0, 0, 0, DateTimeKind.Utc));
        Result<CollateralItem> second = await source.FetchAsync(key, TestContext.Current.CancellationToken);

        Assert.Null(first.Refusal);
        Assert.Equal(RefusalCode.Malformed, second.Refusal?.Code);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Theory]
    [InlineData("https://api.trustedservices.intel.com/sgx/certification/v4/")]
    [InlineData("https://pccs.example.invalid:8081/")]
    public async Task ProvisioningService_GivesWhatAQuoteNeeds_AndIsAskedOnce(string address)
    {
        IntelLab.Run run = _lab.NewRun();
        using SimulatedPcsHandler handler = SimulatedIntel.CreateProvisioningService(_lab.Platform, null, _lab.Vendor.MakeCollateral(_lab.Platform));
        using var http = new HttpClient(handler);
        await using var service = new CollateralService(new CollateralOptions { Sources = [new IntelPcsSource(http, new Uri(address))], Clock = _lab.Clock });
        run.Provider = service;
        DcapVerifier dcap = run.NewVerifier();

        Assert.Null((await run.VerifyAsync(sgx: false, dcap)).Refusal);
        Assert.Null((await run.VerifyAsync(sgx: false, dcap)).Refusal);

        Assert.Equal(4, handler.Requests);
    }

    [Fact]
    public async Task ProvisioningService_ThatHasNoCollateral_IsARefusal()
    {
        IntelLab.Run run = _lab.NewRun();
        using SimulatedPcsHandler handler = SimulatedIntel.CreateProvisioningService(_lab.Platform, null, null);
        using var http = new HttpClient(handler);
        await using var service = new CollateralService(new CollateralOptions { Sources = [new IntelPcsSource(http)], Clock = _lab.Clock });
        run.Provider = service;

        Assert.Equal("dcap.collateral", (await run.RefusalAsync())?.Check);
    }

    private JsonObject ClientTool(bool withEarly, string? distributionPoint)
    {
        SimulatedCollateral tdx = _lab.Vendor.MakeCollateral(_lab.Platform);
        SimulatedCollateral old = _lab.Vendor.MakeCollateral(_lab.Platform, new SimulatedCollateralOptions { QeLevels = [new SimulatedSvnLevel(1, "OutOfDate")] });
        JsonObject Raw(string json) => JsonNode.Parse(json)!.AsObject();
        var info = new JsonObject { ["fmspc"] = "90C06F000000", ["tdx_tcbinfo"] = Raw(tdx.TcbInfo) };
        var all = new JsonObject
        {
            ["tcbinfos"] = new JsonArray(info),
            ["pckcacrl"] = new JsonObject { ["platformCrl"] = Convert.ToHexString(tdx.PckCrl) },
            ["tdqeidentity"] = Raw(withEarly ? old.QeIdentity : tdx.QeIdentity),
            ["certificates"] = new JsonObject
            {
                ["TCB-Info-Issuer-Chain"] = Uri.EscapeDataString(tdx.SignerChain),
                ["SGX-Enclave-Identity-Issuer-Chain"] = Uri.EscapeDataString(tdx.SignerChain),
                ["SGX-PCK-Certificate-Issuer-Chain"] = new JsonObject { ["PLATFORM"] = Uri.EscapeDataString(tdx.PckCrlChain) },
            },
            ["rootcacrl"] = Convert.ToHexString(tdx.RootCrl),
            ["rootcacrl_cdp"] = distributionPoint ?? "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der",
        };
        if (withEarly)
        {
            all["tdqeidentity_early"] = Raw(tdx.QeIdentity);
        }

        return new JsonObject { ["collaterals"] = all };
    }
}
