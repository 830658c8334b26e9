// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json.Nodes;
using Coco.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Coco.KeyBroker.Tests;

/// <summary>What a stranger may send at each step. Every case: the protocol's own error, a line that says why, nothing stored, the process unharmed.</summary>
public sealed class HostileTests
{
    private const string Auth = """{"version":"0.4.0","tee":"sample","extra-params":""}""";
    private const string AttestFailed = "Attestation error: RCAR handshake Attest failed";

    public static TheoryData<string> BadAuthBodies() =>
    [
        string.Empty, "{", "[]", "null", "\"x\"", "{}", "{\"version\":1,\"tee\":\"sample\",\"extra-params\":\"\"}",
        "{\"version\":\"0.4.0\",\"tee\":\"nosuch\",\"extra-params\":\"\"}", "{\"version\":\"0.4.0\",\"tee\":\"Sample\",\"extra-params\":\"\"}",
        "{\"version\":\"0.4.0\",\"tee\":null,\"extra-params\":\"\"}", "{\"version\":\"0.4.0\",\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":\"\"}",
        Auth + "x", "\uFEFF" + Auth, "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":" + new string('[', 200) + new string(']', 200) + "}",
        "{\"version\":\"\\ud800\",\"tee\":\"sample\",\"extra-params\":\"\"}",
    ];

    [Theory]
    [MemberData(nameof(BadAuthBodies))]
    public async Task Auth_WithMalformedBody_IsRefused(string body)
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        RawAnswer answer = await broker.SendAsync("POST", "/kbs/v0/auth", body);

        ExampleTests.AssertError(answer, 401, "AttestationError", "Attestation error: RCAR handshake Auth failed: deserialize Request");
        await AssertUnharmedAsync(broker);
    }

    public static TheoryData<string, string> BadAttestBodies()
    {
        string good = Example.Text("1.attest.json");
        var data = new TheoryData<string, string>
        {
            { "empty", string.Empty },
            { "not JSON", good[..^1] },
            { "array", "[]" },
            { "no runtime data", Without(good, "runtime-data") },
            { "no evidence", Without(good, "tee-evidence") },
            { "other nonce", good.Replace("+/+++/+++", "+/+++/++/", StringComparison.Ordinal) },
            { "empty nonce", With(good, n => n["runtime-data"]!["nonce"] = string.Empty) },
            { "nonce is a number", With(good, n => n["runtime-data"]!["nonce"] = 1) },
            { "no key", With(good, n => n["runtime-data"]!.AsObject().Remove("tee-pubkey")) },
            { "key without kty", With(good, n => n["runtime-data"]!["tee-pubkey"]!.AsObject().Remove("kty")) },
            { "key of another case", With(good, n => n["runtime-data"]!["tee-pubkey"]!["kty"] = "ec") },
            { "P-384", With(good, n => n["runtime-data"]!["tee-pubkey"]!["crv"] = "P-384") },
            { "P-521 with P-256 coordinates", With(good, n => n["runtime-data"]!["tee-pubkey"]!["crv"] = "P-521") },
            { "other algorithm", With(good, n => n["runtime-data"]!["tee-pubkey"]!["alg"] = "ECDH-ES") },
            { "point off the curve", With(good, n => n["runtime-data"]!["tee-pubkey"]!["y"] = n["runtime-data"]!["tee-pubkey"]!["x"]!.GetValue<string>()) },
            { "short coordinate", With(good, n => n["runtime-data"]!["tee-pubkey"]!["x"] = "AQ") },
            { "padded coordinate", With(good, n => n["runtime-data"]!["tee-pubkey"]!["x"] = n["runtime-data"]!["tee-pubkey"]!["x"]!.GetValue<string>() + "=") },
            { "symmetric key", With(good, n => n["runtime-data"]!["tee-pubkey"] = new JsonObject { ["kty"] = "oct", ["alg"] = "A256KW", ["k"] = "AA" }) },
            { "small RSA key", With(good, n => n["runtime-data"]!["tee-pubkey"] = new JsonObject { ["kty"] = "RSA", ["alg"] = "RSA-OAEP-256", ["n"] = "AQAB", ["e"] = "AQAB" }) },
            { "RSA exponent one", With(good, n => n["runtime-data"]!["tee-pubkey"] = new JsonObject { ["kty"] = "RSA", ["alg"] = "RSA-OAEP-256", ["n"] = Example.Json("tee-rsa.jwk.json").GetProperty("n").GetString(), ["e"] = "AQ" }) },
            { "no additional evidence", With(good, n => n["tee-evidence"]!.AsObject().Remove("additional_evidence")) },
            { "additional evidence is an object", With(good, n => n["tee-evidence"]!["additional_evidence"] = new JsonObject()) },
            { "additional evidence is no JSON", With(good, n => n["tee-evidence"]!["additional_evidence"] = "{") },
            { "additional evidence is an array", With(good, n => n["tee-evidence"]!["additional_evidence"] = "[]") },
            { "additional evidence of an unknown TEE", With(good, n => n["tee-evidence"]!["additional_evidence"] = "{\"x\":{}}") },
            { "additional evidence twice", With(good, n => n["tee-evidence"]!["additional_evidence"] = "{\"nvidia\":{},\"nvidia\":{}}") },
            { "additional evidence without bound", With(good, n => n["tee-evidence"]!["additional_evidence"] = "{" + string.Join(',', Enumerable.Range(0, 100).Select(i => $"\"{i}\":1")) + "}") },
            { "bad evidence", With(good, n => n["tee-evidence"]!["primary_evidence"]!["report_data"] = "AAAA") },
            { "init-data of another format", With(good, n => n["init-data"] = new JsonObject { ["format"] = "json", ["body"] = "{}" }) },
            { "init-data is a string", With(good, n => n["init-data"] = "x") },
            { "init-data without body", With(good, n => n["init-data"] = new JsonObject { ["format"] = "toml" }) },
            { "duplicate member", good[..^1] + ",\"init-data\":null}" },
            { "too deep", With(good, n => n["tee-evidence"]!["primary_evidence"] = "@").Replace("\"@\"", new string('[', 100) + new string(']', 100), StringComparison.Ordinal) },
        };
        return data;
    }

    [Theory]
    [MemberData(nameof(BadAttestBodies))]
    public async Task Attest_WithBadBody_IsRefusedAndTheSessionMayTryAgain(string what, string body)
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", Auth);

        RawAnswer refused = await broker.SendAsync("POST", "/kbs/v0/attest", body, "Cookie: " + auth.Cookie);
        RawAnswer resource = await broker.SendAsync("GET", "/kbs/v0/resource/a/b/c", null, "Cookie: " + auth.Cookie);
        RawAnswer good = await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text("1.attest.json"), "Cookie: " + auth.Cookie);

        ExampleTests.AssertError(refused, 401, "AttestationError", AttestFailed);
        Assert.Null(refused.Header("set-cookie"));
        ExampleTests.AssertError(resource, 401, "TokenNotFound", "Attestation Token not found");
        Assert.True(good.Status == 200, what);
        Assert.Contains("refused", broker.Log.All, StringComparison.Ordinal);
        Assert.DoesNotContain(broker.Log.Lines, l => l.Level >= LogLevel.Error);
    }

    [Theory]
    [InlineData("kbs-session-id=")]
    [InlineData("kbs-session-id=6c1e6f0f5b0a4f0c9a5d3c1b7e2f9a40")]
    [InlineData("kbs-session-id=!!!")]
    [InlineData("other=1; kbs-session-id=AAAA; x")]
    [InlineData("")]
    public async Task Attest_WithForeignCookie_IsRefused(string cookie)
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        RawAnswer answer = await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text("1.attest.json"), "Cookie: " + cookie);

        ExampleTests.AssertError(answer, 401, "AttestationError", AttestFailed);
        Assert.Equal(0, broker.Attestation.Attestations);
    }

    [Fact]
    public async Task Attest_WithCookieOfAnotherServer_IsRefused()
    {
        await using TestBroker other = await TestBroker.StartAsync();
        await using TestBroker broker = await TestBroker.StartAsync();
        RawAnswer auth = await other.SendAsync("POST", "/kbs/v0/auth", Auth);

        RawAnswer answer = await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text("1.attest.json"), "Cookie: " + auth.Cookie);

        ExampleTests.AssertError(answer, 401, "AttestationError", AttestFailed);
        Assert.Equal(0, broker.Attestation.Attestations);
    }

    [Fact]
    public async Task Attest_WithEveryBitOfTheCookieFlipped_IsRefused()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", Auth);
        byte[] cookie = StrictBase64.DecodeUrl(auth.Cookie.Split('=', 2)[1]).Require();
        SessionKeys keys = (SessionKeys)broker.Services.GetService(typeof(SessionKeys))!;
        SessionKeyRing ring = await keys.GetAsync(CancellationToken.None);

        for (int bit = 0; bit < cookie.Length * 8; bit++)
        {
            byte[] flipped = [.. cookie];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            bool opened = SessionCookie.Decode(StrictBase64.EncodeUrl(flipped)).TryGet(out SealedSession? sealedSession, out _)
                && ring.Find(sealedSession.KeyId) is { } key
                && SessionCookie.Open(sealedSession, key).TryGet(out _, out _);
            Assert.False(opened, $"bit {bit}");
        }
    }

    [Fact]
    public async Task Attest_AfterTheSessionsEnd_IsRefusedAlsoWhenAttested()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await ExampleTests.StoreGreetingAsync(broker);
        string cookie = await ExampleTests.AttestAsync(broker, Auth, "1.attest.json");
        RawAnswer before = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Cookie: " + cookie);

        broker.Time.Advance(TimeSpan.FromMinutes(5));
        RawAnswer attest = await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text("1.attest.json"), "Cookie: " + cookie);
        RawAnswer resource = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Cookie: " + cookie);
        RawAnswer bearer = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Cookie: " + cookie, "Authorization: Bearer " + Example.Text("1.token"));

        Assert.Equal(200, before.Status);
        ExampleTests.AssertError(attest, 401, "AttestationError", AttestFailed);
        ExampleTests.AssertError(resource, 401, "TokenNotFound", "Attestation Token not found");
        Assert.Equal(200, bearer.Status);
    }

    [Fact]
    public async Task Resource_WithATokenThatEndedWithinItsSession_IsRefused()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await ExampleTests.StoreGreetingAsync(broker);
        broker.Attestation.TokenExpiry = Example.Now.AddMinutes(1);
        string cookie = await ExampleTests.AttestAsync(broker, Auth, "1.attest.json");

        broker.Time.Advance(TimeSpan.FromSeconds(119));
        RawAnswer within = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Cookie: " + cookie);
        broker.Time.Advance(TimeSpan.FromSeconds(2));
        RawAnswer after = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Cookie: " + cookie);

        Assert.Equal(200, within.Status);
        ExampleTests.AssertError(after, 401, "TokenVerifierError", "Token Verifier error");
    }

    [Theory]
    [InlineData("/kbs/v0/resource/default/greeting/..%2f..%2fsecret", 401)]
    [InlineData("/kbs/v0/resource/default%2Fgreeting/en", 401)]
    [InlineData("/kbs/v0/resource/default%2Fgreeting%2Fen", 401)]
    [InlineData("/kbs/v0/resource/../../etc/passwd", 404)]
    [InlineData("/kbs/v0/resource/%2e%2e/%2e%2e/x", 404)]
    [InlineData("/kbs/v0/resource/a/../default/greeting/en", 401)]
    [InlineData("/kbs/v0/resource/./greeting/en", 401)]
    [InlineData("/kbs/v0/resource/default/greeting/en/", 401)]
    [InlineData("/kbs/v0/resource/default/greeting", 401)]
    [InlineData("/kbs/v0/resource/default/greeting/en%00", 400)]
    [InlineData("/kbs/v0/resource/default/greeting/en%0A", 401)]
    [InlineData("/kbs/v0/resource/default/greeting/%C0%AE", 400)]
    [InlineData("/kbs/v0/resource/default/greeting/en%", 400)]
    [InlineData("/kbs/v0/resource/default\\greeting\\en", 401)]
    [InlineData("/kbs/v0/resource/default/greeting/\u00e9", 400)]
    [InlineData("/x/../kbs/v0/resource/default/greeting/en", 404)]
    [InlineData("//kbs/v0/resource/default/greeting/en", 404)]
    [InlineData("/KBS/v0/resource/default/greeting/en", 404)]
    [InlineData("/kbs/v0/Resource/default/greeting/en", 404)]
    [InlineData("/kbs/v0/resource/default/greeting/en?x=%", 400)]
    public async Task Resource_WithDevisedPath_IsRefused(string target, int status)
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await ExampleTests.StoreGreetingAsync(broker);

        RawAnswer answer = await broker.SendAsync("GET", target, null, "Authorization: Bearer " + Example.Text("3.token"));

        Assert.Equal(status, answer.Status);
    }

    [Fact]
    public async Task Resource_WithADoubledSlash_IsTheSameResource()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await ExampleTests.StoreGreetingAsync(broker);

        RawAnswer answer = await broker.SendAsync("GET", "/kbs/v0/resource//default/greeting/en", null, "Authorization: Bearer " + Example.Text("3.token"));

        Assert.Equal(200, answer.Status);
    }

    [Fact]
    public async Task Body_InChunksBeyondTheLimit_IsRefused()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.MaxBodyBytes = 4096);
        var request = new StringBuilder("POST /kbs/v0/auth HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 8; i++)
        {
            request.Append("400\r\n").Append('a', 1024).Append("\r\n");
        }

        RawAnswer answer = await RawHttp.SendRawAsync(broker.Port, Encoding.ASCII.GetBytes(request.Append("0\r\n\r\n").ToString()));

        Assert.Equal(413, answer.Status);
        Assert.Equal("payload reached size limit", answer.Text);
        await AssertUnharmedAsync(broker);
    }

    [Fact]
    public async Task Store_Gone_IsAnsweredWith503AndSaysWhenToComeBack()
    {
        var store = new FaultyStores(new MemoryStoreProvider(new FakeTimeProvider(Example.Now)));
        await using TestBroker broker = await TestBroker.StartAsync(null, store);
        await ExampleTests.StoreGreetingAsync(broker);
        RawAnswer readyBefore = await broker.SendAsync("GET", "/readyz");
        store.IsDown = true;

        RawAnswer resource = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Authorization: Bearer " + Example.Text("3.token"));
        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", Auth);
        RawAnswer attest = await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text("1.attest.json"), "Cookie: " + (auth.Status == 200 ? auth.Cookie : "x"));
        RawAnswer ready = await broker.SendAsync("GET", "/readyz");
        RawAnswer alive = await broker.SendAsync("GET", "/healthz");
        store.IsDown = false;
        RawAnswer after = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Authorization: Bearer " + Example.Text("3.token"));
        await broker.FlushAuditAsync();
        RawAnswer readyAfter = await broker.SendAsync("GET", "/readyz");

        Assert.Equal(200, readyBefore.Status);
        Assert.Equal((503, "1"), (resource.Status, resource.Header("retry-after")));
        Assert.DoesNotContain("broken on purpose", resource.Text, StringComparison.Ordinal);
        Assert.Contains(attest.Status, new[] { 401, 503 });
        Assert.Equal(503, ready.Status);
        Assert.Equal(200, alive.Status);
        Assert.Equal(200, after.Status);
        Assert.Equal(200, readyAfter.Status);
    }

    [Fact]
    public async Task Readiness_WhileAuditEventsWait_SaysSo()
    {
        var store = new FaultyStores(new MemoryStoreProvider(new FakeTimeProvider(Example.Now)));
        await using TestBroker broker = await TestBroker.StartAsync(null, store);
        await broker.SendAsync("POST", "/kbs/v0/auth", Auth);
        await broker.FlushAuditAsync();

        store.IsDown = true;
        await Assert.ThrowsAsync<StoreUnavailableException>(broker.FlushAuditAsync);
        RawAnswer waiting = await broker.SendAsync("GET", "/readyz");
        store.IsDown = false;
        await broker.FlushAuditAsync();
        RawAnswer written = await broker.SendAsync("GET", "/readyz");

        Assert.Contains("\"audit\":\"failed\"", waiting.Text, StringComparison.Ordinal);
        Assert.Contains("\"audit\":\"ok\"", written.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Auth_OnceTheKeysAreLoaded_TouchesNoStore()
    {
        var store = new FaultyStores(new MemoryStoreProvider(new FakeTimeProvider(Example.Now)));
        await using TestBroker broker = await TestBroker.StartAsync(null, store);
        await broker.SendAsync("POST", "/kbs/v0/auth", Auth);
        await broker.FlushAuditAsync();
        store.IsDown = true;

        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", Auth);

        Assert.Equal(200, auth.Status);
        store.IsDown = false;
    }

    [Fact]
    public async Task Limiter_BeyondTheBurst_Answers429UntilTimePasses()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o =>
        {
            o.HandshakesPerSecond = 1;
            o.HandshakeBurst = 3;
        });

        var statuses = new List<int>();
        for (int i = 0; i < 4; i++)
        {
            statuses.Add((await broker.SendAsync("POST", "/kbs/v0/auth", Auth)).Status);
        }

        broker.Time.Advance(TimeSpan.FromSeconds(1));
        statuses.Add((await broker.SendAsync("POST", "/kbs/v0/auth", Auth)).Status);

        Assert.Equal([200, 200, 200, 429, 200], statuses);
    }

    [Fact]
    public async Task Log_HoldsNoSecretTokenOrCookie()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await broker.AdminAsync("POST", "/kbs/v0/resource/default/planted/x", "planted-secret-value");
        string cookie = await ExampleTests.AttestAsync(broker, Auth, "1.attest.json");
        RawAnswer good = await broker.SendAsync("GET", "/kbs/v0/resource/default/planted/x", null, "Cookie: " + cookie);
        await broker.SendAsync("GET", "/kbs/v0/resource/default/planted/x", null, "Authorization: Bearer " + Example.Text("3.token") + "x");
        await broker.FlushAuditAsync();

        var chain = new StringBuilder();
        await foreach (string line in AuditExport.ReadLinesAsync(broker.Stores, CancellationToken.None))
        {
            chain.AppendLine(line);
        }

        Assert.Equal(200, good.Status);
        foreach (string text in new[] { broker.Log.All, chain.ToString() })
        {
            Assert.DoesNotContain("planted-secret-value", text, StringComparison.Ordinal);
            Assert.DoesNotContain(cookie.Split('=', 2)[1], text, StringComparison.Ordinal);
            Assert.DoesNotContain(Example.Text("3.token")[..60], text, StringComparison.Ordinal);
            Assert.DoesNotContain(Example.Text("admin.token")[..60], text, StringComparison.Ordinal);
        }
    }

    private static async Task AssertUnharmedAsync(TestBroker broker)
    {
        Assert.Equal(200, (await broker.SendAsync("POST", "/kbs/v0/auth", Auth)).Status);
        Assert.DoesNotContain(broker.Log.Lines, l => l.Level >= LogLevel.Error);
    }

    private static string Without(string json, string member) => With(json, n => n.Remove(member));

    private static string With(string json, Action<JsonObject> change)
    {
        JsonObject node = JsonNode.Parse(json)!.AsObject();
        change(node);
        return Encoding.UTF8.GetString(Jws.ToUtf8(node));
    }
}
