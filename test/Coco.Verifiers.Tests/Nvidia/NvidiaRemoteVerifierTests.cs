// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Simulator.Nvidia;
using Coco.Verifiers.Nvidia;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.Nvidia;

public sealed class NvidiaRemoteVerifierTests : IDisposable
{
    private readonly SimulatedNvidia _vendor = new(Now);
    private readonly SigningKey _serviceKey = SigningKey.Generate(JwsAlgorithms.ES384);
    private readonly Service _service;
    private readonly HttpClient _http;

    public NvidiaRemoteVerifierTests()
    {
        _service = new Service(_serviceKey);
        _http = new HttpClient(_service);
    }

    public void Dispose()
    {
        _http.Dispose();
        _service.Dispose();
        _serviceKey.Dispose();
        _vendor.Dispose();
    }

    [Theory]
    [InlineData("HOPPER", "gpu")]
    [InlineData("BLACKWELL", "gpu")]
    [InlineData("LS10", "switch")]
    public async Task Verify_DeviceThatTheServiceAccepts_GivesItsClaims(string architecture, string kind)
    {
        VerifiedClaims claims = Assert.Single((await RunAsync(Verifier(), _vendor.GetEvidence(Nonce, f => f.Architecture = architecture))).Require());

        Assert.Equal(kind, claims.TeeClass);
        Assert.True((bool)claims.Claims["x-nvidia-overall-att-result"]!);
        Assert.Equal("good", (string)claims.Claims["x-device-note"]!);
        JsonNode asked = JsonNode.Parse(Assert.Single(_service.Asked))!;
        Assert.Equal(Convert.ToHexStringLower(Nonce)[..64], (string)asked["nonce"]!);
        Assert.Equal(architecture, (string)asked["arch"]!);
        Assert.Equal("3.0", (string)asked["claims_version"]!);
        Assert.EndsWith("/v4/attest/" + kind, Assert.Single(_service.Paths), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_AnswerOfAnotherForm_IsRefused()
    {
        Func<JsonNode, JsonNode>[] changes =
        [
            _ => new JsonObject(),
            a => new JsonArray(a[0]!.DeepClone()),
            a => new JsonArray(new JsonArray("JWS", a[0]![1]!.DeepClone()), a[1]!.DeepClone()),
            a => new JsonArray(a[0]!.DeepClone(), new JsonObject()),
            a => new JsonArray(a[0]!.DeepClone(), new JsonObject { ["a"] = "x", ["b"] = "y" }),
        ];
        foreach (Func<JsonNode, JsonNode> change in changes)
        {
            _service.ChangeAnswer = change;
            await AssertRefusedAsync(Verifier(), _vendor.GetEvidence(Nonce), "nvidia.remote-answer", RefusalCode.Malformed);
        }

        _service.ChangeAnswer = null;
        _service.ChangeOverall = o => o.Remove("x-nvidia-overall-att-result");
        await AssertRefusedAsync(Verifier(), _vendor.GetEvidence(Nonce), "nvidia.remote-answer", RefusalCode.Malformed);
        _service.Status = HttpStatusCode.BadRequest;
        await AssertRefusedAsync(Verifier(), _vendor.GetEvidence(Nonce), "nvidia.remote-answer", RefusalCode.Untrusted);
    }

    [Fact]
    public async Task Verify_TokenOfAnotherKey_IsRefused()
    {
        using SigningKey other = SigningKey.Generate(JwsAlgorithms.ES384);
        _service.DetailKey = other;
        await AssertRefusedAsync(Verifier(), _vendor.GetEvidence(Nonce), "nvidia.remote-signature", RefusalCode.BadSignature);

        _service.DetailKey = null;
        _service.KeyId = "unknown";
        await AssertRefusedAsync(Verifier(), _vendor.GetEvidence(Nonce), "nvidia.remote-signature", RefusalCode.Untrusted);
    }

    [Fact]
    public async Task Verify_TokenOverItsTime_IsRefused()
    {
        _service.ChangeOverall = o => o["exp"] = Now.AddMinutes(-2).ToUnixTimeSeconds();
        await AssertRefusedAsync(Verifier(), _vendor.GetEvidence(Nonce), "nvidia.remote-dates", RefusalCode.Expired);

        _service.ChangeOverall = null;
        _service.ChangeDetail = d => d.Remove("exp");
        await AssertRefusedAsync(Verifier(), _vendor.GetEvidence(Nonce), "nvidia.remote-dates", RefusalCode.Malformed);

        _service.ChangeDetail = d => d["nbf"] = Now.AddMinutes(2).ToUnixTimeSeconds();
        await AssertRefusedAsync(Verifier(), _vendor.GetEvidence(Nonce), "nvidia.remote-dates", RefusalCode.Expired);
    }

    [Fact]
    public async Task Verify_NonceThatDidNotMatch_IsRefused()
    {
        Action<JsonObject>[] changes =
        [
            d => d["x-nvidia-gpu-attestation-report-nonce-match"] = false,
            d => d["x-nvidia-gpu-attestation-report-nonce-match"] = "true",
            d => d.Remove("x-nvidia-gpu-attestation-report-nonce-match"),
            d => d["eat_nonce"] = new string('0', 64),
        ];
        foreach (Action<JsonObject> change in changes)
        {
            _service.ChangeDetail = change;
            await AssertRefusedAsync(Verifier(), _vendor.GetEvidence(Nonce), "nvidia.remote-nonce", RefusalCode.Mismatch);
        }

        await AssertRefusedAsync(Verifier(), _vendor.GetEvidence(Nonce), "nvidia.nonce", RefusalCode.Mismatch, Binding.NotChecked);
        await AssertRefusedAsync(Verifier(), _vendor.GetEvidence(Nonce), "nvidia.nonce", RefusalCode.Mismatch, default(Binding));
    }

    [Theory]
    [InlineData(HttpStatusCode.InternalServerError)]
    [InlineData(HttpStatusCode.TooManyRequests)]
    public async Task Verify_ServiceThatIsDown_IsNoRefusal(HttpStatusCode status)
    {
        _service.Status = status;

        await Assert.ThrowsAsync<CollateralUnavailableException>(() => RunAsync(Verifier(), _vendor.GetEvidence(Nonce)));
    }

    [Theory]
    [InlineData(8, 4, true)]
    [InlineData(7, 4, false)]
    [InlineData(8, 3, false)]
    public async Task Verify_EightGpusAndFourSwitchesThatAgree_AreOneMachine(int gpus, int switches, bool expected)
    {
        _service.ChangeDetail = d =>
        {
            d["x-nvidia-gpu-switch-pdis"] = new JsonArray([.. Enumerable.Range(1, 4).Select(i => (JsonNode)JsonValue.Create($"5{i}"))]);
            d["x-nvidia-switch-gpu-pdis"] = new JsonArray([.. Enumerable.Range(1, 8).Select(i => (JsonNode)JsonValue.Create($"6{i}"))]);
        };
        JsonObject evidence = _vendor.GetEvidence(Nonce);
        JsonArray list = evidence["device_evidence_list"]!.AsArray();
        JsonNode one = list[0]!.DeepClone();
        list.Clear();
        for (int i = 0; i < gpus + switches; i++)
        {
            JsonNode device = one.DeepClone();
            device["arch"] = i < gpus ? "HOPPER" : "LS10";
            list.Add(device);
        }

        VerifiedClaims[] all = [.. (await RunAsync(Verifier(), evidence)).Require()];

        Assert.Equal(expected, all.Any(c => c.TeeClass == "ppcie"));
        if (expected)
        {
            Assert.Equal("""{"switch_count":4,"gpu_count":8}""", all[^1].Claims.ToJsonString());
        }
    }

    private NvidiaRemoteVerifier Verifier() => new(new NvidiaRemoteVerifierOptions
    {
        Http = _http,
        Service = new Uri("http://nras.test/v4/attest"),
        Collateral = new Keys(_serviceKey),
        Clock = Clock(),
    });

    /// <summary>Publishes the service's key under the id <c>k</c>.</summary>
    private sealed class Keys(SigningKey key) : ICollateralProvider
    {
        public ValueTask<Result<CollateralItem>> GetAsync(CollateralKey wanted, CancellationToken ct)
        {
            JsonObject jwk = key.PublicJwk.ToJson();
            jwk["kid"] = "k";
            return new(new CollateralItem(Encoding.UTF8.GetBytes(new JsonObject { ["keys"] = new JsonArray(jwk) }.ToJsonString())));
        }
    }

    /// <summary>Speaks the service's recorded protocol.</summary>
    private sealed class Service(SigningKey key) : HttpMessageHandler
    {
        public List<string> Asked { get; } = [];

        public List<string> Paths { get; } = [];

        public HttpStatusCode Status { get; set; } = HttpStatusCode.OK;

        public string KeyId { get; set; } = "k";

        public SigningKey? DetailKey { get; set; }

        public Action<JsonObject>? ChangeOverall { get; set; }

        public Action<JsonObject>? ChangeDetail { get; set; }

        public Func<JsonNode, JsonNode>? ChangeAnswer { get; set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            string question = await request.Content!.ReadAsStringAsync(cancellationToken);
            Asked.Add(question);
            Paths.Add(request.RequestUri!.AbsolutePath);
            using JsonDocument document = JsonDocument.Parse(question);
            string nonce = document.RootElement.GetProperty("nonce").GetString()!;
            string kind = request.RequestUri.AbsolutePath.EndsWith("switch", StringComparison.Ordinal) ? "switch" : "gpu";
            var overall = new JsonObject { ["x-nvidia-overall-att-result"] = true, ["eat_nonce"] = nonce, ["exp"] = Now.AddHours(1).ToUnixTimeSeconds() };
            var detail = new JsonObject
            {
                [$"x-nvidia-{kind}-attestation-report-nonce-match"] = true,
                ["x-device-note"] = "good",
                ["eat_nonce"] = nonce,
                ["exp"] = Now.AddHours(1).ToUnixTimeSeconds(),
            };
            ChangeOverall?.Invoke(overall);
            ChangeDetail?.Invoke(detail);
            JsonNode answer = new JsonArray(new JsonArray("JWT", Sign(overall, key)), new JsonObject { ["GPU-0"] = Sign(detail, DetailKey ?? key) });
            answer = ChangeAnswer?.Invoke(answer) ?? answer;
            return new HttpResponseMessage(Status) { Content = new StringContent(answer.ToJsonString(), Encoding.UTF8, "application/json") };
        }

        private string Sign(JsonObject payload, SigningKey with) => Jws.Sign(new JsonObject { ["alg"] = "ES384", ["kid"] = KeyId }, Encoding.UTF8.GetBytes(payload.ToJsonString()), with);
    }
}
