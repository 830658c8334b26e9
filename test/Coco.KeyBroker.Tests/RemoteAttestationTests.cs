// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Protocol.AsGrpc;
using Coco.Protocol.RvpsGrpc;
using Grpc.Core;

namespace Coco.KeyBroker.Tests;

/// <summary>Attestation services in other processes: the messages that they are sent (kbs.md 5.5, 7.3).</summary>
public sealed class RemoteAttestationTests
{
    private static readonly JsonObject Claims = new() { ["tee-pubkey"] = new JsonObject { ["kty"] = "EC" }, ["nonce"] = "+/", ["additional-evidence"] = string.Empty };
    private static readonly byte[] Canonical = CanonicalJson.Write(Claims).Require();

    [Fact]
    public async Task Grpc_Attest_SendsCanonicalRuntimeDataHashAndInitData()
    {
        var service = new FakeService { Answer = _ => new AttestationResponse { AttestationToken = "t" } };
        var remote = new GrpcAttestationService(service);

        AttestationToken token = (await remote.AttestAsync([Input(TeeType.Tdx, """{"quote":"AA=="}""", "version = 1")], [PolicyId.Default], default)).Require();

        Assert.Equal("t", token.Compact);
        var request = (AttestationRequest)service.Requests.Single();
        IndividualAttestationRequest one = Assert.Single(request.VerificationRequests);
        Assert.Equal(["default"], request.PolicyIds);
        Assert.Equal(("tdx", "version = 1", "sha384"), (one.Tee, one.InitDataToml, one.RuntimeDataHashAlgorithm));
        Assert.Equal("""{"quote":"AA=="}""", Encoding.UTF8.GetString(StrictBase64.DecodeUrl(one.Evidence).Require()));
        Assert.Equal("""{"additional-evidence":"","nonce":"+/","tee-pubkey":{"kty":"EC"}}""", one.StructuredRuntimeData);
    }

    [Fact]
    public async Task Grpc_GuestWhoseDigestItCannotCheck_IsRefused()
    {
        var service = new FakeService();
        AttestationInput old = Input(TeeType.Sample, "{}", null) with { RuntimeData = new RuntimeData(Claims, null, [Encoding.UTF8.GetBytes("nonce and numbers")]) };

        Assert.Equal(RefusalCode.Unsupported, (await new GrpcAttestationService(service).AttestAsync([old], [PolicyId.Default], default)).Refusal!.Code);
        Assert.Empty(service.Requests);
    }

    [Fact]
    public async Task Grpc_ChallengeOfSecureExecution_ComesFromTheService()
    {
        var service = new FakeService { Answer = _ => new ChallengeResponse { AttestationChallenge = "{}" } };
        var remote = new GrpcAttestationService(service);

        Challenge se = (await remote.CreateChallengeAsync(TeeType.Se, Json("""{"supported-hash-algorithms":["SHA512"]}"""), default)).Require();
        Challenge snp = (await remote.CreateChallengeAsync(TeeType.Snp, Json("""{"supported-hash-algorithms":["sha512"]}"""), default)).Require();

        Assert.Equal(("{}", "sha512"), (se.Nonce, se.SelectedHashAlgorithm));
        Assert.Equal((44, null), (snp.Nonce.Length, snp.SelectedHashAlgorithm));
        var request = (ChallengeRequest)service.Requests.Single();
        Assert.Equal(("se", """{"supported-hash-algorithms":["SHA512"]}"""), (request.Inner["tee"], request.Inner["tee_params"]));
    }

    [Theory]
    [InlineData(StatusCode.InvalidArgument, RefusalCode.Malformed)]
    [InlineData(StatusCode.FailedPrecondition, RefusalCode.PolicyDenied)]
    [InlineData(StatusCode.Internal, RefusalCode.Untrusted)]
    [InlineData(StatusCode.Unimplemented, RefusalCode.Unsupported)]
    public async Task Grpc_Statuses_BecomeRefusals(StatusCode status, RefusalCode code)
    {
        var service = new FakeService { Answer = _ => throw new RpcException(new Status(status, "no")) };

        Assert.Equal(code, (await new GrpcAttestationService(service).AttestAsync([Input(TeeType.Snp, "{}", null)], [PolicyId.Default], default)).Refusal!.Code);
    }

    [Fact]
    public async Task Grpc_ServiceThatIsDown_IsAnException()
    {
        var service = new FakeService { Answer = _ => throw new RpcException(new Status(StatusCode.Unavailable, "down")) };

        await Assert.ThrowsAsync<HttpRequestException>(async () => await new GrpcAttestationService(service).SetPolicyAsync(PolicyId.Default, "p", default));
    }

    [Fact]
    public async Task Grpc_PoliciesAndReferenceValues_AreForwarded()
    {
        var service = new FakeService
        {
            Answer = r => r switch
            {
                SetPolicyRequest => new SetPolicyResponse(),
                GetAttestationPolicyRequest => new GetAttestationPolicyResponse { Policy = StrictBase64.EncodeUrl("rego"u8) },
                ReferenceValueRegisterRequest => new ReferenceValueRegisterResponse(),
                ReferenceValueQueryRequest { ReferenceValueId: "svn" } => new ReferenceValueQueryResponse { ReferenceValueResults = "[1]" },
                _ => new ReferenceValueQueryResponse(),
            },
        };
        var remote = new GrpcAttestationService(service);

        Assert.Null(await remote.SetPolicyAsync(PolicyId.Parse("default_cpu").Require(), "rego", default));
        Assert.Equal("rego", (await remote.GetPolicyAsync(PolicyId.Default, default)).Require());
        Assert.Null(await remote.RegisterReferenceValueAsync("{}", default));
        Assert.Equal("[1]", (await remote.QueryReferenceValueAsync("svn", default)).Require());
        Assert.Equal(RefusalCode.NotFound, (await remote.QueryReferenceValueAsync("other", default)).Refusal!.Code);
        Assert.Equal("cmVnbw", ((SetPolicyRequest)service.Requests[0]).Policy);
    }

    [Theory]
    [InlineData(TeeType.Tdx, null, null)]
    [InlineData(TeeType.Tdx, """["sha512"]""", "sha512")]
    [InlineData(TeeType.Sgx, """["SHA256","sha384"]""", "sha256")]
    [InlineData(TeeType.AzTdxVtpm, """["sha256"]""", "sha256")]
    public async Task Intel_Hash_IsNegotiated(TeeType tee, string? supported, string? selected)
    {
        JsonElement parameters = Json(supported is null ? "\"\"" : "{\"supported-hash-algorithms\":" + supported + "}");

        Assert.Equal(selected, (await Intel(new FakeWeb()).CreateChallengeAsync(tee, parameters, default)).Require().SelectedHashAlgorithm);
    }

    [Theory]
    [InlineData(TeeType.Tdx, """["sha256"]""")]
    [InlineData(TeeType.Tdx, "[]")]
    [InlineData(TeeType.Tdx, "\"sha512\"")]
    [InlineData(TeeType.Snp, """["sha384"]""")]
    public async Task Intel_GuestThatCannotBeServed_IsRefusedAtOnce(TeeType tee, string supported) =>
        Assert.False((await Intel(new FakeWeb()).CreateChallengeAsync(tee, Json("{\"supported-hash-algorithms\":" + supported + "}"), default)).TryGet(out _, out _));

    [Fact]
    public async Task Intel_TdxWithDevice_IsSentInTheFormOfItsInterface()
    {
        var web = new FakeWeb();
        AttestationInput device = Input(
            TeeType.Nvidia,
            """{"device_evidence_list":[{"arch":"HOPPER","evidence":"ZQ==","certificate":"Yw=="},{"arch":"LS10","evidence":"x","certificate":"y"}]}""",
            null);

        AttestationToken token = (await Intel(web).AttestAsync([Input(TeeType.Tdx, """{"quote":"cXVvdGU=","cc_eventlog":"bG9n"}""", null), device], [PolicyId.Default], default)).Require();

        Assert.Equal("t.t.t", token.Compact);
        Assert.Equal(("/appraisal/v2/attest", "key"), (web.Path, web.Key));
        string nonce = Convert.ToHexStringLower(SHA512.HashData(Canonical)[..32]);
        string runtimeData = Convert.ToBase64String(Canonical);
        Assert.Equal(
            "{\"policy_ids\":[\"p1\"],\"policy_must_match\":true,\"tdx\":{\"quote\":\"cXVvdGU=\",\"runtime_data\":\"" + runtimeData + "\",\"event_log\":\"bG9n\"},\"nvgpu\":{\"gpu_nonce\":\"" + nonce
            + "\",\"arch\":\"HOPPER\",\"evidence_list\":[{\"evidence\":\"ZQ==\",\"certificate\":\"Yw==\"}]}}",
            web.Body);
    }

    [Fact]
    public async Task Intel_TdxOnAzure_SendsTheParavisorsDataAndTheGuests()
    {
        var web = new FakeWeb();
        byte[] hcl = new byte[1236 + 3];
        hcl[1232] = 3;
        "abc"u8.CopyTo(hcl.AsSpan(1236));
        string evidence = new JsonObject { ["td_quote"] = "AAE", ["hcl_report"] = StrictBase64.EncodeUrl(hcl) }.ToJsonString();

        (await Intel(web).AttestAsync([Input(TeeType.AzTdxVtpm, evidence, null)], [PolicyId.Default], default)).Require();

        Assert.Equal("/appraisal/v2/attest/azure", web.Path);
        JsonElement tdx = Json(web.Body!).GetProperty("tdx");
        Assert.Equal(("AAE=", "YWJj", Convert.ToBase64String(Canonical)), (tdx.GetProperty("quote").GetString(), tdx.GetProperty("runtime_data").GetString(), tdx.GetProperty("user_data").GetString()));
    }

    [Theory]
    [InlineData(TeeType.Tdx, "{}")]
    [InlineData(TeeType.Tdx, "[]")]
    [InlineData(TeeType.Snp, """{"quote":"AA=="}""")]
    [InlineData(TeeType.AzTdxVtpm, """{"td_quote":"AA==","hcl_report":"AA=="}""")]
    public async Task Intel_BadEvidence_IsRefusedBeforeItIsSent(TeeType tee, string evidence)
    {
        var web = new FakeWeb();

        Assert.False((await Intel(web).AttestAsync([Input(tee, evidence, null)], [PolicyId.Default], default)).TryGet(out _, out _));
        Assert.Null(web.Body);
    }

    [Theory]
    [InlineData(400, """{"error":"bad quote"}""")]
    [InlineData(200, "{}")]
    [InlineData(200, "x")]
    public async Task Intel_BadAnswers_AreRefusals(int status, string answer) =>
        Assert.False((await Intel(new FakeWeb { Answer = (status, answer) }).AttestAsync([Input(TeeType.Sgx, """{"quote":"AA=="}""", null)], [PolicyId.Default], default)).TryGet(out _, out _));

    private static IntelTrustAuthorityService Intel(FakeWeb web) => new(
        new IntelTrustAuthorityOptions { BaseUrl = new Uri("https://api.trustauthority.example/"), ApiKey = Secret.CopyOf("key"u8), PolicyIds = ["p1"] },
        new OutboundHttp(web));

    private static AttestationInput Input(TeeType tee, string evidence, string? initData) => new(
        new Evidence(tee, Json(evidence)),
        new RuntimeData((JsonObject)Claims.DeepClone(), null, [Canonical]),
        initData is null ? null : new InitDataText("toml", initData));

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    private sealed class FakeWeb : HttpMessageHandler
    {
        public (int Status, string Body) Answer { get; set; } = (200, """{"token":"t.t.t"}""");

        public string? Path { get; private set; }

        public string? Key { get; private set; }

        public string? Body { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Path = request.RequestUri!.AbsolutePath;
            Key = request.Headers.GetValues("x-api-key").Single();
            Body = await request.Content!.ReadAsStringAsync(cancellationToken);
            return new HttpResponseMessage((HttpStatusCode)Answer.Status) { Content = new StringContent(Answer.Body) };
        }
    }

    private sealed class FakeService : ChannelBase
    {
        public FakeService()
            : base("fake")
        {
        }

        public List<object> Requests { get; } = [];

        public Func<object, object> Answer { get; set; } = static _ => throw new RpcException(new Status(StatusCode.Unimplemented, string.Empty));

        public override CallInvoker CreateCallInvoker() => new Invoker(this);

        private sealed class Invoker(FakeService service) : UnaryInvoker
        {
            protected override object Call(string method, object request)
            {
                service.Requests.Add(request);
                return service.Answer(request);
            }
        }
    }
}
