// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Coco.Client;
using Coco.Protocol;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>Clients that are slow, large or many, against the real server.</summary>
public sealed class HostileClientTests
{
    private const int Many = 10_000;
    private static readonly string[] Plain = ["--allow-all", "--set", "http_server.insecure_http=true"];

    [Fact]
    public async Task SlowClients_AreSentAwayWhileOthersAreServed()
    {
        await using TrusteeProcess trustee = await TrusteeProcess.StartAsync([.. Plain, "--set", "http_server.header_timeout=2"], tls: false);
        using RawConnection slowHead = await RawConnection.OpenAsync(trustee.Url);
        using RawConnection slowBody = await RawConnection.OpenAsync(trustee.Url);
        await slowHead.SendAsync("POST /kbs/v0/auth HTTP/1.1\r\nHost: kbs\r\nX-Slow: ");
        await slowBody.SendAsync("POST /kbs/v0/auth HTTP/1.1\r\nHost: kbs\r\nContent-Length: 100000\r\n\r\n{");

        Task<string> head = slowHead.DripUntilClosedAsync('a');
        Task<string> body = slowBody.DripUntilClosedAsync(' ');
        await AttestsAsync(trustee);

        Assert.StartsWith("HTTP/1.1 408", await head);
        Assert.StartsWith("HTTP/1.1 408", await body);
        await AttestsAsync(trustee);
    }

    [Fact]
    public async Task LargeRequests_AreRefusedAtTheirLimits()
    {
        await using TrusteeProcess trustee = await TrusteeProcess.StartAsync(
            [.. Plain, "--set", "http_server.payload_request_size=1", "--set", "http_server.header_size=128"], tls: false);
        using var http = new HttpClient { BaseAddress = trustee.Url };

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, await PostAsync(new ByteArrayContent(new byte[(1 << 20) + 1])));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, await PostAsync(new StreamContent(new MemoryStream(new byte[3 << 20])), chunked: true));
        Assert.Equal(HttpStatusCode.Unauthorized, await PostAsync(new ByteArrayContent(new byte[1 << 20])));
        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, await GetAsync("kbs/v0/resource/a/b/c", new string('t', 129 << 10)));
        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync("kbs/v0/resource/a/b/c", new string('t', 100 << 10)));
        Assert.Equal(HttpStatusCode.RequestUriTooLong, await GetAsync("kbs/v0/resource/a/b/" + new string('c', 129 << 10), "t"));
        await AttestsAsync(trustee);

        async Task<HttpStatusCode> PostAsync(HttpContent content, bool chunked = false)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "kbs/v0/auth") { Content = content };
            request.Headers.TransferEncodingChunked = chunked;
            using HttpResponseMessage answer = await http.SendAsync(request);
            return answer.StatusCode;
        }

        async Task<HttpStatusCode> GetAsync(string path, string token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            using HttpResponseMessage answer = await http.SendAsync(request);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task HalfOpenHandshakes_ByTheThousands_StoreNothingAndHinderNobody()
    {
        await using TrusteeProcess trustee = await TrusteeProcess.StartAsync(Plain, tls: false);
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false, MaxConnectionsPerServer = 16 }) { BaseAddress = trustee.Url };
        await AttestsAsync(trustee);
        long memory = Resident(trustee);
        long stored = Stored(trustee);

        await Parallel.ForEachAsync(Enumerable.Range(0, Many), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, ct) =>
        {
            using HttpResponseMessage challenge = await http.PostAsync("kbs/v0/auth", new StringContent(SampleExchange.Auth, Encoding.UTF8), ct);
            Assert.Equal(HttpStatusCode.OK, challenge.StatusCode);
        });

        await AttestsAsync(trustee);
        Assert.True(Resident(trustee) - memory < 100 << 20, "memory grew with challenges that nobody answered");
        Assert.True(Stored(trustee) - stored < 4 << 20, "the store grew with challenges that nobody answered");
    }

    [Fact]
    public async Task HalfOpenTlsHandshakes_ByTheThousands_EndWithinTheirTime()
    {
        await using TrusteeProcess trustee = await TrusteeProcess.StartAsync(["--allow-all", "--set", "http_server.handshake_timeout=5"]);
        int many = Math.Min(Many, OpenFileLimit() - 2000);
        var open = new List<RawConnection>(many);
        try
        {
            for (int i = 0; i < many; i++)
            {
                open.Add(await RawConnection.OpenAsync(trustee.Url));
            }

            await AttestsAsync(trustee);
            await Task.WhenAll(open.Select(c => c.ReadToEndAsync()));
        }
        finally
        {
            open.ForEach(c => c.Dispose());
        }

        await AttestsAsync(trustee);
    }

    [Fact]
    public async Task Connections_BeyondTheirNumber_AreClosedAndNoneIsHeldForEver()
    {
        await using TrusteeProcess trustee = await TrusteeProcess.StartAsync(
            [.. Plain, "--set", "http_server.max_connections=20", "--set", "http_server.idle_timeout=5"], tls: false);
        RawConnection[] open = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => RawConnection.OpenAsync(trustee.Url)));

        using RawConnection refused = await RawConnection.OpenAsync(trustee.Url);
        Assert.Empty(await refused.ReadToEndAsync());
        await Task.WhenAll(open.Select(c => c.ReadToEndAsync()));
        await AttestsAsync(trustee);

        Array.ForEach(open, c => c.Dispose());
    }

    private static async Task AttestsAsync(TrusteeProcess trustee)
    {
        using KbsClient guest = KbsClient.Create(trustee.Url, new SampleEvidenceProvider(), trustee.Connection);
        Result<AttestationToken> token = await guest.AttestAsync();
        Assert.True(token.TryGet(out _, out Refusal? refusal), refusal?.ToString());
    }

    // The hard limit, which the runtime raised the soft one to; the server that the test starts has the same.
    private static int OpenFileLimit() => int.TryParse(
        File.ReadLines("/proc/self/limits").First(l => l.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[4], out int hard) ? hard : int.MaxValue;

    private static long Resident(TrusteeProcess trustee)
    {
        trustee.Server.Process.Refresh();
        return trustee.Server.Process.WorkingSet64;
    }

    private static long Stored(TrusteeProcess trustee) => Directory.EnumerateFiles(trustee.Home, "trustee.db*").Sum(f => new FileInfo(f).Length);
}
