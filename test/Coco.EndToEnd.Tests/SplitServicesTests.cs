// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>Key broker, attestation service and reference value provider in three processes, over the reference's gRPC.</summary>
public sealed class SplitServicesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coco-split-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Attest_ThroughARemoteService_ShowsItsDecisionAndOnlyThat()
    {
        int rvps = FreePort.Next(), grpc = FreePort.Next(), admin = FreePort.Next();
        await using ServiceProcess values = await ServiceProcess.StartAsync(Sub("rvps"), ["rvps", "--address", $"127.0.0.1:{rvps}"], "{}");
        await using ServiceProcess attestation = await ServiceProcess.StartAsync(
            Sub("as"),
            ["as", "--grpc-socket", $"127.0.0.1:{grpc}", "--admin-socket", $"127.0.0.1:{admin}"],
            $$"""{"rvps_config":{"type":"GrpcRemote","address":"127.0.0.1:{{rvps}}"} }""",
            listeners: 2);
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false });
        string keys = Path.Combine(_folder, "keys.json");
        await File.WriteAllTextAsync(keys, await http.GetStringAsync(new Uri($"http://127.0.0.1:{grpc}/.well-known/jwks.json")));
        string configuration = Path.Combine(_folder, "kbs.toml");
        await File.WriteAllTextAsync(configuration, $"""
            [http_server]
            insecure_http = true
            [admin]
            authorization_mode = "InsecureAllowAll"
            [attestation_service]
            type = "coco_as_grpc"
            as_addr = "http://127.0.0.1:{grpc}"
            [attestation_token]
            trusted_jwk_sets = ["file://{keys}"]
            """);
        await using TrusteeProcess broker = await TrusteeProcess.StartAsync(["-c", configuration], tls: false);

        (HttpStatusCode good, string goodId, string cookie) = await AttestAsync(http, broker.Url, spoil: false);
        (HttpStatusCode bad, string badId, string badBody) = await AttestAsync(http, broker.Url, spoil: true);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(broker.Url, "kbs/v0/resource/a/b/c"));
        request.Headers.Add("Cookie", cookie);
        using HttpResponseMessage denied = await http.SendAsync(request);
        string explained = await ExplainAsync(badId, $"http://127.0.0.1:{admin}", attestation.AdminTokenPath);
        string release = await ExplainAsync(denied.Headers.GetValues("Coco-Decision-Id").Single(), broker.Url.ToString(), attestation.AdminTokenPath);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (good, bad));
        Assert.NotEqual(goodId, badId);
        Assert.DoesNotContain("report", badBody, StringComparison.OrdinalIgnoreCase);
        Assert.StartsWith("GET /kbs/v0/resource/a/b/c was refused: ", release, StringComparison.Ordinal);
        Assert.StartsWith("the sample evidence did not pass sample.report-data: ", explained, StringComparison.Ordinal);
    }

    private static async Task<(HttpStatusCode Status, string DecisionId, string BodyOrCookie)> AttestAsync(HttpClient http, Uri url, bool spoil)
    {
        using ECDiffieHellman key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        using HttpResponseMessage challenged = await PostAsync(http, new Uri(url, "kbs/v0/auth"), SampleExchange.Auth, null);
        string nonce = (string)JsonNode.Parse(await challenged.Content.ReadAsStringAsync())!["nonce"]!;
        string cookie = challenged.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        string body = SampleExchange.Attest(nonce, key);
        if (spoil)
        {
            body = body.Replace("\"report_data\":\"", "\"report_data\":\"AAAA", StringComparison.Ordinal);
        }

        using HttpResponseMessage attested = await PostAsync(http, new Uri(url, "kbs/v0/attest"), body, cookie);
        return (attested.StatusCode, attested.Headers.GetValues("Coco-Decision-Id").Single(), spoil ? await attested.Content.ReadAsStringAsync() : cookie);
    }

    private static Task<string> ExplainAsync(string id, string url, string tokenPath) => ServerProcess.RunAsync(
        TrusteeProcess.Program("Coco.Cli", "coco"), ["explain", id, "--url", url, "--admin-token-file", tokenPath]);

    private static async Task<HttpResponseMessage> PostAsync(HttpClient http, Uri url, string body, string? cookie)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        if (cookie is not null)
        {
            request.Headers.Add("Cookie", cookie);
        }

        return await http.SendAsync(request);
    }

    private string Sub(string name) => Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
}
