// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.KeyBroker.Tests;

/// <summary>A guest of each protocol version, written from the specification alone (kbs.md 2.8): it makes its own key, hashes as its release did, and reads the answer as its release did.</summary>
public sealed class ProtocolVersionTests
{
    [Theory]
    [InlineData("0.1.0", "0.5")]
    [InlineData("0.1.0", "0.6")]
    [InlineData("0.1.0", "0.7")]
    [InlineData("0.1.0", "0.9")]
    [InlineData("0.1.1", "0.10")]
    [InlineData("0.1.1", "insertion-order")]
    public async Task FormerGuest_WithRsa_GetsItsSecretInTheFormerForm(string version, string release)
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await ExampleTests.StoreGreetingAsync(broker);
        using RSA key = RSA.Create(2048);
        RSAParameters p = key.ExportParameters(false);
        string n64 = Convert.ToBase64String(p.Modulus!), e64 = Convert.ToBase64String(p.Exponent!);
        string n = Url(p.Modulus!), e = Url(p.Exponent!);

        (string cookie, string nonce) = await AuthAsync(broker, version, "\"\"");
        (string pubkey, string hashed) = release switch
        {
            "0.5" => ($$"""{"alg":"RSA1_5","k-mod":"{{n64}}","k-exp":"{{e64}}"}""", nonce + n64 + e64),
            "0.6" => ($$"""{"alg":"RSA1_5","n":"{{n64}}","e":"{{e64}}"}""", nonce + n64 + e64),
            "0.7" => ($$"""{"kty":"RSA","alg":"RSA1_5","n":"{{n}}","e":"{{e}}"}""", nonce + n + e),
            "insertion-order" => ($$"""{"kty":"RSA","alg":"RSA1_5","n":"{{n}}","e":"{{e}}"}""", $$$"""{"tee-pubkey":{"kty":"RSA","alg":"RSA1_5","n":"{{{n}}}","e":"{{{e}}}"},"nonce":"{{{nonce}}}"}"""),
            _ => ($$"""{"kty":"RSA","alg":"RSA1_5","n":"{{n}}","e":"{{e}}"}""", $$$"""{"nonce":"{{{nonce}}}","tee-pubkey":{"alg":"RSA1_5","e":"{{{e}}}","kty":"RSA","n":"{{{n}}}"}}"""),
        };
        string evidence = Evidence(hashed);
        string quoted = version == "0.1.0" ? JsonSerializer.Serialize(evidence) : evidence;
        RawAnswer attest = await broker.SendAsync("POST", "/kbs/v0/attest", $$"""{"tee-pubkey":{{pubkey}},"tee-evidence":{{quoted}}}""", "Cookie: " + cookie);
        Assert.True(attest.Status == 200, broker.Log.All);
        string token = JsonDocument.Parse(attest.Body).RootElement.GetProperty("token").GetString()!;

        RawAnswer byCookie = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Cookie: " + cookie);
        RawAnswer byToken = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Authorization: Bearer " + token);
        RawAnswer twoSegments = await broker.SendAsync("GET", "/kbs/v0/resource/greeting/en", null, "Cookie: " + cookie);

        Assert.Equal("hello, coco", ReadFormer(byCookie.Body, key));
        Assert.Equal("hello, coco", ReadFormer(byToken.Body, key));
        Assert.Equal("hello, coco", ReadFormer(twoSegments.Body, key));
        JsonElement claim = Payload(token).GetProperty("submods").GetProperty("cpu0").GetProperty("ear.veraison.annotated-evidence").GetProperty("runtime_data_claims").GetProperty("tee-pubkey");
        Assert.Equal(("RSA", n, e), (claim.GetProperty("kty").GetString(), claim.GetProperty("n").GetString(), claim.GetProperty("e").GetString()));
    }

    [Theory]
    [InlineData("0.2.0", "P-256")]
    [InlineData("0.2.0", "P-521")]
    [InlineData("0.3.0", "P-256")]
    [InlineData("0.4.0", "P-256")]
    [InlineData("0.4.0", "P-521")]
    public async Task Guest_WithEcKey_GetsItsSecret(string version, string curve)
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        await ExampleTests.StoreGreetingAsync(broker);
        using ECDiffieHellman key = ECDiffieHellman.Create(curve == "P-256" ? ECCurve.NamedCurves.nistP256 : ECCurve.NamedCurves.nistP521);
        ECParameters p = key.ExportParameters(false);
        string x = Url(p.Q.X!), y = Url(p.Q.Y!);

        (string cookie, string nonce) = await AuthAsync(broker, version, """{"supported-hash-algorithms":["sha384"]}""");
        string pubkey = $$"""{"kty":"EC","crv":"{{curve}}","alg":"ECDH-ES+A256KW","x":"{{x}}","y":"{{y}}","kid":"dropped"}""";
        string canonicalKey = $$"""{"alg":"ECDH-ES+A256KW","crv":"{{curve}}","kty":"EC","x":"{{x}}","y":"{{y}}"}""";
        string two = "{\"nonce\":\"" + nonce + "\",\"tee-pubkey\":" + canonicalKey + "}";
        string three = "{\"additional-evidence\":\"\",\"nonce\":\"" + nonce + "\",\"tee-pubkey\":" + canonicalKey + "}";
        string composite = "{\"primary_evidence\":" + Evidence(three) + ",\"additional_evidence\":\"\"}";
        string body = version switch
        {
            "0.2.0" => "{\"tee-pubkey\":" + pubkey + ",\"tee-evidence\":" + Evidence(two) + "}",
            "0.3.0" => "{\"tee-pubkey\":" + pubkey + ",\"tee-evidence\":" + composite + "}",
            _ => "{\"runtime-data\":{\"nonce\":\"" + nonce + "\",\"tee-pubkey\":" + pubkey + "},\"tee-evidence\":" + composite + "}",
        };
        RawAnswer attest = await broker.SendAsync("POST", "/kbs/v0/attest", body, "Cookie: " + cookie);
        Assert.True(attest.Status == 200, broker.Log.All);
        RawAnswer answer = await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Cookie: " + cookie);
        RawAnswer twoSegments = await broker.SendAsync("GET", "/kbs/v0/resource/greeting/en", null, "Cookie: " + cookie);

        Assert.Equal("hello, coco", ReadCurrent(answer.Body, key));
        Assert.Equal(401, twoSegments.Status);
    }

    [Theory]
    [InlineData("0.1.0", "0.1.0-of-0.6.attest.json")]
    [InlineData("0.1.0", "0.1.0-of-0.8.attest.json")]
    [InlineData("0.1.0", "0.1.0-of-0.9.attest.json")]
    [InlineData("0.1.0", "10.attest.json")]
    [InlineData("0.2.0", "0.2.0.attest.json")]
    [InlineData("0.3.0", "0.3.0.attest.json")]
    [InlineData("0.4.0", "1.attest.json")]
    public async Task BodiesOfTheAppendix_AreAccepted(string version, string body)
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        (string cookie, _) = await AuthAsync(broker, version, "\"\"");
        RawAnswer attest = await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text(body), "Cookie: " + cookie);

        Assert.True(attest.Status == 200, broker.Log.All);
    }

    [Theory]
    [InlineData("0.1.0", "1.attest.json")]
    [InlineData("0.4.0", "0.2.0.attest.json")]
    [InlineData("0.4.0", "0.3.0.attest.json")]
    [InlineData("0.2.0", "0.3.0.attest.json")]
    [InlineData("0.2.0", "0.1.0-of-0.9.attest.json")]
    [InlineData("0.3.0", "0.2.0.attest.json")]
    [InlineData("0.1.1", "10.attest.json")]
    public async Task BodyOfAnotherVersion_IsRefused(string version, string body)
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        (string cookie, _) = await AuthAsync(broker, version, "\"\"");
        RawAnswer attest = await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text(body), "Cookie: " + cookie);

        ExampleTests.AssertError(attest, 401, "AttestationError", "Attestation error: RCAR handshake Attest failed");
    }

    [Theory]
    [InlineData("0.4.0+build.5", 200)]
    [InlineData("0.4.0-rc1", 401)]
    [InlineData("0.4.1", 401)]
    [InlineData("0.5.0", 401)]
    [InlineData("1.0.0", 401)]
    [InlineData("0.0.9", 401)]
    public async Task Version_IsComparedExactly(string version, int status)
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", $$"""{"version":"{{version}}","tee":"sample","extra-params":""}""");

        Assert.Equal(status, auth.Status);
        if (status == 401)
        {
            ExampleTests.AssertError(auth, 401, "AttestationError", $"Attestation error: RCAR handshake Auth failed: KBS Client Protocol Version Mismatch: expect =0.4.0 while the request is {version}");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("0.4")]
    [InlineData("v0.4.0")]
    [InlineData("0.04.0")]
    [InlineData("0.4.0-")]
    [InlineData("0.4.0-01")]
    [InlineData("0.4.0 ")]
    [InlineData("0.4.0.0")]
    [InlineData("99999999999999999999.0.0")]
    public async Task Version_ThatIsNone_IsRefused(string version)
    {
        await using TestBroker broker = await TestBroker.StartAsync();

        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", $$"""{"version":"{{version}}","tee":"sample","extra-params":""}""");

        ExampleTests.AssertError(auth, 401, "AttestationError", "Attestation error: RCAR handshake Auth failed: failed to parse KBS version");
    }

    [Fact]
    public async Task Rsa15Key_OfACurrentGuest_IsRefused()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        JsonNode body = JsonNode.Parse(Example.Text("0.1.0-of-0.9.attest.json"))!;
        body["tee-evidence"] = JsonNode.Parse(body["tee-evidence"]!.GetValue<string>());

        (string cookie, _) = await AuthAsync(broker, "0.2.0", "\"\"");
        RawAnswer attest = await broker.SendAsync("POST", "/kbs/v0/attest", body.ToJsonString(), "Cookie: " + cookie);

        Assert.Equal(401, attest.Status);
        Assert.Contains("RSA1_5", broker.Log.All, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Selector_ChoosesThePolicyOrIsRefused()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.PolicySelectors = o.PolicySelectors.Add("strict", Protocol.PolicyId.Parse("strict-policy").Require()));

        (string cookie, _) = await AuthAsync(broker, "0.4.0", """{"attestation-policy-selector":"strict","unknown":[1]}""");
        RawAnswer attest = await broker.SendAsync("POST", "/kbs/v0/attest", Example.Text("1.attest.json"), "Cookie: " + cookie);
        RawAnswer unmapped = await broker.SendAsync("POST", "/kbs/v0/auth", """{"version":"0.4.0","tee":"sample","extra-params":{"attestation-policy-selector":"lax"}}""");

        Assert.Equal(200, attest.Status);
        Assert.Equal("strict-policy", Assert.Single(broker.Attestation.LastPolicies).Value);
        Assert.Equal(401, unmapped.Status);
    }

    [Fact]
    public async Task LargeChallenge_IsKeptInTheStoreAndFoundAgain()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        string nonce = "{\"request_blob\":\"" + new string('A', 8000) + "\"}";
        broker.Attestation.OnChallenge = (_, _) => new Challenge(nonce, "sha512");
        using ECDiffieHellman key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        ECParameters p = key.ExportParameters(false);

        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", """{"version":"0.4.0","tee":"se","extra-params":{"supported-hash-algorithms":["sha512"]}}""");
        var body = new JsonObject
        {
            ["runtime-data"] = new JsonObject { ["nonce"] = nonce, ["tee-pubkey"] = new JsonObject { ["kty"] = "EC", ["crv"] = "P-256", ["alg"] = "ECDH-ES+A256KW", ["x"] = Url(p.Q.X!), ["y"] = Url(p.Q.Y!) } },
        };
        JsonObject hashed = body["runtime-data"]!.DeepClone().AsObject();
        hashed["additional-evidence"] = string.Empty;
        byte[] digest = SHA512.HashData(CanonicalJson.Write(hashed).Require());
        body["tee-evidence"] = new JsonObject { ["primary_evidence"] = new JsonObject { ["report_data"] = Convert.ToBase64String(digest) }, ["additional_evidence"] = string.Empty };
        RawAnswer attest = await broker.SendAsync("POST", "/kbs/v0/attest", body.ToJsonString(), "Cookie: " + auth.Cookie);

        Assert.True(auth.Cookie.Length < 4096);
        Assert.True(attest.Status == 200, broker.Log.All);
    }

    private static async Task<(string Cookie, string Nonce)> AuthAsync(TestBroker broker, string version, string extra)
    {
        RawAnswer auth = await broker.SendAsync("POST", "/kbs/v0/auth", $$"""{"version":"{{version}}","tee":"sample","extra-params":{{extra}}}""");
        Assert.True(auth.Status == 200, auth.Text);
        JsonElement challenge = JsonDocument.Parse(auth.Body).RootElement;
        Assert.Equal(JsonValueKind.String, challenge.GetProperty("extra-params").ValueKind);
        return (auth.Cookie, challenge.GetProperty("nonce").GetString()!);
    }

    private static string Evidence(string hashed) => $$"""{"svn":"1","report_data":"{{Convert.ToBase64String(SHA384.HashData(Encoding.UTF8.GetBytes(hashed)))}}"}""";

    private static JsonElement Payload(string token) => JsonDocument.Parse(FromUrl(token.Split('.')[1])).RootElement;

    private static string ReadFormer(byte[] body, RSA key)
    {
        JsonElement jwe = JsonDocument.Parse(body).RootElement;
        Assert.Equal("""{"alg":"RSA1_5","enc":"A256GCM"}""", jwe.GetProperty("protected").GetString());
        byte[] cek = key.Decrypt(FromUrl(jwe.GetProperty("encrypted_key").GetString()!), RSAEncryptionPadding.Pkcs1);
        byte[] joined = FromUrl(jwe.GetProperty("ciphertext").GetString()!);
        byte[] plain = new byte[joined.Length - 16];
        using var gcm = new AesGcm(cek, 16);
        gcm.Decrypt(FromUrl(jwe.GetProperty("iv").GetString()!), joined.AsSpan(0, plain.Length), joined.AsSpan(plain.Length), plain);
        return Encoding.UTF8.GetString(plain);
    }

    private static string ReadCurrent(byte[] body, ECDiffieHellman key)
    {
        JsonElement jwe = JsonDocument.Parse(body).RootElement;
        JsonElement header = JsonDocument.Parse(FromUrl(jwe.GetProperty("protected").GetString()!)).RootElement;
        JsonElement epk = header.GetProperty("epk");

        // The guest of the field encodes the header again and takes that as additional data (kbs.md 4.1).
        string reencoded = Url(Encoding.UTF8.GetBytes($$$"""{"alg":"ECDH-ES+A256KW","enc":"A256GCM","epk":{"crv":"{{{epk.GetProperty("crv").GetString()}}}","kty":"EC","x":"{{{epk.GetProperty("x").GetString()}}}","y":"{{{epk.GetProperty("y").GetString()}}}"}}"""));
        ECParameters own = key.ExportParameters(false);
        using ECDiffieHellman ephemeral = ECDiffieHellman.Create(new ECParameters { Curve = own.Curve, Q = new ECPoint { X = FromUrl(epk.GetProperty("x").GetString()!), Y = FromUrl(epk.GetProperty("y").GetString()!) } });
        byte[] z = key.DeriveRawSecretAgreement(ephemeral.PublicKey);
        byte[] kek = SHA256.HashData([0, 0, 0, 1, .. z, .. Convert.FromHexString("0000000e454344482d45532b413235364b57000000000000000000000100")]);
        byte[] cek = Unwrap(kek, FromUrl(jwe.GetProperty("encrypted_key").GetString()!));
        byte[] ciphertext = FromUrl(jwe.GetProperty("ciphertext").GetString()!);
        byte[] plain = new byte[ciphertext.Length];
        using var gcm = new AesGcm(cek, 16);
        gcm.Decrypt(FromUrl(jwe.GetProperty("iv").GetString()!), ciphertext, FromUrl(jwe.GetProperty("tag").GetString()!), plain, Encoding.ASCII.GetBytes(reencoded));
        return Encoding.UTF8.GetString(plain);
    }

    // RFC 3394 section 2.2.2, written here once more so that the server's own code is not its judge.
    private static byte[] Unwrap(byte[] kek, byte[] wrapped)
    {
        using Aes aes = Aes.Create();
        aes.Key = kek;
        int n = (wrapped.Length / 8) - 1;
        byte[] a = wrapped[..8];
        byte[] r = wrapped[8..];
        for (int j = 5; j >= 0; j--)
        {
            for (int i = n; i >= 1; i--)
            {
                byte[] block = [.. a, .. r.AsSpan((i - 1) * 8, 8)];
                block[7] ^= (byte)((n * j) + i);
                byte[] plain = aes.DecryptEcb(block, PaddingMode.None);
                a = plain[..8];
                plain.AsSpan(8).CopyTo(r.AsSpan((i - 1) * 8));
            }
        }

        Assert.All(a, b => Assert.Equal(0xA6, b));
        return r;
    }

    private static string Url(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static byte[] FromUrl(string text)
    {
        string s = text.Replace('-', '+').Replace('_', '/');
        return Convert.FromBase64String(s.PadRight((s.Length + 3) / 4 * 4, '='));
    }
}
