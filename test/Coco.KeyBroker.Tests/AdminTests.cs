// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace Coco.KeyBroker.Tests;

/// <summary>Who may administrate, and what (kbs.md 6).</summary>
public sealed class AdminTests : IDisposable
{
    private const string Path = "/kbs/v0/resource-policy";
    private readonly SigningKey _key = SigningKey.Generate(JwsAlgorithms.ES256);
    private readonly FakeTimeProvider _time = new(Example.Now);

    public void Dispose() => _key.Dispose();

    [Theory]
    [InlineData("""{"role":"admin","exp":4102444800}""", true)]
    [InlineData("""{"role":"admin","exp":4102444800,"iss":"ops","aud":["x","kbs"]}""", true)]
    [InlineData("""{"role":"admin"}""", false)]
    [InlineData("""{"role":"admin","exp":1787302769}""", false)]
    [InlineData("""{"role":"admin","exp":"4102444800"}""", false)]
    [InlineData("""{"role":["admin"],"exp":4102444800}""", false)]
    [InlineData("""{"exp":4102444800}""", false)]
    [InlineData("""[]""", false)]
    public async Task Claims_AreChecked(string claims, bool accepted) =>
        Assert.Equal(accepted, (await AuthenticateAsync(claims)).TryGet(out _, out _));

    [Theory]
    [InlineData("ops", "kbs", """{"iss":"ops","aud":"kbs"}""", true)]
    [InlineData("ops", "kbs", """{"iss":"ops","aud":["kbs","other"]}""", true)]
    [InlineData("ops", "kbs", """{"iss":"other","aud":"kbs"}""", false)]
    [InlineData("ops", "kbs", """{"aud":"kbs"}""", false)]
    [InlineData("ops", "kbs", """{"iss":"ops"}""", false)]
    [InlineData("ops", "kbs", """{"iss":"ops","aud":"other"}""", false)]
    [InlineData("ops", "kbs", """{"iss":"ops","aud":["other"]}""", false)]
    [InlineData("ops", "kbs", """{"iss":["ops"],"aud":"kbs"}""", false)]
    public async Task IssuerAndAudience_MustFitWhenConfigured(string issuer, string audience, string claims, bool accepted)
    {
        JsonObject all = JsonNode.Parse(claims)!.AsObject();
        all["role"] = "admin";
        all["exp"] = 4102444800;

        Result<AdminIdentity> result = await AuthenticateAsync(all.ToJsonString(), p => p with { Issuer = issuer, Audience = audience });

        Assert.Equal(accepted, result.TryGet(out _, out _));
    }

    [Fact]
    public async Task Role_Missing_IsRefusedInTheProtocolsWordsAndNoOtherProviderIsAsked()
    {
        Result<AdminIdentity> result = await AuthenticateAsync("""{"exp":4102444800}""", p => p, p => p with { DefaultRole = "former" });

        Assert.StartsWith("Admin access denied: Failed to parse claims from token: ", result.Refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Role_MissingUnderACompatibilityProvider_IsItsDefault()
    {
        AdminIdentity who = (await AuthenticateAsync("""{"exp":4102444800}""", p => p with { DefaultRole = "former" })).Require();

        Assert.Equal(("former", true), (who.Role, who.IsFormer));
    }

    [Fact]
    public async Task SeveralProviders_AreTriedInTurn()
    {
        using var other = SigningKey.Generate(JwsAlgorithms.EdDSA);

        AdminIdentity who = (await AuthenticateAsync(
            """{"role":"admin","exp":4102444800,"sub":"jane"}""",
            p => p with { Name = "first", PublicKeyPem = SpkiPem(other) },
            p => p with { Name = "second" })).Require();

        Assert.Equal(("second", "jane"), (who.Issuer, who.Subject));
    }

    [Theory]
    [InlineData("""{"alg":"none"}""")]
    [InlineData("""{"alg":"HS256"}""")]
    [InlineData("""{"alg":"ES384"}""")]
    public async Task ForeignAlgorithm_IsRefused(string header)
    {
        string token = Jws.Sign([], """{"role":"admin","exp":4102444800}"""u8, _key);
        string forged = StrictBase64.EncodeUrl(System.Text.Encoding.ASCII.GetBytes(header)) + token[token.IndexOf('.')..];

        Assert.Equal("Admin access denied: Cannot verify token with any of the issuers", (await AuthenticateTokenAsync(forged, p => p)).Refusal!.Detail);
    }

    [Fact]
    public async Task KeyInTheHeader_CountsForNothing()
    {
        using var stranger = SigningKey.Generate(JwsAlgorithms.ES256);
        string token = Jws.Sign(new JsonObject { ["jwk"] = stranger.PublicJwk.ToJson() }, """{"role":"admin","exp":4102444800}"""u8, stranger);

        Assert.False((await AuthenticateTokenAsync(token, p => p)).TryGet(out _, out _));
    }

    [Fact]
    public async Task DenyAll_RefusesAlsoAGoodToken()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.Admin.Mode = AdminMode.DenyAll);

        RawAnswer answer = await broker.AdminAsync("GET", Path);

        ExampleTests.AssertError(answer, 401, "AdminAuthAccess", "admin access denied for endpoint resource-policy: Admin access denied: Admin access denied as DenyAll authorization_mode is enabled");
    }

    [Fact]
    public async Task InsecureAllowAll_NeedsNoToken()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.Admin.Mode = AdminMode.InsecureAllowAll);

        Assert.Equal(200, (await broker.SendAsync("GET", Path)).Status);
    }

    public static TheoryData<string, string> AdminEndpoints() => new()
    {
        { "POST", "attestation-policy" },
        { "GET", "attestation-policy/default_cpu" },
        { "DELETE", "attestation-policy/default_cpu" },
        { "GET", "attestation-policies" },
        { "POST", "reference-value" },
        { "GET", "reference-value" },
        { "GET", "reference-value/svn" },
        { "DELETE", "reference-value/svn" },
        { "GET", "resource-policy" },
        { "POST", "resource-policy" },
        { "GET", "resource-policy/resource-policy" },
        { "POST", "resource-policy/resource/tenant-a" },
        { "POST", "resource-policy/evaluate" },
        { "DELETE", "resource-policy/resource/tenant-a" },
        { "GET", "resources" },
        { "GET", "resource-history/a/b/c" },
        { "POST", "resource-rollback/a/b/c" },
        { "POST", "resource-rotate/a/b/c" },
        { "POST", "resource-expiry/a/b/c" },
        { "GET", "audit" },
        { "GET", "audit-key" },
        { "POST", "resource/a/b/c" },
        { "DELETE", "resource/a/b/c" },
        { "GET", "sample/x" },
        { "POST", "provisioner/provision" },
        { "DELETE", "provisioner/provision/f17578b6-91d7-57b3-9a46-2927944a0584" },
    };

    [Theory]
    [MemberData(nameof(AdminEndpoints))]
    public async Task Endpoint_WithoutToken_IsRefused(string method, string path)
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        RawAnswer anonymous = await broker.SendAsync(method, "/kbs/v0/" + path, "{}");
        RawAnswer guest = await RawHttp.SendAsync(broker.Port, method, "/kbs/v0/" + path, "{}", "Authorization: Bearer " + Example.Text("3.token"));

        Assert.Equal(401, anonymous.Status);
        Assert.Contains("Failed to parse HTTP Auth Bearer header", anonymous.Text, StringComparison.Ordinal);
        Assert.Equal(401, guest.Status);
    }

    [Theory]
    [InlineData("^/kbs/v0/resource/tenant-a/.+$", "POST", "/kbs/v0/resource/tenant-a/b/c", true)]
    [InlineData("^/kbs/v0/resource/tenant-a/.+$", "POST", "/kbs/v0/resource/tenant-b/b/c", false)]
    [InlineData("^/kbs/v0/resource/tenant-a/.+$", "POST", "/kbs/v0/resource/tenant-b/b/c?x=/kbs/v0/resource/tenant-a/b/c", false)]
    [InlineData("^/kbs/v0/resource/tenant-a/.+$", "POST", "/kbs/v0/resource/tenant%2Da/b/c", true)]
    [InlineData("^/kbs/v0/a$|/kbs/.*$", "POST", "/kbs/v0/resource/a/b/c", true)]
    [InlineData("^/kbs/v0/a$|/kbs/v0/b$", "POST", "/kbs/v0/resource/x/kbs/b", false)]
    [InlineData("^/kbs/v0/resource-policy$", "GET", "/kbs/v0/resource-policy?x=1", true)]
    public async Task AccessRule_IsMatchedWithTheDecodedPathWithoutQuery(string pattern, string method, string target, bool allowed)
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.Admin.Rules = [new AccessRule("admin", pattern)]);

        RawAnswer answer = await broker.AdminAsync(method, target, "x");

        Assert.Equal(allowed, answer.Status == 200);
    }

    [Fact]
    public async Task AccessRule_OfOneMethod_DoesNotAllowAnother()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.Admin.Rules = [new AccessRule("admin", "^/kbs/v0/.+$", ["get"])]);

        Assert.Equal(200, (await broker.AdminAsync("GET", Path)).Status);
        Assert.Equal(401, (await broker.AdminAsync("POST", "/kbs/v0/resource/a/b/c", "x")).Status);
    }

    [Fact]
    public void AccessRule_WithBackReferences_IsRefusedAtStart() =>
        Assert.Throws<ArgumentException>(() => new AccessRuleAuthorizer([new AccessRule("a", @"^/kbs/(a)\1$")]));

    [Fact]
    public async Task Resource_HasHistoryRollbackRotationAndExpiry()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        const string name = "tenant/key/one";
        await broker.AdminAsync("POST", "/kbs/v0/resource/" + name, "first");
        await broker.AdminAsync("POST", "/kbs/v0/resource/" + name, "second");

        RawAnswer rollback = await broker.AdminAsync("POST", $"/kbs/v0/resource-rollback/{name}?version=1");
        string afterRollback = await ReadAsync(broker, name);
        RawAnswer rotate = await broker.AdminAsync("POST", $"/kbs/v0/resource-rotate/{name}?length=48");
        string afterRotate = await ReadAsync(broker, name);
        RawAnswer expiry = await broker.AdminAsync("POST", $"/kbs/v0/resource-expiry/{name}?at=2026-08-21T10:00:00Z");
        RawAnswer history = await broker.AdminAsync("GET", "/kbs/v0/resource-history/" + name);
        RawAnswer list = await broker.AdminAsync("GET", "/kbs/v0/resources?repository=tenant");
        RawAnswer empty = await broker.AdminAsync("GET", "/kbs/v0/resources?repository=tenant&type=other");
        broker.Time.Advance(TimeSpan.FromHours(1));
        RawAnswer late = await broker.SendAsync("GET", "/kbs/v0/resource/" + name, null, "Authorization: Bearer " + Example.Text("3.token"));

        Assert.Equal("""{"version":3}""", rollback.Text);
        Assert.Equal("first", afterRollback);
        Assert.Equal("""{"version":4}""", rotate.Text);
        Assert.NotEqual("first", afterRotate);
        Assert.Equal("""{"version":5}""", expiry.Text);
        JsonElement versions = JsonDocument.Parse(history.Body).RootElement;
        Assert.Equal([1, 2, 3, 4, 5], versions.EnumerateArray().Select(v => v.GetProperty("version").GetInt32()));
        Assert.Equal([5, 6, 5, 48, 48], versions.EnumerateArray().Select(v => v.GetProperty("size").GetInt32()));
        Assert.Equal(5, versions.EnumerateArray().Single(v => v.GetProperty("current").GetBoolean()).GetProperty("version").GetInt32());
        Assert.Equal("""[{"repository_name":"tenant","resource_type":"key","resource_tag":"one"}]""", list.Text);
        Assert.Equal("[]", empty.Text);
        ExampleTests.AssertError(late, 401, "PluginInternalError", "Plugin internal error");
    }

    [Theory]
    [InlineData("POST", "resource-rollback/a/b/c?version=7", 404)]
    [InlineData("POST", "resource-rollback/a/b/c", 400)]
    [InlineData("POST", "resource-rollback/a/b/c?version=-1", 400)]
    [InlineData("POST", "resource-rotate/a/b/c?length=0", 400)]
    [InlineData("POST", "resource-rotate/a/b/.c", 400)]
    [InlineData("POST", "resource-expiry/a/b/nosuch?at=never", 404)]
    [InlineData("POST", "resource-expiry/a/b/c?at=yesterday", 400)]
    [InlineData("POST", "resource-expiry/a/b/c?at=2020-01-01T00:00:00Z", 400)]
    [InlineData("GET", "resource-history/a/b/nosuch", 404)]
    public async Task Resource_MistakesOfAdministrators_AreTold(string method, string path, int status)
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await broker.AdminAsync("POST", "/kbs/v0/resource/a/b/c", "x");

        Assert.Equal(status, (await broker.AdminAsync(method, "/kbs/v0/" + path, string.Empty)).Status);
    }

    [Fact]
    public async Task Resource_Deleted_LeavesNoVersionBehind()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await broker.AdminAsync("POST", "/kbs/v0/resource/a/b/c", "secret");
        await broker.AdminAsync("DELETE", "/kbs/v0/resource/a/b/c");

        RawAnswer rollback = await broker.AdminAsync("POST", "/kbs/v0/resource-rollback/a/b/c?version=1", string.Empty);

        Assert.Equal(404, rollback.Status);
    }

    [Fact]
    public async Task Resource_WrittenByManyAtOnce_EndsWithTheVersionThatTheListNames()
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        await Task.WhenAll(Enumerable.Range(0, 12).Select(i => broker.AdminAsync("POST", "/kbs/v0/resource/a/b/c", "value " + i)));
        JsonElement versions = JsonDocument.Parse((await broker.AdminAsync("GET", "/kbs/v0/resource-history/a/b/c")).Body).RootElement;
        long current = versions.EnumerateArray().Single(v => v.GetProperty("current").GetBoolean()).GetProperty("version").GetInt64();
        string value = await ReadAsync(broker, "a/b/c");
        await broker.AdminAsync("POST", $"/kbs/v0/resource-rollback/a/b/c?version={current}", string.Empty);

        Assert.Equal(value, await ReadAsync(broker, "a/b/c"));
        Assert.Equal(versions.EnumerateArray().Max(v => v.GetProperty("version").GetInt64()), current);
    }

    [Fact]
    public async Task ScopedPolicies_KeepTenantsApart()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.InitialResourcePolicy = NamedResourcePolicies.DenyAll);
        await broker.AdminAsync("POST", "/kbs/v0/resource/tenant-a/k/1", "a");
        await broker.AdminAsync("POST", "/kbs/v0/resource/tenant-b/k/1", "b");

        RawAnswer set = await broker.AdminAsync("POST", "/kbs/v0/resource-policy/resource/tenant-a", Example.Text("8.resource-policy.json"));
        RawAnswer list = await broker.AdminAsync("GET", Path);

        Assert.Equal(200, set.Status);
        Assert.Equal("""["resource-policy","resource/tenant-a"]""", list.Text);
        Assert.Equal("a", await ReadAsync(broker, "tenant-a/k/1"));
        Assert.Equal(401, (await GetAsync(broker, "tenant-b/k/1")).Status);
        Assert.Equal(401, (await GetAsync(broker, "tenant-ab/k/1")).Status);
        Assert.Equal(200, (await broker.AdminAsync("DELETE", "/kbs/v0/resource-policy/resource/tenant-a")).Status);
        Assert.Equal(401, (await GetAsync(broker, "tenant-a/k/1")).Status);
        Assert.Equal(404, (await broker.AdminAsync("DELETE", "/kbs/v0/resource-policy/resource/tenant-a")).Status);
    }

    [Fact]
    public async Task PolicyOfAnotherReplica_CountsWithinASecond()
    {
        await using TestBroker one = await TestBroker.StartAsync(o => o.InitialResourcePolicy = NamedResourcePolicies.DenyAll);
        await using TestBroker two = await TestBroker.StartAsync(null, one.Stores);
        await one.AdminAsync("POST", "/kbs/v0/resource/a/b/c", "x");
        Assert.Equal(401, (await GetAsync(two, "a/b/c")).Status);

        await one.AdminAsync("POST", Path, Example.Text("8.resource-policy.json"));
        two.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("x", await ReadAsync(two, "a/b/c"));
    }

    [Fact]
    public async Task Session_OfOneReplica_IsGoodAtAnother()
    {
        await using TestBroker one = await TestBroker.StartAsync();
        await using TestBroker two = await TestBroker.StartAsync(null, one.Stores);
        await using TestBroker three = await TestBroker.StartAsync(null, one.Stores);
        await ExampleTests.StoreGreetingAsync(one);
        await three.SendAsync("POST", "/kbs/v0/auth", """{"version":"0.4.0","tee":"sample","extra-params":""}""");

        RawAnswer auth = await one.SendAsync("POST", "/kbs/v0/auth", """{"version":"0.4.0","tee":"sample","extra-params":""}""");
        RawAnswer attest = await two.SendAsync("POST", "/kbs/v0/attest", Example.Text("1.attest.json"), "Cookie: " + auth.Cookie);
        RawAnswer again = await three.SendAsync("POST", "/kbs/v0/attest", Example.Text("1.attest.json"), "Cookie: " + auth.Cookie);
        RawAnswer resource = await three.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Cookie: " + auth.Cookie);
        await using TestBroker four = await TestBroker.StartAsync(null, one.Stores);
        four.Attestation.FixedToken = "another";
        RawAnswer other = await four.SendAsync("POST", "/kbs/v0/attest", Example.Text("1.attest.json"), "Cookie: " + auth.Cookie);
        await using TestBroker five = await TestBroker.StartAsync(null, one.Stores);
        RawAnswer refused = await five.SendAsync(
            "POST", "/kbs/v0/attest", Example.Text("1.attest.json").Replace("W/MLONgU", "W/MLONgV", StringComparison.Ordinal), "Cookie: " + auth.Cookie);

        Assert.Equal(200, attest.Status);
        Assert.Equal(attest.Text, again.Text);
        Assert.Equal(attest.Text, other.Text);
        Assert.Equal(attest.Text, refused.Text);
        Assert.Equal(1, five.Attestation.Attestations);
        Assert.Equal("hello, coco", Guest.Open(resource.Body, "tee-p256.jwk.json"));
    }

    [Theory]
    [InlineData("x", "Failed to parse policy: Illegal SetPolicy Request Json")]
    [InlineData("{}", "Failed to parse policy: No `policy` field inside SetPolicy Request Json")]
    [InlineData("""{"policy":1}""", "Failed to parse policy: `policy` field is not a string in SetPolicy Request Json")]
    public async Task ResourcePolicy_Malformed_IsRefusedInTheProtocolsWords(string body, string detail)
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        ExampleTests.AssertError(await broker.AdminAsync("POST", Path, body), 401, "ParsePolicyError", detail);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"policy_id":"x"}""")]
    [InlineData("""{"policy_id":"../x","policy":"cGFja2FnZSBwb2xpY3k"}""")]
    [InlineData("""{"policy_id":"x","policy":"!"}""")]
    [InlineData("""{"policy_id":"x","policy":"eA"}""")]
    public async Task AttestationPolicy_Malformed_IsRefused(string body)
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        ExampleTests.AssertError(await broker.AdminAsync("POST", "/kbs/v0/attestation-policy", body), 401, "AttestationError", "Attestation error: Set Attestation Policy failed");
        Assert.Empty(broker.Attestation.Policies);
    }

    private static Task<RawAnswer> GetAsync(TestBroker broker, string name) =>
        broker.SendAsync("GET", "/kbs/v0/resource/" + name, null, "Authorization: Bearer " + Example.Text("3.token"));

    private static async Task<string> ReadAsync(TestBroker broker, string name)
    {
        RawAnswer answer = await GetAsync(broker, name);
        Assert.True(answer.Status == 200, answer.Text);
        return Guest.Open(answer.Body, "tee-rsa.jwk.json");
    }

    private static string SpkiPem(SigningKey key) =>
        new(System.Security.Cryptography.PemEncoding.Write("PUBLIC KEY", key.ToVerificationKey().SubjectPublicKeyInfo.Span));

    private ValueTask<Result<AdminIdentity>> AuthenticateAsync(string claims, params Func<IdentityProvider, IdentityProvider>[] providers) =>
        AuthenticateTokenAsync(Jws.Sign([], System.Text.Encoding.UTF8.GetBytes(claims), _key), providers);

    private async ValueTask<Result<AdminIdentity>> AuthenticateTokenAsync(string token, params Func<IdentityProvider, IdentityProvider>[] providers)
    {
        var standard = new IdentityProvider { PublicKeyPem = SpkiPem(_key) };
        var options = new AdminOptions { IdentityProviders = providers.Length == 0 ? [standard] : [.. providers.Select(p => p(standard))] };
        using var outbound = new OutboundHttp();
        var context = new DefaultHttpContext();
        context.Request.Headers.Authorization = "Bearer " + token;
        return await new BearerAuthenticator(options, outbound.Invoker, _time).AuthenticateAsync(context.Request, CancellationToken.None);
    }
}
