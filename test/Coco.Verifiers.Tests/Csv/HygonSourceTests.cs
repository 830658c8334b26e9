// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Coco.Simulator.Csv;
using Coco.Verifiers.Csv;
using Coco.Verifiers.SecureExecution;

namespace Coco.Verifiers.Tests.Csv;

/// <summary>Where the certificates of chips and the lists of host keys come from.</summary>
public sealed class HygonSourceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coco-hygon").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Directory_InTheReferencesLayout_GivesBoth()
    {
        var hygon = new SimulatedHygon();
        Directory.CreateDirectory(Path.Combine(_folder, "csv", "CHIP1"));
        Directory.CreateDirectory(Path.Combine(_folder, "dcu"));
        await File.WriteAllBytesAsync(Path.Combine(_folder, "csv", "CHIP1", "hsk_cek.cert"), hygon.HskCek, TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(Path.Combine(_folder, "dcu", "CHIP2_hsk_cek.cert"), hygon.HskCek, TestContext.Current.CancellationToken);
        var source = new HygonKeyDirectory(Path.Combine(_folder, "csv"), Path.Combine(_folder, "dcu"));

        Assert.Equal(hygon.HskCek, (await FetchAsync(source, "csv/CHIP1")).Require().Body.ToArray());
        Assert.Equal(hygon.HskCek, (await FetchAsync(source, "dcu/CHIP2")).Require().Body.ToArray());
        Assert.Equal(RefusalCode.NotFound, (await FetchAsync(source, "csv/CHIP2")).Refusal!.Code);
        Assert.False(source.Serves(CollateralKinds.AmdCrl));
    }

    [Theory]
    [InlineData("csv/../dcu")]
    [InlineData("csv/..")]
    [InlineData("csv/")]
    [InlineData("CHIP1")]
    [InlineData("csv/a/b")]
    public async Task Directory_NameThatLeavesIt_HasNone(string id)
    {
        var source = new HygonKeyDirectory(_folder, _folder);

        Assert.Equal(RefusalCode.NotFound, (await FetchAsync(source, id)).Refusal!.Code);
    }

    [Fact]
    public async Task Service_Answer_IsTakenOnlyInFullLength()
    {
        var hygon = new SimulatedHygon();
        using var handler = new Answers(_ => (HttpStatusCode.OK, hygon.HskCek));
        using var http = new HttpClient(handler);
        using var shortHandler = new Answers(_ => (HttpStatusCode.OK, hygon.Hsk));
        using var shortHttp = new HttpClient(shortHandler);

        Assert.Equal(hygon.HskCek, (await FetchAsync(new HygonKeyService(http), "csv/CHIP1")).Require().Body.ToArray());
        Assert.Equal("https://cert.hygon.cn/hsk_cek?snumber=CHIP1", handler.Last);
        Assert.Equal(RefusalCode.NotFound, (await FetchAsync(new HygonKeyService(shortHttp), "csv/CHIP1")).Refusal!.Code);
        Assert.Equal(RefusalCode.NotFound, (await FetchAsync(new HygonKeyService(http), "csv/a&b=c")).Refusal!.Code);
    }

    [Fact]
    public async Task RevocationLists_OfOtherHosts_AreNotAskedFor()
    {
        using var handler = new Answers(_ => (HttpStatusCode.OK, [1]));
        using var http = new HttpClient(handler);
        var source = new RevocationListService(http, ["crl.example.com"]);

        Assert.Equal([1], (await FetchAsync(source, "crl.example.com/a.crl", CollateralKinds.IbmCrl)).Require().Body.ToArray());
        Assert.Equal("http://crl.example.com/a.crl", handler.Last);
        Assert.Equal(RefusalCode.NotFound, (await FetchAsync(source, "169.254.169.254/latest", CollateralKinds.IbmCrl)).Refusal!.Code);
        Assert.Equal(RefusalCode.NotFound, (await FetchAsync(source, "crl.example.com@other.example/a.crl", CollateralKinds.IbmCrl)).Refusal!.Code);
    }

    private static async Task<Result<CollateralItem>> FetchAsync(ICollateralSource source, string id, string kind = CollateralKinds.HygonHskCek) =>
        await source.FetchAsync(new CollateralKey(kind, id), TestContext.Current.CancellationToken);

    private sealed class Answers(Func<string, (HttpStatusCode, byte[])> answer) : HttpMessageHandler
    {
        public string Last { get; private set; } = string.Empty;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Last = request.RequestUri!.AbsoluteUri;
            (HttpStatusCode status, byte[] body) = answer(Last);
            return Task.FromResult(new HttpResponseMessage(status) { Content = new ByteArrayContent(body) });
        }
    }
}
