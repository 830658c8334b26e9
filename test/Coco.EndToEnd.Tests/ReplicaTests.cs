// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Client;
using Coco.Protocol;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>Two server processes over one PostgreSQL server.</summary>
public sealed class ReplicaTests(ReplicaTests.Database database) : IClassFixture<ReplicaTests.Database>, IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseCookies = false });
    private readonly List<TrusteeProcess> _started = [];
    private TrusteeProcess _one = null!;
    private TrusteeProcess _other = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(database.Server is null, PostgresServer.Missing ?? string.Empty);

        // At once: both find an empty database, and one signing key and one session key must come of it.
        TrusteeProcess[] both = await Task.WhenAll(StartAsync(), StartAsync());
        (_one, _other) = (both[0], both[1]);
        using KbsAdminClient admin = KbsAdminClient.Create(_one.Url, null);
        Assert.Null(await admin.SetResourcePolicyAsync(SampleExchange.AllowResources));
        Assert.Null(await admin.SetResourceAsync("replicas/probe/1", "for every guest"u8.ToArray()));
        await ReleasesAsync(_one);
        await ReleasesAsync(_other);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        foreach (TrusteeProcess process in _started)
        {
            await process.DisposeAsync();
        }
    }

    [Fact]
    public async Task Handshake_SpreadOverBoth_IsOneSession()
    {
        using ECDiffieHellman key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);

        using HttpResponseMessage challenged = await PostAsync(_one, "auth", SampleExchange.Auth, null);
        Assert.Equal(HttpStatusCode.OK, challenged.StatusCode);
        string cookie = challenged.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        string nonce = (await JsonAsync(challenged))["nonce"]!.GetValue<string>();
        using HttpResponseMessage attested = await PostAsync(_other, "attest", SampleExchange.Attest(nonce, key), cookie);
        Assert.Equal(HttpStatusCode.OK, attested.StatusCode);
        string token = (await JsonAsync(attested))["token"]!.GetValue<string>();

        foreach (TrusteeProcess replica in (TrusteeProcess[])[_one, _other])
        {
            using HttpResponseMessage byCookie = await GetAsync(replica, "kbs/v0/resource/replicas/probe/1", r => r.Headers.Add("Cookie", cookie));
            Assert.Equal("for every guest", SampleExchange.Open(await JsonAsync(byCookie), key));
            using HttpResponseMessage byToken = await GetAsync(replica, "kbs/v0/resource/replicas/probe/1", r => r.Headers.Add("Authorization", "Bearer " + token));
            Assert.Equal("for every guest", SampleExchange.Open(await JsonAsync(byToken), key));
        }

        string keys = await _http.GetStringAsync(new Uri(_one.Url, ".well-known/jwks.json"));
        Assert.Single(JsonNode.Parse(keys)!["keys"]!.AsArray());
        Assert.Equal(keys, await _http.GetStringAsync(new Uri(_other.Url, ".well-known/jwks.json")));
    }

    [Fact]
    public async Task Kill_OfOneUnderLoad_LosesNoAcknowledgedWrite()
    {
        var atKilled = new AcknowledgedWrites(_one.Url, "killed");
        var atOther = new AcknowledgedWrites(_other.Url, "other");
        using var stop = new CancellationTokenSource();
        Task killedLoad = atKilled.RunAsync(stop.Token);
        Task otherLoad = atOther.RunAsync(stop.Token);

        await Poll.UntilAsync(() => Task.FromResult(atKilled.Count >= 20 && atOther.Count >= 20), "20 writes at each", Limit);
        await _one.Server.KillAsync();
        await killedLoad;
        int before = atOther.Count;
        await Poll.UntilAsync(() => Task.FromResult(atOther.Count >= before + 12 || !atOther.Failures.IsEmpty), "writes after the kill", Limit);
        await stop.CancelAsync();
        await otherLoad;

        Assert.Empty(atOther.Failures);
        using KbsClient guest = KbsClient.Create(_other.Url, new SampleEvidenceProvider());
        Assert.Empty(await atKilled.FindLostAsync(guest));
        Assert.Empty(await atOther.FindLostAsync(guest));
    }

    [Fact]
    public async Task RollingRestart_BehindAProxy_FailsNoRequest()
    {
        Assert.SkipWhen(HaproxyServer.Missing is not null, HaproxyServer.Missing ?? string.Empty);
        await using HaproxyServer proxy = await HaproxyServer.StartAsync(_one.Url.Port, _other.Url.Port);
        var failures = new ConcurrentQueue<string>();
        var writes = new AcknowledgedWrites(proxy.Url, "rolling");
        int exchanges = 0;
        using var stop = new CancellationTokenSource();
        Task guests = Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                using KbsClient guest = KbsClient.Create(proxy.Url, new SampleEvidenceProvider());
                if (await FailureOfAsync(guest) is { } failure)
                {
                    failures.Enqueue(failure);
                }

                Interlocked.Increment(ref exchanges);
            }
        })));
        Task writers = writes.RunAsync(stop.Token);

        foreach (TrusteeProcess replica in (TrusteeProcess[])[_one, _other])
        {
            await MoreAsync();
            await replica.Server.TerminateAsync(Limit);
            Assert.Equal(0, replica.Server.Process.ExitCode);
            await MoreAsync();
            await StartAsync(replica.Url.Port);
            await ReadyAsync(replica, HttpStatusCode.OK);
            await Poll.UntilAsync(() => proxy.IsUpAsync(replica.Url.Port), "the proxy's trust", Limit);
        }

        await MoreAsync();
        await stop.CancelAsync();
        await Task.WhenAll(guests, writers);

        Assert.Empty(failures);
        Assert.Empty(writes.Failures);
        using KbsClient reader = KbsClient.Create(proxy.Url, new SampleEvidenceProvider());
        Assert.Empty(await writes.FindLostAsync(reader));

        Task MoreAsync()
        {
            int seen = Volatile.Read(ref exchanges), written = writes.Count;
            return Poll.UntilAsync(
                () => Task.FromResult(!failures.IsEmpty || !writes.Failures.IsEmpty || (Volatile.Read(ref exchanges) >= seen + 3 && writes.Count >= written + 3)), "traffic", Limit);
        }
    }

    [Fact]
    public async Task Database_GoneForTenSeconds_GivesServiceUnavailableUntilItIsBack()
    {
        using KbsClient guest = KbsClient.Create(_one.Url, new SampleEvidenceProvider());
        Assert.True((await guest.AttestAsync()).TryGet(out AttestationToken? token, out _));
        using ECDiffieHellman key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        using HttpResponseMessage challenged = await PostAsync(_one, "auth", SampleExchange.Auth, null);
        string cookie = challenged.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        string attest = SampleExchange.Attest((await JsonAsync(challenged))["nonce"]!.GetValue<string>(), key);

        await database.Server!.StopAsync();
        var outage = System.Diagnostics.Stopwatch.StartNew();
        int rounds = 0;
        try
        {
            foreach (TrusteeProcess replica in (TrusteeProcess[])[_one, _other])
            {
                await ReadyAsync(replica, HttpStatusCode.ServiceUnavailable);
            }

            do
            {
                TrusteeProcess replica = ++rounds % 2 == 0 ? _one : _other;
                using HttpResponseMessage ready = await GetAsync(replica, "readyz", _ => { });
                Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
                using HttpResponseMessage health = await GetAsync(replica, "healthz", _ => { });
                Assert.Equal(HttpStatusCode.OK, health.StatusCode);
                using HttpResponseMessage written = await PostAsync(replica, "resource/replicas/outage/1", "not stored", null);
                AssertUnavailable(written);
                using HttpResponseMessage read = await GetAsync(replica, "kbs/v0/resource/replicas/probe/1", r => r.Headers.Add("Authorization", "Bearer " + token.Compact));
                AssertUnavailable(read);
                using HttpResponseMessage attested = await PostAsync(replica, "attest", attest, cookie);
                AssertUnavailable(attested);
                Assert.False(replica.Server.Process.HasExited);
                await Task.Delay(200);
            }
            while (rounds < 4 || outage.Elapsed < TimeSpan.FromSeconds(10));
        }
        finally
        {
            await database.Server.ResumeAsync();
        }

        foreach (TrusteeProcess replica in (TrusteeProcess[])[_one, _other])
        {
            await ReadyAsync(replica, HttpStatusCode.OK);
            using HttpResponseMessage written = await PostAsync(replica, "resource/replicas/outage/2", "stored", null);
            Assert.Equal(HttpStatusCode.OK, written.StatusCode);
            using HttpResponseMessage attested = await PostAsync(replica, "attest", attest, cookie);
            Assert.Equal(HttpStatusCode.OK, attested.StatusCode);
            using HttpResponseMessage read = await GetAsync(replica, "kbs/v0/resource/replicas/outage/2", r => r.Headers.Add("Cookie", cookie));
            Assert.Equal("stored", SampleExchange.Open(await JsonAsync(read), key));
        }
    }

    private static void AssertUnavailable(HttpResponseMessage answer)
    {
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
    }

    private static async Task<JsonNode> JsonAsync(HttpResponseMessage answer) => JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;

    /// <summary>One whole exchange; null when it went well.</summary>
    private static async Task<string?> FailureOfAsync(KbsClient guest)
    {
        try
        {
            Result<Secret> got = await guest.GetResourceAsync("replicas/probe/1");
            if (!got.TryGet(out Secret? secret, out Refusal? refusal))
            {
                return refusal.ToString();
            }

            using (secret)
            {
                return secret.Reveal().SequenceEqual("for every guest"u8) ? null : "another value";
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            return e.Message;
        }
    }

    private async Task<TrusteeProcess> StartAsync(int? port = null)
    {
        TrusteeProcess started = await TrusteeProcess.StartAsync(
            ["--allow-all", "--set", "http_server.insecure_http=true", "--set", "storage_backend.storage_type=postgres"],
            port: port,
            environment: new Dictionary<string, string> { ["POSTGRES_URL"] = database.Server!.Url },
            tls: false);
        lock (_started)
        {
            _started.Add(started);
        }

        return started;
    }

    /// <summary>A replica looks for a new policy now and then, not at every request.</summary>
    private static async Task ReleasesAsync(TrusteeProcess replica)
    {
        using KbsClient guest = KbsClient.Create(replica.Url, new SampleEvidenceProvider());
        await Poll.UntilAsync(async () => await FailureOfAsync(guest) is null, "the policy", Limit);
    }

    private Task ReadyAsync(TrusteeProcess replica, HttpStatusCode expected) => Poll.UntilAsync(
        async () =>
        {
            using HttpResponseMessage answer = await GetAsync(replica, "readyz", _ => { });
            return answer.StatusCode == expected;
        },
        $"readiness {expected}",
        Limit);

    private async Task<HttpResponseMessage> PostAsync(TrusteeProcess replica, string path, string body, string? cookie)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(replica.Url, "kbs/v0/" + path))
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        if (cookie is not null)
        {
            request.Headers.Add("Cookie", cookie);
        }

        return await _http.SendAsync(request);
    }

    private async Task<HttpResponseMessage> GetAsync(TrusteeProcess replica, string path, Action<HttpRequestMessage> change)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(replica.Url, path));
        change(request);
        return await _http.SendAsync(request);
    }

    /// <summary>The database that the tests of this class share.</summary>
    public sealed class Database : IAsyncLifetime
    {
        /// <summary>The server; null where it is not installed.</summary>
        public PostgresServer? Server { get; private set; }

        public async ValueTask InitializeAsync() => Server = PostgresServer.Missing is null ? await PostgresServer.StartAsync() : null;

        public async ValueTask DisposeAsync()
        {
            if (Server is not null)
            {
                await Server.DisposeAsync();
            }
        }
    }
}
