// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace Coco.KeyBroker.Tests;

/// <summary>Whose tokens are believed (kbs.md 5.2), one test a check.</summary>
public sealed class TokenVerifierTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(Example.Now);
    private readonly SampleAttestation _service = new();
    private readonly FakeIssuer _issuer = new();

    public void Dispose()
    {
        _service.Dispose();
        _issuer.Dispose();
    }

    [Theory]
    [InlineData("1.token")]
    [InlineData("3.token")]
    [InlineData("10.token")]
    public async Task TokenOfTheExamples_UnderItsRoot_IsAccepted(string token)
    {
        VerifiedToken verified = (await VerifyAsync(Strict(), Example.Text(token))).Require();

        Assert.Equal("sample", verified.Tee);
        Assert.NotNull(verified.Key);
        Assert.Equal(64, verified.Digest.Length);
    }

    [Fact]
    public async Task AnyCharacterChanged_IsRefused()
    {
        string token = Example.Text("1.token");
        TokenVerifier verifier = Create(Strict());
        for (int i = 0; i < token.Length; i += 7)
        {
            char other = token[i] == 'A' ? 'B' : 'A';
            if (token[i] != '.')
            {
                Assert.False((await verifier.VerifyAsync(new AttestationToken(token[..i] + other + token[(i + 1)..]), CancellationToken.None)).TryGet(out _, out _), $"at {i}");
            }
        }
    }

    [Fact]
    public async Task AlgorithmNone_IsRefused()
    {
        string[] parts = Example.Text("1.token").Split('.');
        string header = Url("""{"alg":"none","typ":"JWT"}""");

        Assert.False((await VerifyAsync(Strict(), $"{header}.{parts[1]}.")).TryGet(out _, out _));
        Assert.False((await VerifyAsync(o => o.TokenTrust.InsecureHeaderJwk = true, $"{header}.{parts[1]}.")).TryGet(out _, out _));
    }

    [Fact]
    public async Task HmacWithThePublicKey_IsRefused()
    {
        string[] parts = Example.Text("1.token").Split('.');
        JsonNode header = JsonNode.Parse(StrictBase64.DecodeUrl(parts[0]).Require())!;
        header["alg"] = "HS256";
        string input = Url(header.ToJsonString()) + "." + parts[1];
        byte[] key = Encoding.UTF8.GetBytes(header["jwk"]!.ToJsonString());
        string token = input + "." + StrictBase64.EncodeUrl(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(input)));

        Assert.Equal(RefusalCode.Unsupported, (await VerifyAsync(Strict(), token)).Refusal!.Code);
        Assert.Equal(RefusalCode.Unsupported, (await VerifyAsync(o => o.TokenTrust.InsecureHeaderJwk = true, token)).Refusal!.Code);
    }

    [Fact]
    public async Task StrangersKeyInTheHeader_IsRefusedUnlessInsecure()
    {
        using var stranger = SigningKey.Generate(JwsAlgorithms.ES256);
        string token = Sign(stranger, new JsonObject { ["jwk"] = stranger.PublicJwk.ToJson() });

        Assert.Equal(RefusalCode.Untrusted, (await VerifyAsync(Strict(), token)).Refusal!.Code);
        Assert.True((await VerifyAsync(o => o.TokenTrust.InsecureHeaderJwk = true, token)).TryGet(out _, out _));
    }

    [Fact]
    public async Task StrangersKeyWithATrustedChain_IsRefused()
    {
        using var stranger = SigningKey.Generate(JwsAlgorithms.ES256);
        JsonObject jwk = stranger.PublicJwk.With(certificates: _issuer.Chain("leaf")).ToJson();

        Assert.Equal(RefusalCode.Mismatch, (await VerifyAsync(Trusting("root"), Sign(stranger, new JsonObject { ["jwk"] = jwk }))).Refusal!.Code);
    }

    [Fact]
    public async Task HeaderAlgorithmOtherThanTheKeys_IsRefused()
    {
        using var key = SigningKey.Generate(JwsAlgorithms.ES256);
        JsonObject jwk = key.PublicJwk.ToJson();
        jwk["alg"] = "ES384";

        Assert.False((await VerifyAsync(o => o.TokenTrust.InsecureHeaderJwk = true, Sign(key, new JsonObject { ["jwk"] = jwk }))).TryGet(out _, out _));
    }

    [Fact]
    public async Task HeaderKeyWithoutAlgorithm_IsRefused()
    {
        using var key = SigningKey.Generate(JwsAlgorithms.ES256);
        JsonObject jwk = key.PublicJwk.ToJson();
        jwk.Remove("alg");

        Assert.False((await VerifyAsync(o => o.TokenTrust.InsecureHeaderJwk = true, Sign(key, new JsonObject { ["jwk"] = jwk }))).TryGet(out _, out _));
    }

    [Theory]
    [InlineData("leaf", "root", true)]
    [InlineData("leaf,root", "root", true)]
    [InlineData("deep,intermediate", "root", true)]
    [InlineData("deep,root,intermediate", "root", true)]
    [InlineData("deep", "intermediate,root", true)]
    [InlineData("deep", "root,intermediate", true)]
    [InlineData("deep", "root", false)]
    [InlineData("deep,intermediate", "intermediate", false)]
    [InlineData("leaf", "other", false)]
    [InlineData("expired", "root", false)]
    [InlineData("future", "root", false)]
    [InlineData("not-a-ca-child,leaf", "root", false)]
    [InlineData("", "root", false)]
    public async Task Chain_LeadsToATrustedRootOrIsRefused(string chain, string trusted, bool accepted)
    {
        SigningKey key = _issuer.Key(chain.Split(',')[0]);
        JsonObject jwk = key.PublicJwk.With(certificates: chain.Length == 0 ? [] : _issuer.Chain(chain.Split(','))).ToJson();

        Result<VerifiedToken> result = await VerifyAsync(Trusting(trusted.Split(',')), Sign(key, new JsonObject { ["jwk"] = jwk }));

        Assert.True(result.TryGet(out _, out Refusal? refusal) == accepted, refusal?.ToString());
    }

    [Fact]
    public async Task Chain_ThatEndsWhileTheTokenIsCached_IsRefused()
    {
        SigningKey key = _issuer.Key("short");
        string token = Sign(key, new JsonObject { ["jwk"] = key.PublicJwk.With(certificates: _issuer.Chain("short")).ToJson() });
        TokenVerifier verifier = Create(Trusting("root"));
        Assert.True((await verifier.VerifyAsync(new AttestationToken(token), CancellationToken.None)).TryGet(out _, out _));

        _time.Advance(TimeSpan.FromDays(2));

        Assert.False((await verifier.VerifyAsync(new AttestationToken(token), CancellationToken.None)).TryGet(out _, out _));
    }

    [Theory]
    [InlineData("P-384")]
    public async Task ChainOfAnotherCurve_IsRefused(string curve)
    {
        _ = curve;
        SigningKey key = _issuer.Key("p384");
        JsonObject jwk = key.PublicJwk.With(certificates: _issuer.Chain("p384")).ToJson();

        Assert.Equal(RefusalCode.Unsupported, (await VerifyAsync(Trusting("root"), Sign(key, new JsonObject { ["jwk"] = jwk }))).Refusal!.Code);
    }

    [Theory]
    [InlineData("""{"x":1}""")]
    [InlineData("""{"exp":"4102444800"}""")]
    [InlineData("""{"exp":null}""")]
    [InlineData("""{"exp":-1}""")]
    [InlineData("""{"exp":1e300}""")]
    [InlineData("""{"exp":1787302769}""")]
    [InlineData("""[]""")]
    [InlineData("""{"exp":4102444800,"exp":4102444800}""")]
    [InlineData("not json")]
    public async Task PayloadWithoutAnExpiryToCome_IsRefused(string payload)
    {
        using var key = SigningKey.Generate(JwsAlgorithms.ES256);
        string token = Jws.Sign(new JsonObject { ["jwk"] = key.PublicJwk.ToJson() }, Encoding.UTF8.GetBytes(payload), key);

        Assert.False((await VerifyAsync(o => o.TokenTrust.InsecureHeaderJwk = true, token)).TryGet(out _, out _));
    }

    [Fact]
    public async Task Expiry_HasAMinuteOfLeewayAndIsComparedEachTime()
    {
        using var key = SigningKey.Generate(JwsAlgorithms.ES256);
        string token = Sign(key, new JsonObject { ["jwk"] = key.PublicJwk.ToJson() }, Example.Now);
        TokenVerifier verifier = Create(o => o.TokenTrust.InsecureHeaderJwk = true);

        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.True((await verifier.VerifyAsync(new AttestationToken(token), CancellationToken.None)).TryGet(out _, out _));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(RefusalCode.Expired, (await verifier.VerifyAsync(new AttestationToken(token), CancellationToken.None)).Refusal!.Code);
    }

    [Fact]
    public async Task KeyOfTheServiceInTheSameProcess_IsTrustedDirectly()
    {
        Assert.True((await VerifyAsync(o => o.TokenTrust.TrustAttestationService = true, Example.Text("1.token"))).TryGet(out _, out _));

        using var stranger = SigningKey.Generate(JwsAlgorithms.ES256);
        string token = Sign(stranger, new JsonObject { ["jwk"] = stranger.PublicJwk.ToJson() });
        Assert.False((await VerifyAsync(o => o.TokenTrust.TrustAttestationService = true, token)).TryGet(out _, out _));
    }

    [Fact]
    public async Task TokenIssuedHere_IsNotVerifiedAgainButCheckedOtherwise()
    {
        TokenVerifier verifier = Create(o => o.TokenTrust.TrustAttestationService = true);
        string[] parts = Example.Text("1.token").Split('.');
        var unsigned = new AttestationToken($"{parts[0]}.{parts[1]}.AAAA");
        var noTime = new AttestationToken($"{parts[0]}.{Url("{}")}.AAAA");
        using var stranger = SigningKey.Generate(JwsAlgorithms.ES256);
        var strangers = new AttestationToken(Sign(stranger, new JsonObject { ["jwk"] = stranger.PublicJwk.ToJson() }));
        var none = new AttestationToken($"{Url("""{"alg":"none"}""")}.{parts[1]}.");
        Assert.Equal(RefusalCode.BadSignature, (await verifier.VerifyAsync(unsigned, CancellationToken.None)).Refusal!.Code);
        foreach (AttestationToken token in (AttestationToken[])[unsigned, noTime, strangers, none])
        {
            verifier.NoteIssued(token, "00");
        }

        Assert.Equal("00", (await verifier.VerifyAsync(unsigned, CancellationToken.None)).Require().Digest);
        Assert.Equal(RefusalCode.Malformed, (await verifier.VerifyAsync(noTime, CancellationToken.None)).Refusal!.Code);
        Assert.False((await verifier.VerifyAsync(strangers, CancellationToken.None)).TryGet(out _, out _));
        Assert.False((await verifier.VerifyAsync(none, CancellationToken.None)).TryGet(out _, out _));
        Assert.False((await verifier.VerifyAsync(new AttestationToken($"{parts[0]}.{parts[1]}.BBBB"), CancellationToken.None)).TryGet(out _, out _));
        _time.Advance(TimeSpan.FromDays(365 * 200));
        Assert.Equal(RefusalCode.Expired, (await verifier.VerifyAsync(unsigned, CancellationToken.None)).Refusal!.Code);
    }

    [Fact]
    public async Task TokenIssuedHere_ByAServiceThatIsNotTrusted_IsVerified()
    {
        TokenVerifier verifier = Create(Strict());
        string[] parts = Example.Text("1.token").Split('.');
        var unsigned = new AttestationToken($"{parts[0]}.{parts[1]}.AAAA");

        verifier.NoteIssued(unsigned, "00");

        Assert.Equal(RefusalCode.BadSignature, (await verifier.VerifyAsync(unsigned, CancellationToken.None)).Refusal!.Code);
    }

    [Fact]
    public async Task JwkSet_ByAddress_IsFetchedOnceAndAgainForAnUnknownKey()
    {
        using var first = SigningKey.Generate(JwsAlgorithms.ES256);
        using var second = SigningKey.Generate(JwsAlgorithms.ES256);
        using var handler = new FakeWeb { ["https://issuer.example/jwks"] = Set((first, "one")) };
        TokenVerifier verifier = Create(o =>
        {
            o.TokenTrust.TrustedJwkSets = ["https://issuer.example/jwks"];
            o.Outbound = new OutboundHttp(handler);
        });

        Assert.True((await verifier.VerifyAsync(Token(first, "one"), CancellationToken.None)).TryGet(out _, out _));
        Assert.False((await verifier.VerifyAsync(Token(second, "two"), CancellationToken.None)).TryGet(out _, out _));
        handler["https://issuer.example/jwks"] = Set((second, "two"));
        Assert.False((await verifier.VerifyAsync(Token(second, "two"), CancellationToken.None)).TryGet(out _, out _));
        _time.Advance(TimeSpan.FromSeconds(61));
        Assert.True((await verifier.VerifyAsync(Token(second, "two"), CancellationToken.None)).TryGet(out _, out _));

        // The key that was taken out of the set counts no more, also for tokens seen before.
        Assert.False((await verifier.VerifyAsync(Token(first, "one"), CancellationToken.None)).TryGet(out _, out _));
        Assert.Equal(2, handler.Requests.Count);
    }

    [Fact]
    public async Task JwkSet_OfAnOpenIdProvider_IsFoundByDiscovery()
    {
        using var key = SigningKey.Generate(JwsAlgorithms.ES384);
        using var handler = new FakeWeb
        {
            ["https://issuer.example/.well-known/openid-configuration"] = """{"jwks_uri":"https://keys.example/k"}""",
            ["https://keys.example/k"] = Set((key, "k")),
        };

        Assert.True((await VerifyAsync(Web("https://issuer.example", handler), Token(key, "k").Compact)).TryGet(out _, out _));
    }

    [Theory]
    [InlineData("""{"jwks_uri":"http://keys.example/k"}""")]
    [InlineData("""{"jwks_uri":1}""")]
    [InlineData("{}")]
    [InlineData("<html>")]
    public async Task Discovery_ThatPointsElsewhere_IsRefused(string document)
    {
        using var key = SigningKey.Generate(JwsAlgorithms.ES256);
        using var handler = new FakeWeb { ["https://issuer.example/.well-known/openid-configuration"] = document, ["http://keys.example/k"] = Set((key, "k")) };

        Assert.False((await VerifyAsync(Web("https://issuer.example", handler), Token(key, "k").Compact)).TryGet(out _, out _));
        Assert.DoesNotContain(handler.Requests, r => r.StartsWith("http:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task JwkSet_BeyondItsLimit_IsRefused()
    {
        using var key = SigningKey.Generate(JwsAlgorithms.ES256);
        using var handler = new FakeWeb { ["https://issuer.example/jwks"] = Set((key, "k")) + new string(' ', 1 << 20) };

        Assert.False((await VerifyAsync(Web("https://issuer.example/jwks", handler), Token(key, "k").Compact)).TryGet(out _, out _));
    }

    [Fact]
    public async Task JwkSet_WhoseKeyHasNoAlgorithm_IsRefused()
    {
        using var key = SigningKey.Generate(JwsAlgorithms.ES256);
        JsonObject set = JsonNode.Parse(Set((key, "k")))!.AsObject();
        set["keys"]![0]!.AsObject().Remove("alg");
        using var handler = new FakeWeb { ["https://issuer.example/jwks"] = set.ToJsonString() };

        Assert.False((await VerifyAsync(Web("https://issuer.example/jwks", handler), Token(key, "k").Compact)).TryGet(out _, out _));
    }

    [Fact]
    public void JwkSet_OverPlainHttp_IsRefusedAtStart() =>
        Assert.Throws<ArgumentException>(() => Create(o => o.TokenTrust.TrustedJwkSets = ["http://issuer.example/jwks"]));

    [Fact]
    public void Nobody_Trusted_IsRefusedAtStart() => Assert.Throws<ArgumentException>(() => Create(_ => { }));

    [Fact]
    public async Task JwkSet_InAFile_IsReadThroughBothSpellings()
    {
        using var key = SigningKey.Generate(JwsAlgorithms.RS256);
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await File.WriteAllTextAsync(path, Set((key, "k")));
        try
        {
            foreach (string address in new[] { path, "file://" + path })
            {
                Assert.True((await VerifyAsync(o => o.TokenTrust.TrustedJwkSets = [address], Token(key, "k").Compact)).TryGet(out _, out _));
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("""{"exp":4102444800,"tee-pubkey":{"kty":"a"}}""", "a")]
    [InlineData("""{"exp":4102444800,"tee-pubkey":{"kty":"a"},"tdx":{"attester_runtime_data":{"tee-pubkey":{"kty":"b"}}}}""", "b")]
    [InlineData("""{"exp":4102444800,"tdx":{"attester_user_data":{"tee-pubkey":{"kty":"c"}}}}""", "c")]
    [InlineData("""{"exp":4102444800,"customized_claims":{"runtime_data":{"tee-pubkey":{"kty":"d"}}}}""", "d")]
    [InlineData("""{"exp":4102444800,"submods":{"cpu0":{"ear.veraison.annotated-evidence":{"runtime_data_claims":{"tee-pubkey":{"kty":"e"}}}}}}""", "e")]
    [InlineData("""{"exp":4102444800,"a/b":[{"k":{"kty":"f"}}],"tee-pubkey":{"kty":"a"}}""", "f")]
    [InlineData("""{"exp":4102444800}""", null)]
    public async Task TeeKey_IsTakenFromTheFirstPathThatExists(string payload, string? kty)
    {
        using var key = SigningKey.Generate(JwsAlgorithms.ES256);
        string token = Jws.Sign(new JsonObject { ["jwk"] = key.PublicJwk.ToJson() }, Encoding.UTF8.GetBytes(payload), key);

        VerifiedToken verified = (await VerifyAsync(
            o =>
            {
                o.TokenTrust.InsecureHeaderJwk = true;
                o.TokenTrust.ExtraTeeKeyPaths = ["/a~1b/0/k"];
            },
            token)).Require();

        Refusal? refusal = verified.Key?.GetRecipient(JweAlgorithms.KeyBroker).Refusal;
        Assert.Equal(kty is null, verified.Key is null);
        Assert.True(kty is null || refusal!.Detail.Contains($"'{kty}'", StringComparison.Ordinal), refusal?.Detail);
    }

    private static Action<KeyBrokerOptions> Strict() => o => o.TokenTrust.TrustedCertificates = [X509Certificate2.CreateFromPem(Example.Text("token-ca.pem"))];

    private Action<KeyBrokerOptions> Trusting(params string[] names) => o => o.TokenTrust.TrustedCertificates = [.. names.Select(_issuer.Certificate)];

    private static Action<KeyBrokerOptions> Web(string address, FakeWeb handler) => o =>
    {
        o.TokenTrust.TrustedJwkSets = [address];
        o.Outbound = new OutboundHttp(handler);
    };

    private TokenVerifier Create(Action<KeyBrokerOptions> configure)
    {
        var options = new KeyBrokerOptions();
        configure(options);
        return new TokenVerifier(options, _service, _time);
    }

    private ValueTask<Result<VerifiedToken>> VerifyAsync(Action<KeyBrokerOptions> configure, string token) =>
        Create(configure).VerifyAsync(new AttestationToken(token), CancellationToken.None);

    private static AttestationToken Token(SigningKey key, string kid) => new(Sign(key, new JsonObject { ["kid"] = kid }));

    private static string Sign(SigningKey key, JsonObject header, DateTimeOffset? expires = null) =>
        Jws.Sign(header, Encoding.UTF8.GetBytes($$"""{"exp":{{(expires ?? DateTimeOffset.FromUnixTimeSeconds(4102444800)).ToUnixTimeSeconds()}}}"""), key);

    private static string Set(params (SigningKey Key, string Kid)[] keys) => new JwkSet([.. keys.Select(k => k.Key.PublicJwk.With(keyId: k.Kid))]).ToJson().ToJsonString();

    private static string Url(string text) => StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(text));

    /// <summary>Answers by address.</summary>
    private sealed class FakeWeb : HttpMessageHandler
    {
        private readonly Dictionary<string, string> _pages = [];

        public List<string> Requests { get; } = [];

        public string this[string address]
        {
            set => _pages[address] = value;
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests.Add(request.RequestUri!.AbsoluteUri);
            string address = request.RequestUri.AbsoluteUri.TrimEnd('/');
            return Task.FromResult(_pages.TryGetValue(address, out string? page)
                ? new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(page) }
                : new HttpResponseMessage(HttpStatusCode.NotFound));
        }
    }

    /// <summary>A small certificate authority with everything that may be wrong.</summary>
    private sealed class FakeIssuer : IDisposable
    {
        private readonly Dictionary<string, (ECDsa Key, X509Certificate2 Certificate, SigningKey Signer)> _all = [];

        public FakeIssuer()
        {
            Add("root", null, ca: true);
            Add("other", null, ca: true);
            Add("intermediate", "root", ca: true);
            Add("leaf", "root", ca: false);
            Add("deep", "intermediate", ca: false);
            Add("not-a-ca-child", "leaf", ca: false);
            Add("expired", "root", ca: false, from: -20, to: -10);
            Add("future", "root", ca: false, from: 10, to: 20);
            Add("short", "root", ca: false, from: -1, to: 1);
            Add("p384", "root", ca: false, curve: ECCurve.NamedCurves.nistP384);
        }

        public SigningKey Key(string name) => _all[name.Length == 0 ? "leaf" : name].Signer;

        public X509Certificate2 Certificate(string name) => _all[name].Certificate;

        public ImmutableArray<ReadOnlyMemory<byte>> Chain(params string[] names) => [.. names.Select(n => (ReadOnlyMemory<byte>)_all[n].Certificate.RawData)];

        public void Dispose()
        {
            foreach ((ECDsa key, X509Certificate2 certificate, SigningKey signer) in _all.Values)
            {
                key.Dispose();
                certificate.Dispose();
                signer.Dispose();
            }
        }

        private void Add(string name, string? issuer, bool ca, int from = -100, int to = 1000, ECCurve? curve = null)
        {
            ECDsa key = ECDsa.Create(curve ?? ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(ca, false, 0, true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(ca ? X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign : X509KeyUsageFlags.DigitalSignature, true));
            request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
            DateTimeOffset notBefore = Example.Now.AddDays(from), notAfter = Example.Now.AddDays(to);
            X509Certificate2 certificate;
            if (issuer is null)
            {
                certificate = request.CreateSelfSigned(notBefore, notAfter);
            }
            else
            {
                X509Certificate2 by = _all[issuer].Certificate;
                certificate = request.Create(by.SubjectName, X509SignatureGenerator.CreateForECDsa(_all[issuer].Key), notBefore, notAfter, RandomNumberGenerator.GetBytes(8));
            }

            _all[name] = (key, certificate, SigningKey.FromPem(key.ExportPkcs8PrivateKeyPem()).Require());
        }
    }
}
