// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json;
using Coco.Protocol;
using Coco.Storage;

namespace Coco.KeyBroker.Tests;

/// <summary>The audit chain: everything decided is in it, and what was done to it afterwards shows.</summary>
public sealed class AuditTests
{
    private const string Auth = """{"version":"0.4.0","tee":"sample","extra-params":""}""";

    [Fact]
    public async Task EveryDecision_IsAnEvent()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await ExampleTests.StoreGreetingAsync(broker);
        string cookie = await ExampleTests.AttestAsync(broker, Auth, "1.attest.json");
        await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Cookie: " + cookie);
        await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en");
        await broker.SendAsync("POST", "/kbs/v0/attest", "{}", "Cookie: " + cookie);
        await broker.AdminAsync("POST", "/kbs/v0/resource-policy", Example.Text("8.resource-policy.json"));
        await broker.SendAsync("POST", "/kbs/v0/resource/a/b/c", "x");
        await broker.FlushAuditAsync();

        JsonElement[] events = [.. (await LinesAsync(broker.Stores)).Select(l => JsonDocument.Parse(l).RootElement).Where(e => e.TryGetProperty("seq", out _))];

        Assert.Equal(
            ["secret allowed", "challenge allowed", "attest allowed", "release allowed", "release refused", "attest refused", "resource-policy allowed", "admin-access refused", "plugin allowed"],
            events.Select(e => e.GetProperty("event").GetString() + " " + e.GetProperty("decision").GetString()));
        JsonElement release = events[3];
        Assert.Equal("GET /kbs/v0/resource/default/greeting/en", release.GetProperty("target").GetString());
        Assert.Equal("sample", release.GetProperty("tee").GetString());
        Assert.Equal("resource-policy", release.GetProperty("policy").GetString());
        Assert.Equal(96, release.GetProperty("policy_hash").GetString()!.Length);
        Assert.Equal(events[2].GetProperty("token_digest").GetString(), release.GetProperty("token_digest").GetString());
        Assert.Equal(events[1].GetProperty("identity").GetString(), release.GetProperty("identity").GetString());
        Assert.Equal("admin (admin of TrusteeInDocker)", events[0].GetProperty("identity").GetString());
        Assert.Equal("Unauthenticated", events[4].GetProperty("code").GetString());
        Assert.All(events, e => Assert.False(string.IsNullOrEmpty(e.GetProperty("request_id").GetString())));
    }

    [Fact]
    public async Task Refusal_IsFoundByTheIdInItsHeader()
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        RawAnswer answer = await broker.SendAsync("GET", "/kbs/v0/resource/a/b/c");
        await broker.FlushAuditAsync();

        Assert.Contains(await LinesAsync(broker.Stores), l => l.Contains(answer.Header("x-request-id")!, StringComparison.Ordinal));
        Assert.Contains(answer.Header("x-request-id")!, broker.Log.All, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/kbs/v0/resource/../../etc/passwd", "Malformed")]
    [InlineData("/x/../kbs/v0/resource/a/b/c", "Malformed")]
    [InlineData("/kbs/v0/resource/a/..%2f..%2fb/c", "Malformed")]
    [InlineData("/kbs/v0/resource/a/b/c%", "Malformed")]
    [InlineData("/kbs/v0/resource/a/../b/c", "Unauthenticated")]
    public async Task Path_Devised_IsAnEventWithItsReason(string target, string code)
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        await broker.SendAsync("GET", target);
        await broker.FlushAuditAsync();

        JsonElement refused = JsonDocument.Parse((await LinesAsync(broker.Stores))[0]).RootElement;
        Assert.Equal("refused", refused.GetProperty("decision").GetString());
        Assert.Equal(code, refused.GetProperty("code").GetString());
        Assert.NotEmpty(refused.GetProperty("reason").GetString()!);
        Assert.NotEmpty(refused.GetProperty("client").GetString()!);
    }

    [Fact]
    public async Task Body_TooLarge_IsAnEvent()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.MaxBodyBytes = 4096);

        RawAnswer answer = await broker.SendAsync("POST", "/kbs/v0/auth", new string('a', 5000));
        await broker.FlushAuditAsync();

        Assert.Equal(413, answer.Status);
        JsonElement refused = JsonDocument.Parse((await LinesAsync(broker.Stores))[0]).RootElement;
        Assert.Equal("TooLarge", refused.GetProperty("code").GetString());
        Assert.Equal("POST /kbs/v0/auth", refused.GetProperty("target").GetString());
    }

    [Fact]
    public async Task Chain_AcrossReplicasAndRestarts_IsOne()
    {
        TestBroker one = await TestBroker.StartAsync();
        await using TestBroker two = await TestBroker.StartAsync(null, one.Stores);
        for (int i = 0; i < 5; i++)
        {
            await Task.WhenAll(one.AdminAsync("POST", $"/kbs/v0/resource/a/b/{i}", "x"), two.AdminAsync("POST", $"/kbs/v0/resource/b/b/{i}", "x"));
        }

        await one.DisposeAsync();
        await using TestBroker three = await TestBroker.StartAsync(null, two.Stores);
        await three.AdminAsync("POST", "/kbs/v0/resource/c/b/1", "x");
        await two.AdminAsync("POST", "/kbs/v0/resource/c/b/2", "x");

        AuditSummary summary = (await AuditExport.VerifyAsync(three.Stores, null, CancellationToken.None)).Require();

        Assert.Equal(12, summary.Events);
    }

    [Fact]
    public async Task Flood_OfChallenges_IsSummedUp()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        AuditLog log = (AuditLog)broker.Services.GetService(typeof(AuditLog))!;

        for (int i = 0; i < 5000; i++)
        {
            log.Record(new AuditEvent { Time = Example.Now, Kind = AuditKind.Challenge, Allowed = true, Tee = "snp", RequestId = "r" });
        }

        await broker.FlushAuditAsync();
        string[] lines = await LinesAsync(broker.Stores);

        Assert.True(lines.Length < 1500, lines.Length.ToString());
        Assert.Equal(5001, lines.Select(l => JsonDocument.Parse(l).RootElement).Where(e => e.TryGetProperty("seq", out _)).Sum(e => e.TryGetProperty("count", out JsonElement c) ? c.GetInt32() : 1));
        Assert.True((await AuditExport.VerifyAsync(broker.Stores, null, CancellationToken.None)).TryGet(out _, out _));
    }

    public static TheoryData<string, long> Manipulations() => new()
    {
        { "edit", 3 },
        { "edit-last", 6 },
        { "remove", 3 },
        { "swap", 3 },
        { "remove-first", 1 },
        { "cut-end", 5 },
        { "remove-head", 5 },
        { "forge-head", 4 },
        { "garbage", 3 },
    };

    [Theory]
    [MemberData(nameof(Manipulations))]
    public async Task Chain_Manipulated_NamesTheFirstRecordThatIsWrong(string what, long record)
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        for (int i = 0; i < 6; i++)
        {
            await broker.AdminAsync("POST", $"/kbs/v0/resource/a/b/{i}", "x");
        }

        List<string> lines = [.. await LinesAsync(broker.Stores)];
        int EventLine(int n) => lines.FindIndex(l => l.StartsWith($$"""{"seq":{{n}},""", StringComparison.Ordinal));
        int HeadLine(int n) => lines.FindIndex(l => l.StartsWith($$"""{"head":{{n}},""", StringComparison.Ordinal));
        string key = (await AuditExport.FindPublicKeyAsync(broker.Stores, CancellationToken.None))!;
        switch (what)
        {
            case "edit":
                lines[EventLine(3)] = lines[EventLine(3)].Replace("allowed", "refused", StringComparison.Ordinal);
                break;
            case "edit-last":
                lines[EventLine(6)] = lines[EventLine(6)].Replace("allowed", "refused", StringComparison.Ordinal);
                break;
            case "remove":
                lines.RemoveAt(EventLine(3));
                break;
            case "swap":
                (lines[EventLine(3)], lines[EventLine(4)]) = (lines[EventLine(4)], lines[EventLine(3)]);
                break;
            case "remove-first":
                lines.RemoveAt(EventLine(1));
                break;
            case "remove-head":
                lines.RemoveAll(l => l.StartsWith("""{"head":6,""", StringComparison.Ordinal));
                record = 6;
                break;
            case "forge-head":
                lines[HeadLine(4)] = lines[HeadLine(4)].Replace("\"time\":\"2026", "\"time\":\"2027", StringComparison.Ordinal);
                break;
            case "garbage":
                lines[EventLine(3)] = "{";
                break;
            case "cut-end":
                await ReplaceAsync(broker.Stores, lines.Take(EventLine(5)));
                break;
        }

        Result<AuditSummary> result = what == "cut-end"
            ? await AuditExport.VerifyAsync(broker.Stores, null, CancellationToken.None)
            : await AuditVerifier.VerifyAsync(lines.ToAsyncEnumerable(), key, CancellationToken.None);

        Assert.False(result.TryGet(out _, out Refusal? refusal));
        Assert.Equal(record, refusal.Offset);
    }

    [Fact]
    public async Task Retention_GivesUpOldEventsAndLeavesAChainThatStillChecks()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.AuditRetention = TimeSpan.FromDays(30));
        for (int i = 0; i < 3; i++)
        {
            await broker.AdminAsync("POST", $"/kbs/v0/resource/a/b/{i}", "x");
        }

        broker.Time.Advance(TimeSpan.FromDays(31));
        await broker.FlushAuditAsync();
        string[] lines = [];
        for (int i = 0; i < 200 && !(lines.Length > 0 && lines[0].StartsWith("""{"anchor":3,""", StringComparison.Ordinal)); i++)
        {
            await broker.FlushAuditAsync();
            broker.Time.Advance(TimeSpan.FromMinutes(11));
            lines = await LinesAsync(broker.Stores);
        }

        string key = (await AuditExport.FindPublicKeyAsync(broker.Stores, CancellationToken.None))!;
        AuditSummary summary = (await AuditExport.VerifyAsync(broker.Stores, null, CancellationToken.None)).Require();
        string head = lines.First(l => l.StartsWith("""{"head":""", StringComparison.Ordinal));
        int next = Array.IndexOf(lines, head) + 1;
        Result<AuditSummary> withoutAnchor = await AuditVerifier.VerifyAsync(lines.Skip(1).ToAsyncEnumerable(), key, CancellationToken.None);
        Result<AuditSummary> forged = await AuditVerifier.VerifyAsync(lines.Skip(next).Prepend(head.Replace("head", "anchor", StringComparison.Ordinal)).ToAsyncEnumerable(), key, CancellationToken.None);

        Assert.StartsWith("""{"anchor":3,""", lines[0], StringComparison.Ordinal);
        Assert.True(summary.Events >= 1);
        Assert.Equal(1, withoutAnchor.Refusal!.Offset);
        Assert.Equal(RefusalCode.BadSignature, forged.Refusal!.Code);
    }

    [Fact]
    public async Task Export_OverTheAdministratorsEndpoint_IsTheChainAndItsKey()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await ExampleTests.StoreGreetingAsync(broker);

        RawAnswer anonymous = await broker.SendAsync("GET", "/kbs/v0/audit");
        RawAnswer chain = await broker.AdminAsync("GET", "/kbs/v0/audit");
        RawAnswer key = await broker.AdminAsync("GET", "/kbs/v0/audit-key");
        AuditSummary summary = (await AuditVerifier.VerifyAsync(chain.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).ToAsyncEnumerable(), key.Text, CancellationToken.None)).Require();

        Assert.Equal(401, anonymous.Status);
        Assert.Equal("application/jsonl", chain.Header("content-type"));
        Assert.True(summary.Events >= 1);
    }

    [Fact]
    public async Task Chain_SignedWithAnotherKey_IsUntrusted()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await using TestBroker other = await TestBroker.StartAsync();
        await broker.FlushAuditAsync();
        await other.FlushAuditAsync();

        Result<AuditSummary> result = await AuditVerifier.VerifyAsync(
            (await LinesAsync(broker.Stores)).ToAsyncEnumerable(),
            (await AuditExport.FindPublicKeyAsync(other.Stores, CancellationToken.None))!,
            CancellationToken.None);

        Assert.Equal(RefusalCode.Untrusted, result.Refusal!.Code);
    }

    private static async Task<string[]> LinesAsync(IStoreProvider stores)
    {
        var lines = new List<string>();
        await foreach (string line in AuditExport.ReadLinesAsync(stores, CancellationToken.None))
        {
            lines.Add(line);
        }

        return [.. lines];
    }

    private static async Task ReplaceAsync(IStoreProvider stores, IEnumerable<string> lines)
    {
        IKeyValueStore store = await stores.OpenAsync(StoreNamespace.Parse("kbs_audit").Require(), CancellationToken.None);
        var keys = new List<string>();
        await foreach (string key in store.ListAsync("segment/", CancellationToken.None))
        {
            keys.Add(key);
        }

        foreach (string key in keys)
        {
            await store.DeleteAsync(key, CancellationToken.None);
        }

        await store.PutAsync("segment/0000000000000001", Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"), default, CancellationToken.None);
    }
}
