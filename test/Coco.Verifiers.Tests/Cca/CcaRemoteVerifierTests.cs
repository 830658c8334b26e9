// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Simulator.Cca;
using Coco.Tee.Cca;
using Coco.Verifiers.Cca;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.Cca;

public sealed class CcaRemoteVerifierTests : IDisposable
{
    private readonly SimulatedCca _cca = new();
    private readonly Veraison _service = new();
    private readonly HttpClient _http;

    public CcaRemoteVerifierTests() => _http = new HttpClient(_service);

    public void Dispose()
    {
        _http.Dispose();
        _service.Dispose();
        _cca.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task Verify_TokenThatTheServiceAffirms_GivesTheLocalClaims(int polls)
    {
        _service.Polls = polls;
        JsonObject evidence = _cca.GetEvidence(Nonce);
        var local = new CcaVerifier(new CcaVerifierOptions { TrustAnchors = CcaTrustAnchorStore.Parse(Encoding.UTF8.GetBytes(_cca.GetTrustAnchors().ToJsonString())).Require() });

        JsonObject claims = await ClaimsAsync(Verifier(), evidence);

        Assert.True(JsonNode.DeepEquals(await ClaimsAsync(local, evidence), claims), claims.ToJsonString());
        Assert.Equal(64, _service.Nonce.Length);
        Assert.Equal(polls, _service.Polled);
    }

    [Fact]
    public async Task Verify_AnswersOfAnotherForm_AreRefused()
    {
        Action<Veraison>[] changes =
        [
            s => s.ChangeDiscovery = d => d.Remove("api-endpoints"),
            s => s.ChangeDiscovery = d => d.Remove("ear-verification-key"),
            s => s.ChangeDiscovery = d => d["api-endpoints"]!["newChallengeResponseSession"] = "https://elsewhere.test/newSession",
            s => s.Location = null,
            s => s.Location = "https://elsewhere.test/session/1",
            s => s.SubmitStatus = HttpStatusCode.BadRequest,
            s => s.ChangeSession = r => r.Remove("result"),
        ];
        foreach (Action<Veraison> change in changes)
        {
            using var service = new Veraison();
            change(service);
            using var http = new HttpClient(service);
            await AssertRefusedAsync(Verifier(http), _cca.GetEvidence(Nonce), "cca.remote-answer", RefusalCode.Malformed);
        }
    }

    [Fact]
    public async Task Verify_ResultOfAnotherKeyOrAlgorithm_IsRefused()
    {
        using SigningKey other = SigningKey.Generate(JwsAlgorithms.ES256);
        using SigningKey stronger = SigningKey.Generate(JwsAlgorithms.ES384);
        _service.SignWith = other;
        await AssertRefusedAsync(Verifier(), _cca.GetEvidence(Nonce), "cca.remote-signature", RefusalCode.BadSignature);

        _service.SignWith = stronger;
        await AssertRefusedAsync(Verifier(), _cca.GetEvidence(Nonce), "cca.remote-signature");
    }

    [Fact]
    public async Task Verify_ResultForAnotherNonce_IsRefused()
    {
        _service.ChangeResult = r => r["eat_nonce"] = StrictBase64.EncodeUrl(new byte[64]);
        await AssertRefusedAsync(Verifier(), _cca.GetEvidence(Nonce), "cca.remote-nonce", RefusalCode.Mismatch);

        _service.ChangeResult = r => r.Remove("eat_nonce");
        await AssertRefusedAsync(Verifier(), _cca.GetEvidence(Nonce), "cca.remote-nonce", RefusalCode.Malformed);
    }

    [Fact]
    public async Task Verify_ResultThatWasNotMadeNow_IsRefused()
    {
        Action<JsonObject>[] changes =
        [
            r => r["iat"] = Now.AddMinutes(-5).ToUnixTimeSeconds(),
            r => r["iat"] = Now.AddMinutes(5).ToUnixTimeSeconds(),
            r => r.Remove("iat"),
            r => r["exp"] = Now.AddMinutes(-5).ToUnixTimeSeconds(),
        ];
        foreach (Action<JsonObject> change in changes)
        {
            _service.ChangeResult = change;
            await AssertRefusedAsync(Verifier(), _cca.GetEvidence(Nonce), "cca.remote-dates", RefusalCode.Expired);
        }
    }

    [Theory]
    [InlineData("CCA_REALM")]
    [InlineData("CCA_SSD_PLATFORM")]
    public async Task Verify_ContraindicatedSubmodule_IsRefused(string name)
    {
        _service.ChangeResult = r => r["submods"]![name]!["ear.status"] = "contraindicated";
        await AssertRefusedAsync(Verifier(), _cca.GetEvidence(Nonce), "cca.remote-status", RefusalCode.Untrusted);

        _service.ChangeResult = r => r["submods"]!.AsObject().Remove(name);
        await AssertRefusedAsync(Verifier(), _cca.GetEvidence(Nonce), "cca.remote-status", RefusalCode.Malformed);
    }

    [Fact]
    public async Task Verify_SubmoduleWithoutClaims_IsRefused()
    {
        _service.ChangeResult = r => r["submods"]!["CCA_REALM"]!["ear.veraison.annotated-evidence"]!.AsObject().Remove("cca-realm-challenge");

        await AssertRefusedAsync(Verifier(), _cca.GetEvidence(Nonce), "cca.remote-claims", RefusalCode.Malformed);
    }

    [Fact]
    public async Task Verify_ResultOfAnotherToken_IsRefused()
    {
        using var other = new SimulatedCca();
        _service.Instead = other.GetToken(Nonce, f => f.InstanceId = [1, .. SHA256.HashData("another"u8)]);

        await AssertRefusedAsync(Verifier(), _cca.GetEvidence(Nonce), "cca.remote-token", RefusalCode.Mismatch);
    }

    [Fact]
    public async Task Verify_OtherBindings_AreRefused()
    {
        byte[] other = [.. Nonce];
        other[0] ^= 1;

        await AssertRefusedAsync(Verifier(), _cca.GetEvidence(other), "cca.report-data", RefusalCode.Mismatch);
        await AssertRefusedAsync(Verifier(), _cca.GetEvidence(Nonce), "cca.report-data", RefusalCode.Mismatch, Binding.NotChecked);
        await AssertRefusedAsync(Verifier(), _cca.GetEvidence(Nonce), "cca.init-data", RefusalCode.Mismatch, initData: Binding.ToDigest(SHA512.HashData("x"u8)));
        Assert.NotNull((await RunAsync(Verifier(), new JsonObject { ["token"] = new JsonArray() })).Refusal);
    }

    [Fact]
    public async Task Verify_ServiceThatIsDown_IsNoRefusal()
    {
        _service.SubmitStatus = HttpStatusCode.InternalServerError;

        await Assert.ThrowsAsync<CollateralUnavailableException>(() => RunAsync(Verifier(), _cca.GetEvidence(Nonce)));
    }

    private CcaRemoteVerifier Verifier(HttpClient? http = null) => new(new CcaRemoteVerifierOptions
    {
        Http = http ?? _http,
        Address = new Uri("https://veraison.test:8443"),
        Clock = Clock(),
        PollInterval = TimeSpan.Zero,
    });

    /// <summary>Speaks the recorded protocol of a Veraison service.</summary>
    private sealed class Veraison : HttpMessageHandler
    {
        private readonly SigningKey _key = SigningKey.Generate(JwsAlgorithms.ES256);
        private string _result = string.Empty;

        public byte[] Nonce { get; private set; } = [];

        public int Polls { get; set; }

        public int Polled { get; private set; }

        public string? Location { get; set; } = "session/1";

        public HttpStatusCode SubmitStatus { get; set; } = HttpStatusCode.OK;

        public SigningKey? SignWith { get; set; }

        public byte[]? Instead { get; set; }

        public Action<JsonObject>? ChangeDiscovery { get; set; }

        public Action<JsonObject>? ChangeSession { get; set; }

        public Action<JsonObject>? ChangeResult { get; set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            string path = request.RequestUri!.AbsolutePath;
            if (path == "/.well-known/veraison/verification")
            {
                var discovery = new JsonObject
                {
                    ["ear-verification-key"] = _key.PublicJwk.ToJson(),
                    ["api-endpoints"] = new JsonObject { ["newChallengeResponseSession"] = "/challenge-response/v1/newSession" },
                };
                ChangeDiscovery?.Invoke(discovery);
                return Json(HttpStatusCode.OK, discovery);
            }

            if (path.EndsWith("/newSession", StringComparison.Ordinal))
            {
                Nonce = StrictBase64.DecodeUrl(request.RequestUri.Query.AsSpan("?nonce=".Length)).Require();
                HttpResponseMessage created = Json(HttpStatusCode.Created, new JsonObject { ["status"] = "waiting" });
                created.Headers.Location = Location is null ? null : new Uri(Location, UriKind.RelativeOrAbsolute);
                return created;
            }

            if (request.Method == HttpMethod.Post)
            {
                Assert.Equal("application/eat-collection; profile=\"http://arm.com/CCA-SSD/1.0.0\"", request.Content!.Headers.GetValues("Content-Type").Single());
                byte[] token = Instead ?? await request.Content.ReadAsByteArrayAsync(cancellationToken);
                _result = MakeResult(CcaToken.Parse(token).Require());
                if (SubmitStatus != HttpStatusCode.OK)
                {
                    return Json(SubmitStatus, new JsonObject());
                }
            }
            else
            {
                Polled++;
            }

            var session = new JsonObject { ["status"] = "complete", ["result"] = _result };
            ChangeSession?.Invoke(session);
            return Polled < Polls ? Json(HttpStatusCode.Accepted, new JsonObject { ["status"] = "processing" }) : Json(HttpStatusCode.OK, session);
        }

        protected override void Dispose(bool disposing)
        {
            _key.Dispose();
            base.Dispose(disposing);
        }

        private static HttpResponseMessage Json(HttpStatusCode status, JsonObject body) => new(status) { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json") };

        private string MakeResult(CcaToken token)
        {
            CcaRealmClaims realm = token.RealmClaims;
            var result = new JsonObject
            {
                ["eat_nonce"] = StrictBase64.EncodeUrl(Nonce),
                ["iat"] = Now.ToUnixTimeSeconds(),
                ["submods"] = new JsonObject
                {
                    ["CCA_REALM"] = new JsonObject
                    {
                        ["ear.status"] = "affirming",
                        ["ear.veraison.annotated-evidence"] = new JsonObject
                        {
                            ["cca-realm-personalization-value"] = Convert.ToBase64String(realm.PersonalizationValue.Span),
                            ["cca-realm-initial-measurement"] = Convert.ToBase64String(realm.InitialMeasurement.Span),
                            ["cca-realm-extensible-measurements"] = new JsonArray([.. realm.ExtensibleMeasurements.Select(m => (JsonNode)JsonValue.Create(Convert.ToBase64String(m.Span)))]),
                            ["cca-realm-hash-algo-id"] = realm.HashAlgorithm,
                            ["cca-realm-challenge"] = Convert.ToBase64String(realm.Challenge.Span),
                            ["cca-realm-public-key"] = Convert.ToBase64String(realm.PublicKeyBytes.Span),
                        },
                    },
                    ["CCA_SSD_PLATFORM"] = new JsonObject
                    {
                        ["ear.status"] = "warning",
                        ["ear.veraison.annotated-evidence"] = new JsonObject
                        {
                            ["cca-platform-instance-id"] = Convert.ToBase64String(token.PlatformClaims.InstanceId.Span),
                            ["cca-platform-implementation-id"] = Convert.ToBase64String(token.PlatformClaims.ImplementationId.Span),
                        },
                    },
                },
            };
            ChangeResult?.Invoke(result);
            SigningKey key = SignWith ?? _key;
            return Jws.Sign(new JsonObject { ["alg"] = key.Algorithm.ToName() }, Encoding.UTF8.GetBytes(result.ToJsonString()), key);
        }
    }
}
