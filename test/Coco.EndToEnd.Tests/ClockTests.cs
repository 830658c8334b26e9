// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Client;
using Coco.Protocol;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>The server's clock jumps, under Debian's libfaketime.</summary>
public sealed class ClockTests : IDisposable
{
    private const string Library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string _offset = Path.GetTempFileName();
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseCookies = false });

    public void Dispose()
    {
        _http.Dispose();
        File.Delete(_offset);
    }

    [Fact]
    public async Task Jumps_EndSessionsAndTokensAndNewOnesWork()
    {
        Assert.SkipUnless(File.Exists(Library), "libfaketime is not installed");
        await File.WriteAllTextAsync(_offset, "+0\n");
        await using TrusteeProcess trustee = await TrusteeProcess.StartAsync(
            ["--set", "http_server.insecure_http=true"],
            environment: new Dictionary<string, string>
            {
                ["LD_PRELOAD"] = Library,
                ["FAKETIME_TIMESTAMP_FILE"] = _offset,
                ["FAKETIME_NO_CACHE"] = "1",
                ["DONT_FAKE_MONOTONIC"] = "1",
            },
            tls: false);
        string administrator = trustee.AdminToken;
        Assert.Equal(HttpStatusCode.OK, await WriteAsync(trustee, administrator));
        using (KbsAdminClient admin = trustee.Admin())
        {
            Assert.Null(await admin.SetResourcePolicyAsync(SampleExchange.AllowResources));
        }

        using ECDiffieHellman key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        (string cookie, string token) = await AttestAsync(trustee, key);
        Assert.Equal("OK", await ReadAsync(trustee, "Cookie", cookie));
        Assert.Equal("OK", await ReadAsync(trustee, "Authorization", "Bearer " + token));

        await JumpAsync(trustee, "+1h");
        Assert.Equal("TokenNotFound", await ReadAsync(trustee, "Cookie", cookie));
        Assert.Equal("TokenVerifierError", await ReadAsync(trustee, "Authorization", "Bearer " + token));
        (string later, _) = await AttestAsync(trustee, key);
        Assert.Equal("OK", await ReadAsync(trustee, "Cookie", later));

        await JumpAsync(trustee, "+400d");
        Assert.Equal(HttpStatusCode.Unauthorized, await WriteAsync(trustee, administrator));
        await AttestAsync(trustee, key);

        // Back: what was made in the meantime lives on, and new sessions work at once.
        await JumpAsync(trustee, "-2h");
        Assert.Equal(HttpStatusCode.OK, await WriteAsync(trustee, administrator));
        Assert.Equal("OK", await ReadAsync(trustee, "Cookie", later));
        (string earlier, _) = await AttestAsync(trustee, key);
        Assert.Equal("OK", await ReadAsync(trustee, "Cookie", earlier));
    }

    private async Task JumpAsync(TrusteeProcess trustee, string offset)
    {
        await File.WriteAllTextAsync(_offset, offset + "\n");
        TimeSpan expected = offset[^1] == 'd' ? TimeSpan.FromDays(int.Parse(offset[..^1])) : TimeSpan.FromHours(int.Parse(offset[..^1]));
        DateTimeOffset wanted = TimeProvider.System.GetUtcNow() + expected;
        await Poll.UntilAsync(
            async () =>
            {
                using HttpResponseMessage answer = await _http.GetAsync(new Uri(trustee.Url, "healthz"));
                return (answer.Headers.Date!.Value - wanted).Duration() < TimeSpan.FromMinutes(2);
            },
            "the server's new time",
            Limit);
    }

    private async Task<(string Cookie, string Token)> AttestAsync(TrusteeProcess trustee, ECDiffieHellman key)
    {
        using HttpResponseMessage challenged = await _http.PostAsync(new Uri(trustee.Url, "kbs/v0/auth"), new StringContent(SampleExchange.Auth));
        Assert.Equal(HttpStatusCode.OK, challenged.StatusCode);
        string cookie = challenged.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        string nonce = JsonNode.Parse(await challenged.Content.ReadAsStringAsync())!["nonce"]!.GetValue<string>();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(trustee.Url, "kbs/v0/attest")) { Content = new StringContent(SampleExchange.Attest(nonce, key)) };
        request.Headers.Add("Cookie", cookie);
        using HttpResponseMessage attested = await _http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, attested.StatusCode);
        return (cookie, JsonNode.Parse(await attested.Content.ReadAsStringAsync())!["token"]!.GetValue<string>());
    }

    private async Task<string> ReadAsync(TrusteeProcess trustee, string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(trustee.Url, "kbs/v0/resource/a/b/c"));
        request.Headers.Add(header, value);
        using HttpResponseMessage answer = await _http.SendAsync(request);
        return answer.IsSuccessStatusCode ? "OK" : JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["type"]!.GetValue<string>().Split('/')[^1];
    }

    private async Task<HttpStatusCode> WriteAsync(TrusteeProcess trustee, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(trustee.Url, "kbs/v0/resource/a/b/c")) { Content = new StringContent("a value", Encoding.UTF8) };
        request.Headers.Add("Authorization", "Bearer " + token);
        using HttpResponseMessage answer = await _http.SendAsync(request);
        return answer.StatusCode;
    }
}
