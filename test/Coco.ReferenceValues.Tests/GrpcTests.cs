// SPDX-License-Identifier: Apache-2.0
using Coco.Protocol.RvpsGrpc;
using Coco.Storage;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Coco.ReferenceValues.Tests;

/// <summary>The wire service, driven by a generated client (rvps.md 2), and the commands of rvps-tool over it.</summary>
public sealed class GrpcTests : IAsyncLifetime
{
    private WebApplication _app = null!;
    private GrpcChannel _channel = null!;
    private ReferenceValueProviderService.ReferenceValueProviderServiceClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseTestServer();
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.Services.AddGrpc(o => o.MaxReceiveMessageSize = ReferenceValueMessage.MaxBytes);
        builder.Services.AddSingleton<IStoreProvider>(new MemoryStoreProvider(TimeProvider.System));
        builder.Services.AddCocoReferenceValues(new ReferenceValuesOptions());
        _app = builder.Build();
        _app.MapCocoReferenceValues();
        await _app.StartAsync();
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = _app.GetTestServer().CreateHandler() });
        _client = new ReferenceValueProviderService.ReferenceValueProviderServiceClient(_channel);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task RegisterQueryDelete_RoundTrip()
    {
        await _client.RegisterReferenceValueAsync(new ReferenceValueRegisterRequest { Message = TestService.Message("sample", TestService.Base64("""{"x":["1"],"rvps:///a:v1":2}""")) });

        Assert.Equal("""["1"]""", (await QueryAsync("x")).ReferenceValueResults);
        Assert.Equal("2", (await QueryAsync("rvps:///a:v1")).ReferenceValueResults);
        Assert.False((await QueryAsync("unknown")).HasReferenceValueResults);
        Assert.False((await QueryAsync("__healthcheck__")).HasReferenceValueResults);
        Assert.Equal("""{"rvps:///a:v1":2,"x":["1"]}""", (await QueryAsync(string.Empty)).ReferenceValueResults);
        await _client.DeleteReferenceValueAsync(new ReferenceValueDeleteRequest { Name = "x" });
        Assert.False((await QueryAsync("x")).HasReferenceValueResults);
    }

    [Fact]
    public async Task Failures_AreAbortedWithTheirPrefix()
    {
        async Task<string> DetailAsync(Func<Task> call)
        {
            RpcException e = await Assert.ThrowsAsync<RpcException>(call);
            Assert.Equal(StatusCode.Aborted, e.StatusCode);
            return e.Status.Detail;
        }

        Assert.Equal(
            "Register reference value: Could not find extractor for nobody",
            await DetailAsync(async () => await _client.RegisterReferenceValueAsync(new ReferenceValueRegisterRequest { Message = TestService.Message("nobody", "") })));
        Assert.StartsWith(
            "Delete reference value: ",
            await DetailAsync(async () => await _client.DeleteReferenceValueAsync(new ReferenceValueDeleteRequest { Name = "unknown" })),
            StringComparison.Ordinal);
        Assert.StartsWith(
            "Set reference value list: ",
            await DetailAsync(async () => await _client.SetReferenceValueListAsync(new ReferenceValueListRequest { Payload = "{}" })),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tool_Commands_PrintWhatTheReferencePrints()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();

        Assert.Equal(0, await ReferenceValueTool.RegisterAsync(_channel, TestService.Message("sample", TestService.Base64("""{"y":["1"]}""")), output, error, CancellationToken.None));
        Assert.Equal(0, await ReferenceValueTool.QueryAsync(_channel, "y", output, error, CancellationToken.None));
        Assert.Equal(0, await ReferenceValueTool.QueryAsync(_channel, "z", output, error, CancellationToken.None));
        Assert.Equal(0, await ReferenceValueTool.DeleteAsync(_channel, "y", output, error, CancellationToken.None));
        Assert.Equal(1, await ReferenceValueTool.RegisterAsync(_channel, "{", output, error, CancellationToken.None));

        Assert.Contains("[\n  \"1\"\n]", output.ToString().ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Contains("No reference values found for the given id", output.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("Register reference value: ", error.ToString(), StringComparison.Ordinal);
    }

    private async Task<ReferenceValueQueryResponse> QueryAsync(string id) =>
        await _client.QueryReferenceValueAsync(new ReferenceValueQueryRequest { ReferenceValueId = id });
}
