// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Coco.Protocol;

namespace Coco.KeyBroker.Tests;

/// <summary>The ten exchanges of kbs-examples.md over a real socket, byte for byte where the examples fix bytes.</summary>
public sealed partial class ExampleTests
{
    private const string Auth040 = """{"version":"0.4.0","tee":"sample","extra-params":{"supported-hash-algorithms":["sha256","sha384","sha512","sm3"]}}""";
    private const string Errors = "https://github.com/confidential-containers/kbs/errors/";

    [Fact]
    public async Task Example1_Handshake_GivesChallengeTokenAndTheSameCookieTwice()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        broker.Attestation.FixedToken = Example.Text("1.token");

        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", Auth040, "Content-Type: application/json");
        RawAnswer attest = await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text("1.attest.json"), "Content-Type: application/json", "Cookie: " + auth.Cookie);
        RawAnswer again = await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text("1.attest.json"), "Cookie: " + auth.Cookie);

        Assert.Equal(200, auth.Status);
        Assert.Equal("application/json", auth.Header("content-type"));
        Assert.Equal("""{"nonce":"+/+++/+++/+++/+++/+++/+++/+++/+++/+++/+++/A=","extra-params":""}""", auth.Text);
        Assert.Matches(CookieForm(), auth.Header("set-cookie"));
        Assert.Equal(200, attest.Status);
        Assert.Equal("application/json", attest.Header("content-type"));
        Assert.Equal($$"""{"token":"{{Example.Text("1.token")}}"}""", attest.Text);
        Assert.Equal(auth.Header("set-cookie"), attest.Header("set-cookie"));
        Assert.Equal(attest.Text, again.Text);
        Assert.Equal(1, broker.Attestation.Attestations);
        AttestationInput input = Assert.Single(broker.Attestation.LastInputs);
        Assert.Equal(
            """{"additional-evidence":"","nonce":"+/+++/+++/+++/+++/+++/+++/+++/+++/+++/+++/A=","tee-pubkey":{"alg":"ECDH-ES+A256KW","crv":"P-256","kty":"EC","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"}}""",
            Encoding.UTF8.GetString(Assert.Single(input.RuntimeData.Candidates).Span));
        Assert.Null(input.InitData);
        Assert.Equal(PolicyId.Default, Assert.Single(broker.Attestation.LastPolicies));
    }

    [Fact]
    public async Task Example2_ResourceWithCookie_IsSealedToTheGuestKey()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        broker.Attestation.FixedToken = Example.Text("1.token");
        await StoreGreetingAsync(broker);
        string cookie = await AttestAsync(broker, Auth040, "1.attest.json");

        RawAnswer answer = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Cookie: " + cookie);
        RawAnswer withQuery = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en?x=1&x=2", null, "Cookie: " + cookie);

        Assert.Equal(200, answer.Status);
        Assert.Equal("application/json", answer.Header("content-type"));
        Assert.Null(answer.Header("set-cookie"));
        Assert.Equal("hello, coco", Guest.Open(answer.Body, "tee-p256.jwk.json"));
        Assert.Equal("hello, coco", Guest.Open(withQuery.Body, "tee-p256.jwk.json"));
        Assert.NotEqual(answer.Text, withQuery.Text);
    }

    [Theory]
    [InlineData("2.jwe.json", "tee-p256.jwk.json")]
    [InlineData("3.jwe.json", "tee-rsa.jwk.json")]
    [InlineData("3.p521.jwe.json", "tee-p521.jwk.json")]
    public void Examples2And3_TheirOwnAnswers_OpenLikeOurs(string body, string key) =>
        Assert.Equal("hello, coco", Guest.Open(Encoding.UTF8.GetBytes(Example.Text(body)), key));

    [Fact]
    public async Task Example3_ResourceWithBearerToken_IsSealedUnderRsa()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await StoreGreetingAsync(broker);

        RawAnswer answer = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Authorization: Bearer " + Example.Text("3.token"));

        Assert.Equal(200, answer.Status);
        Assert.Equal("application/json", answer.Header("content-type"));
        Assert.Equal("hello, coco", Guest.Open(answer.Body, "tee-rsa.jwk.json"));
        JsonElement example = Example.Json("3.jwe.json");
        JsonElement ours = JsonDocument.Parse(answer.Body).RootElement;
        Assert.Equal(example.GetProperty("protected").GetString(), ours.GetProperty("protected").GetString());
    }

    [Fact]
    public async Task Example3_P521Key_IsSealedWithFixedLengthCoordinates()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await StoreGreetingAsync(broker);
        JsonObject jwk = JsonNode.Parse(Example.Text("tee-p521.jwk.json"))!.AsObject();
        jwk.Remove("d");
        string token = broker.Attestation.Sign(new JsonObject { ["exp"] = 4102444800, ["submods"] = new JsonObject { ["cpu0"] = new JsonObject() }, ["tee-pubkey"] = jwk });

        RawAnswer answer = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Authorization: Bearer " + token);

        Assert.Equal("hello, coco", Guest.Open(answer.Body, "tee-p521.jwk.json"));
    }

    [Fact]
    public async Task Example4_CompositeEvidence_HandsOverDeviceDigestAndInitData()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", Auth040);

        RawAnswer attest = await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text("4.attest.json"), "Cookie: " + auth.Cookie);

        Assert.Equal(200, attest.Status);
        Assert.Equal(2, broker.Attestation.LastInputs.Length);
        (AttestationInput primary, AttestationInput device) = (broker.Attestation.LastInputs[0], broker.Attestation.LastInputs[1]);
        Assert.Equal(TeeType.Sample, primary.Evidence.Tee);
        Assert.Equal("version = \"0.1.0\"\nalgorithm = \"sha384\"\n\n[data]\n\"aa.toml\" = '''\n[token_configs]\n[token_configs.kbs]\nurl = \"http://192.0.2.10:8080\"\n'''\n\"workload-id\" = \"payroll-7\"\n", primary.InitData!.Body);
        Assert.Equal(TeeType.SampleDevice, device.Evidence.Tee);
        Assert.Null(device.InitData);
        Assert.Equal("""{"tee-pubkey":{"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"},"nonce":"+/+++/+++/+++/+++/+++/+++/+++/+++/+++/+++/A="}""", Encoding.UTF8.GetString(Jws.ToUtf8(device.RuntimeData.Claims)));
    }

    [Fact]
    public async Task Example5a_ServiceThatDemandsAHash_SelectsIt()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        broker.Attestation.OnChallenge = static (_, _) => new Challenge(Example.Nonce, "sha512");

        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", Auth040.Replace("sample", "tdx", StringComparison.Ordinal));

        Assert.Equal("""{"nonce":"+/+++/+++/+++/+++/+++/+++/+++/+++/+++/+++/A=","extra-params":{"selected-hash-algorithm":"sha512"}}""", auth.Text);
    }

    [Fact]
    public async Task Example5b_SecureExecution_CarriesTheNonceAsText()
    {
        const string nonce = """{"request_blob":"AAECAw==","measurement_size":64,"additional_size":32,"encr_measurement_key":"BAUGBw==","encr_request_nonce":"CAkKCw==","image_hdr_tags":"DA0ODw=="}""";
        await using TestBroker broker = await TestBroker.StartAsync();
        broker.Attestation.OnChallenge = static (_, _) => new Challenge(nonce, "sha512");

        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", """{"version":"0.4.0","tee":"se","extra-params":{"supported-hash-algorithms":["SHA384","SHA512"]}}""");

        Assert.Equal(
            """{"nonce":"{\"request_blob\":\"AAECAw==\",\"measurement_size\":64,\"additional_size\":32,\"encr_measurement_key\":\"BAUGBw==\",\"encr_request_nonce\":\"CAkKCw==\",\"image_hdr_tags\":\"DA0ODw==\"}","extra-params":{"selected-hash-algorithm":"sha512"}}""",
            auth.Text);
    }

    [Fact]
    public async Task SecureExecution_WithFurtherDevices_IsRefusedBeforeAnythingIsVerified()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", """{"version":"0.4.0","tee":"se","extra-params":""}""");

        RawAnswer attest = await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text("4.attest.json"), "Cookie: " + auth.Cookie);

        AssertError(attest, 401, "AttestationError", "Attestation error: RCAR handshake Attest failed");
        Assert.Equal(0, broker.Attestation.Attestations);
    }

    [Fact]
    public async Task Example5c_ServiceThatRefusesTheChallenge_IsToldInTheProtocolsWords()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        broker.Attestation.OnChallenge = static (_, _) => new Refusal(RefusalCode.Unsupported, "needs sha512");

        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", """{"version":"0.4.0","tee":"se","extra-params":{"supported-hash-algorithms":["sha384"]}}""");

        AssertError(auth, 401, "AttestationError", "Attestation error: RCAR handshake Auth failed: Attestation Service generate challenge failed");
    }

    [Fact]
    public async Task Example6_Failures_HaveTheirStatusAndBody()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.ProtocolVersions = ["0.4.0"]);
        string path = "/kbs/v0/resource/default/greeting/en";
        string bearer = "Authorization: Bearer " + Example.Text("3.token");

        AssertError(
            await broker.SendAsync("POST", "/kbs/v0/auth", """{"version":"0.2.0","tee":"tdx","extra-params":""}"""),
            401,
            "AttestationError",
            "Attestation error: RCAR handshake Auth failed: KBS Client Protocol Version Mismatch: expect =0.4.0 while the request is 0.2.0");
        AssertError(
            await broker.SendAsync("POST", "/kbs/v0/auth", """{"version":"0.4.0","tee":"tdx"}"""),
            401,
            "AttestationError",
            "Attestation error: RCAR handshake Auth failed: deserialize Request");
        AssertError(await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text("1.attest.json")), 401, "AttestationError", "Attestation error: RCAR handshake Attest failed");
        AssertError(await broker.SendAsync("GET", path), 401, "TokenNotFound", "Attestation Token not found");
        AssertError(await broker.SendAsync("GET", path, null, "Authorization: Bearer a.b.c"), 401, "TokenVerifierError", "Token Verifier error");
        AssertError(await broker.SendAsync("GET", path, null, bearer), 401, "PluginInternalError", "Plugin internal error");
        AssertError(await broker.SendAsync("GET", "/kbs/v0/sample/x", null, bearer), 401, "AdminAuthInitialization", "failed to initialize [admin] configuration: Admin access denied: Cannot verify token with any of the issuers");
        AssertError(await broker.SendAsync("GET", "/kbs/v0/nosuch/x"), 404, "PluginNotFound", "Plugin nosuch not found");
        AssertError(await broker.SendAsync("GET", "/kbs/v0/auth"), 404, "PluginNotFound", "Plugin auth not found");
        RawAnswer large = await RawHttp.SendAsync(broker.Port, "POST", "/kbs/v0/auth", new byte[(2 << 20) + 1]);
        Assert.Equal(413, large.Status);
        Assert.StartsWith("text/plain", large.Header("content-type"), StringComparison.Ordinal);
        RawAnswer patch = await broker.SendAsync("PATCH", "/kbs/v0/resource/a/b/c");
        Assert.Equal(405, patch.Status);
        Assert.Empty(patch.Body);
        RawAnswer elsewhere = await broker.SendAsync("GET", "/kbs/v1/x");
        Assert.Equal(404, elsewhere.Status);
        Assert.Empty(elsewhere.Body);
    }

    [Fact]
    public async Task Example6_UnusableKeyInToken_IsAJweError()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await StoreGreetingAsync(broker);
        JsonObject jwk = JsonNode.Parse("""{"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW","x":"AA","y":"AA"}""")!.AsObject();
        string token = broker.Attestation.Sign(new JsonObject { ["exp"] = 4102444800, ["submods"] = new JsonObject { ["cpu0"] = new JsonObject() }, ["tee-pubkey"] = jwk });

        RawAnswer answer = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Authorization: Bearer " + token);

        AssertError(answer, 401, "JweError", "JWE failed");
    }

    [Fact]
    public async Task Example6_PolicySaysNo_IsAPolicyDeny()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.InitialResourcePolicy = NamedResourcePolicies.DenyAll);
        await StoreGreetingAsync(broker);

        RawAnswer answer = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Authorization: Bearer " + Example.Text("3.token"));

        AssertError(answer, 401, "PolicyDeny", "Access denied by policy");
    }

    [Fact]
    public async Task Example7_Administrator_StoresOverwritesAndDeletes()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.Admin.IdentityProviders =
            [new IdentityProvider { Issuer = "TrusteeInDocker", Audience = "KBS", PublicKeyPem = Example.Text("admin.pub.pem") }]);
        const string path = "/kbs/v0/resource/default/greeting/en";

        RawAnswer stored = await broker.AdminAsync("POST", path, "hello, coco");
        RawAnswer again = await broker.AdminAsync("POST", path, "hello again");
        RawAnswer deleted = await broker.AdminAsync("DELETE", path);
        RawAnswer missing = await broker.AdminAsync("DELETE", path);
        RawAnswer anonymous = await broker.SendAsync("POST", path, "x");

        foreach (RawAnswer good in new[] { stored, again, deleted })
        {
            Assert.Equal(200, good.Status);
            Assert.Equal("0", good.Header("content-length"));
            Assert.Equal("text/xml", good.Header("content-type"));
            Assert.Empty(good.Body);
        }

        AssertError(missing, 401, "PluginInternalError", "Plugin internal error");
        AssertError(anonymous, 401, "AdminAuthInitialization", "failed to initialize [admin] configuration: Failed to parse HTTP Auth Bearer header");
    }

    [Fact]
    public async Task Example7_RoleWithoutRule_IsRefusedWithTheRawPath()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.Admin.Rules = [new AccessRule("operator", "^/kbs/v0/.+$")]);

        RawAnswer plugin = await broker.AdminAsync("POST", "/kbs/v0/resource/default/greeting/en", "x");
        RawAnswer builtIn = await broker.AdminAsync("GET", "/kbs/v0/resource-policy");

        AssertError(plugin, 401, "AdminAuthInitialization", "failed to initialize [admin] configuration: Admin access denied: Role admin not allowed for path /kbs/v0/resource/default/greeting/en");
        AssertError(builtIn, 401, "AdminAuthAccess", "admin access denied for endpoint resource-policy: Admin access denied: Role admin not allowed for path /kbs/v0/resource-policy");
    }

    [Fact]
    public async Task Example8_Policies_AreSetAndListed()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.InitialResourcePolicy = NamedResourcePolicies.DenyAll);

        RawAnswer set = await broker.AdminAsync("POST", "/kbs/v0/resource-policy", Example.Text("8.resource-policy.json"));
        RawAnswer list = await broker.AdminAsync("GET", "/kbs/v0/resource-policy");
        RawAnswer bad = await broker.AdminAsync("POST", "/kbs/v0/resource-policy", """{"policy":"YWxsb3cgOj0"}""");
        RawAnswer text = await broker.AdminAsync("GET", "/kbs/v0/resource-policy/resource-policy");
        RawAnswer attestation = await broker.AdminAsync("POST", "/kbs/v0/attestation-policy", Example.Text("8.attestation-policy.json"));

        Assert.Equal((200, "0", null, string.Empty), (set.Status, set.Header("content-length"), set.Header("content-type"), set.Text));
        Assert.Equal((200, "application/json", """["resource-policy"]"""), (list.Status, list.Header("content-type"), list.Text));
        Assert.StartsWith($$"""{"type":"{{Errors}}PolicyEngineError","detail":"Policy engine error: Failed to load policy: """, bad.Text, StringComparison.Ordinal);
        Assert.Equal(401, bad.Status);
        Assert.Equal(Example.Text("8.rego").TrimEnd(), text.Text.TrimEnd());
        Assert.Equal((200, "0", null), (attestation.Status, attestation.Header("content-length"), attestation.Header("content-type")));
        Assert.StartsWith("package policy", broker.Attestation.Policies["default_cpu"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Example8_ReferenceValues_AreRegisteredAndRead()
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        RawAnswer set = await broker.AdminAsync("POST", "/kbs/v0/reference-value", """{"version":"0.1.0","type":"sample","payload":"eyJzdm4iOlsiMSJdfQ=="}""");
        RawAnswer get = await broker.AdminAsync("GET", "/kbs/v0/reference-value/svn");
        RawAnswer none = await broker.AdminAsync("GET", "/kbs/v0/reference-value/nosuch");
        RawAnswer notJson = await broker.AdminAsync("POST", "/kbs/v0/reference-value", "x");

        Assert.Equal((200, "0", "application/json", string.Empty), (set.Status, set.Header("content-length"), set.Header("content-type"), set.Text));
        Assert.Equal((200, "application/json", """["1"]"""), (get.Status, get.Header("content-type"), get.Text));
        AssertError(none, 401, "RvpsError", "RVPS configuration failed: Failed to get reference_values: No reference value found for the given id: nosuch");
        AssertError(notJson, 401, "RvpsError", "RVPS configuration failed: Failed to parse reference value message");
    }

    [Fact]
    public async Task Example9a_Provisioner_GivesTheKnownIdentifierAndForgetsIt()
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        RawAnswer made = await broker.AdminAsync("POST", "/kbs/v0/provisioner/provision", """{"vm_name":"vm-01","namespace":"default"}""");
        RawAnswer same = await broker.AdminAsync("POST", "/kbs/v0/provisioner/provision", """{"vm_name":"vm-01"}""");
        RawAnswer deleted = await broker.AdminAsync("DELETE", "/kbs/v0/provisioner/provision/f17578b6-91d7-57b3-9a46-2927944a0584");

        Assert.Equal("""{"uuid":"f17578b6-91d7-57b3-9a46-2927944a0584","resource_path":"default/f17578b6-91d7-57b3-9a46-2927944a0584/root"}""", made.Text);
        Assert.Equal("text/xml", made.Header("content-type"));
        Assert.Equal(made.Text, same.Text);
        Assert.Equal((200, """{"status":"deleted"}""", "text/xml"), (deleted.Status, deleted.Text, deleted.Header("content-type")));
    }

    [Fact]
    public async Task Example10_GuestOfRelease05_GetsTheFormerAnswer()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        broker.Attestation.FixedToken = Example.Text("10.token");
        await StoreGreetingAsync(broker);

        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", """{"version":"0.1.0","tee":"sample","extra-params":""}""", "User-Agent: attestation-agent-cc-kbc/0.1.0");
        RawAnswer attest = await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text("10.attest.json"), "Cookie: " + auth.Cookie);
        RawAnswer answer = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Cookie: " + auth.Cookie);

        Assert.Equal("""{"nonce":"+/+++/+++/+++/+++/+++/+++/+++/+++/+++/+++/A=","extra-params":""}""", auth.Text);
        Assert.DoesNotContain("Secure", auth.Header("set-cookie"), StringComparison.Ordinal);
        Assert.Equal($$"""{"token":"{{Example.Text("10.token")}}"}""", attest.Text);
        Assert.Equal("hello, coco", Guest.OpenLegacy(answer.Body, "tee-rsa.jwk.json"));
        Assert.Equal("hello, coco", Guest.OpenLegacy(Encoding.UTF8.GetBytes(Example.Text("10.jwe.json")), "tee-rsa.jwk.json"));
    }

    [Fact]
    public async Task Example10_TokenCertificateChain_IsTheIssuersKeySet()
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        RawAnswer keys = await broker.SendAsync("GET", "/kbs/v0/token-certificate-chain");

        JsonElement key = JsonDocument.Parse(keys.Body).RootElement.GetProperty("keys")[0];
        Assert.Equal(("EC", "P-256", "simple"), (key.GetProperty("kty").GetString(), key.GetProperty("crv").GetString(), key.GetProperty("kid").GetString()));
    }

    [GeneratedRegex("^kbs-session-id=[A-Za-z0-9_-]+; Expires=Fri, 21 Aug 2026 09:05:30 GMT; HttpOnly$")]
    private static partial Regex CookieForm();

    internal static void AssertError(RawAnswer answer, int status, string type, string detail)
    {
        Assert.Equal(status, answer.Status);
        Assert.Equal($$"""{"type":"{{Errors}}{{type}}","detail":"{{detail}}"}""", answer.Text);
        Assert.Equal("application/json", answer.Header("content-type"));
    }

    internal static async Task StoreGreetingAsync(TestBroker broker) =>
        Assert.Equal(200, (await broker.AdminAsync("POST", "/kbs/v0/resource/default/greeting/en", "hello, coco")).Status);

    internal static async Task<string> AttestAsync(TestBroker broker, string auth, string attest)
    {
        RawAnswer challenge = await broker.SendAsync("POST", "/kbs/v0/auth", auth);
        Assert.Equal(200, challenge.Status);
        RawAnswer token = await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text(attest), "Cookie: " + challenge.Cookie);
        Assert.True(token.Status == 200, token.Text + broker.Log.All);
        return challenge.Cookie;
    }
}
