// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Protocol.AsGrpc;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Coco.Attestation.Tests;

/// <summary>The gRPC and REST faces, driven by a generated client and by plain HTTP (attestation-service.md 2, 3).</summary>
public sealed class FaceTests : IAsyncLifetime
{
    private readonly TestAttestation _test = new();
    private WebApplication _app = null!;
    private HttpClient _http = null!;
    private GrpcChannel _channel = null!;
    private AttestationService.AttestationServiceClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseTestServer();
        builder.Services.AddGrpc(o => o.MaxReceiveMessageSize = AttestationExtensions.MaxGrpcMessageBytes);
        _test.Configure(builder.Services, new AttestationOptions());
        _app = builder.Build();
        _app.MapCocoAttestationGrpc();
        _app.MapCocoAttestationRest();
        _app.MapCocoAttestationKeys();
        _app.MapCocoAttestationAdmin("/admin");
        await _app.StartAsync();
        _http = _app.GetTestClient();
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = _app.GetTestServer().CreateHandler() });
        _client = new AttestationService.AttestationServiceClient(_channel);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _app.DisposeAsync();
        await _test.DisposeAsync();
    }

    [Fact]
    public async Task Grpc_Evaluate_GivesTokenAndDecisionId()
    {
        const string Runtime = """{"nonce":"n"}""";
        byte[] reportData = SHA256.HashData(Encoding.UTF8.GetBytes(Runtime));
        var request = new AttestationRequest { PolicyIds = { "default" } };
        request.VerificationRequests.Add(new IndividualAttestationRequest
        {
            Tee = "sample",
            Evidence = Url($$"""{"svn":"1","report_data":"{{Convert.ToBase64String(reportData)}}"}"""),
            StructuredRuntimeData = Runtime,
            RuntimeDataHashAlgorithm = "SHA256",
            InitDataDigest = Url("digest"),
        });

        using AsyncUnaryCall<AttestationResponse> call = _client.AttestationEvaluateAsync(request);
        AttestationResponse response = await call;

        JsonObject payload = TestAttestation.Part(response.AttestationToken, 1);
        Assert.Equal("n", (string?)payload["submods"]!["cpu0"]!["ear.veraison.annotated-evidence"]!["runtime_data_claims"]!["nonce"]);
        string id = call.GetTrailers().GetValue("coco-decision-id")!;
        JsonNode explained = JsonNode.Parse(await _http.GetStringAsync($"/admin/decisions/{id}"))!;
        Assert.Equal(id, (string?)explained["id"]);
        Assert.Equal("issued", (string?)explained["outcome"]);
    }

    [Theory]
    [InlineData("nobody", "e30", null, null, null, "", "parse TEE type: ")]
    [InlineData("sample", "%%%", null, null, null, "", "Illegal input Evidence: ")]
    [InlineData("sample", "eyI=", null, null, null, "", "Illegal input Evidence: ")]
    [InlineData("sample", "eyI", null, null, null, "", "failed to parse tee evidence: ")]
    [InlineData("sample", "e30", "%%%", null, null, "", "base64 decode runtime data: ")]
    [InlineData("sample", "e30", null, "{", null, "", "parse structured runtime data: ")]
    [InlineData("sample", "e30", null, null, "%%%", "", "base64 decode init data: ")]
    [InlineData("sample", "e30", null, null, null, "md5", "parse runtime data HashAlgorithm failed: ")]
    [InlineData("sample", "e30", null, null, null, "", "Attestation evaluation failed: \n0: Verifier evaluate failed\n1: ")]
    public async Task Grpc_BadRequest_IsAbortedWithThePrefix(string tee, string evidence, string? raw, string? structured, string? digest, string hash, string prefix)
    {
        var one = new IndividualAttestationRequest { Tee = tee, Evidence = evidence, RuntimeDataHashAlgorithm = hash };
        if (raw is not null)
        {
            one.RawRuntimeData = raw;
        }

        if (structured is not null)
        {
            one.StructuredRuntimeData = structured;
        }

        if (digest is not null)
        {
            one.InitDataDigest = digest;
        }

        RpcException e = await Assert.ThrowsAsync<RpcException>(async () => await _client.AttestationEvaluateAsync(new AttestationRequest { VerificationRequests = { one } }));

        Assert.Equal(StatusCode.Aborted, e.StatusCode);
        Assert.StartsWith(prefix, e.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Grpc_NoRequest_IsAborted()
    {
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () => await _client.AttestationEvaluateAsync(new AttestationRequest()));

        Assert.Equal("Attestation evaluation failed: \n0: No verification requests provided.", e.Status.Detail);
    }

    [Fact]
    public async Task Grpc_Policies_SetGetListDelete()
    {
        const string Policy = "package policy\ntrust_claims := {\"hardware\": 2}\n";
        await _client.SetAttestationPolicyAsync(new SetPolicyRequest { PolicyId = "mine_cpu", Policy = Url(Policy) });

        Assert.Equal(Url(Policy), (await _client.GetAttestationPolicyAsync(new GetAttestationPolicyRequest { PolicyId = "mine_cpu" })).Policy);
        PolicyInfo listed = (await _client.ListAttestationPoliciesAsync(new ListAttestationPoliciesRequest())).Policies.Single(p => p.PolicyId == "mine_cpu");
        Assert.Equal(Convert.ToHexStringLower(SHA384.HashData(Encoding.UTF8.GetBytes(Policy))), listed.PolicyHash);
        await _client.DeleteAttestationPolicyAsync(new DeleteAttestationPolicyRequest { PolicyId = "mine_cpu" });
        await Assert.ThrowsAsync<RpcException>(async () => await _client.GetAttestationPolicyAsync(new GetAttestationPolicyRequest { PolicyId = "mine_cpu" }));
    }

    [Theory]
    [InlineData("../x", "cGFja2FnZSBwb2xpY3k")]
    [InlineData("a_cpu", "%%%")]
    [InlineData("a_cpu", "bm90IHJlZ28gYXQgYWxs")]
    public async Task Grpc_BadPolicy_IsAborted(string id, string policy)
    {
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () => await _client.SetAttestationPolicyAsync(new SetPolicyRequest { PolicyId = id, Policy = policy }));

        Assert.Equal(StatusCode.Aborted, e.StatusCode);
        Assert.StartsWith("Set Attestation Policy Failed: ", e.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Grpc_Challenge_NeedsTeeAndParameters()
    {
        async Task<string> DetailAsync(ChallengeRequest request) =>
            (await Assert.ThrowsAsync<RpcException>(async () => await _client.GetAttestationChallengeAsync(request))).Status.Detail;

        Assert.Equal("Error parse inner_tee tee", await DetailAsync(new ChallengeRequest()));
        Assert.Equal("Error parse inner_tee tee_params", await DetailAsync(new ChallengeRequest { Inner = { ["tee"] = "sample" } }));
        Assert.StartsWith("Error parse TEE type: ", await DetailAsync(new ChallengeRequest { Inner = { ["tee"] = "x", ["tee_params"] = "" } }), StringComparison.Ordinal);
        Assert.Equal(string.Empty, (await _client.GetAttestationChallengeAsync(new ChallengeRequest { Inner = { ["tee"] = "sample", ["tee_params"] = "" } })).AttestationChallenge);
    }

    [Fact]
    public async Task Rest_Attestation_GivesTheToken()
    {
        string body = $$"""
            {"verification_requests":[{"tee":"sample","evidence":"{{Url("""{"svn":"1","report_data":"cmF3"}""")}}",
             "runtime_data":{"raw":"{{Url("raw")}}"},"init_data":{"init_data_digest":"{{Url("digest")}}"},"runtime_data_hash_algorithm":"sha512"}],"policy_ids":[]}
            """;

        using HttpResponseMessage response = await PostAsync("/attestation", body);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        string token = await response.Content.ReadAsStringAsync();
        Assert.Equal("CoCo-Attestation-Service", (string?)TestAttestation.Part(token, 1)["iss"]);
        Assert.True(response.Headers.Contains("Coco-Decision-Id"));
    }

    [Theory]
    [InlineData("{", HttpStatusCode.BadRequest)]
    [InlineData("[]", HttpStatusCode.BadRequest)]
    [InlineData("""{"verification_requests":[]}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"verification_requests":[{"tee":"sample"}],"policy_ids":[]}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"verification_requests":[{"tee":"sample","evidence":"e30","runtime_data":{"other":1}}],"policy_ids":[]}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"verification_requests":[],"policy_ids":[]}""", HttpStatusCode.InternalServerError)]
    [InlineData("""{"verification_requests":[{"tee":"x","evidence":"e30"}],"policy_ids":[]}""", HttpStatusCode.InternalServerError)]
    [InlineData("""{"verification_requests":[{"tee":"sample","evidence":"%"}],"policy_ids":[]}""", HttpStatusCode.InternalServerError)]
    [InlineData("""{"verification_requests":[{"tee":"sample","evidence":"e30"}],"policy_ids":[]}""", HttpStatusCode.InternalServerError)]
    [InlineData("""{"verification_requests":[{"tee":"sample","evidence":"e30"}],"policy_ids":["../x"]}""", HttpStatusCode.InternalServerError)]
    public async Task Rest_BadAttestation_IsRefused(string body, HttpStatusCode expected)
    {
        using HttpResponseMessage response = await PostAsync("/attestation", body);

        Assert.Equal(expected, response.StatusCode);
        if (expected == HttpStatusCode.InternalServerError)
        {
            Assert.StartsWith("An internal error occured: \n0: ", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Rest_ChallengeWithoutTee_GivesANonceWhoseTokenIsChecked()
    {
        using HttpResponseMessage challenge = await _http.PostAsync(new Uri("/challenge", UriKind.Relative), new StringContent("{}", Encoding.UTF8, "application/json"));
        JsonNode given = JsonNode.Parse(await challenge.Content.ReadAsStringAsync())!;
        string nonce = (string)given["nonce"]!, token = (string)given["extra-params"]!["jwt"]!;
        string[] parts = token.Split('.');

        Assert.Equal(32, Convert.FromBase64String(nonce).Length);
        Assert.Equal("RS384", (string?)JsonNode.Parse(StrictBase64.DecodeUrl(parts[0]).Require())!["alg"]);
        Assert.Equal(HttpStatusCode.OK, await SendAsync(nonce, token));
        Assert.Equal(HttpStatusCode.InternalServerError, await SendAsync("another", token));
        Assert.Equal(HttpStatusCode.InternalServerError, await SendAsync(nonce, parts[0] + "." + parts[1] + "." + parts[1]));
        _test.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(HttpStatusCode.InternalServerError, await SendAsync(nonce, token));

        async Task<HttpStatusCode> SendAsync(string sent, string withToken)
        {
            var runtime = new JsonObject { ["nonce"] = sent, ["challenge_token"] = withToken };
            byte[] reportData = SHA384.HashData(CanonicalJson.Write(TestAttestation.Json(runtime.ToJsonString())).Require());
            var body = new JsonObject
            {
                ["verification_requests"] = new JsonArray(new JsonObject
                {
                    ["tee"] = "sample",
                    ["evidence"] = Url($$"""{"svn":"1","report_data":"{{Convert.ToBase64String(reportData)}}"}"""),
                    ["runtime_data"] = new JsonObject { ["structured"] = runtime },
                }),
                ["policy_ids"] = new JsonArray(),
            };
            using HttpResponseMessage answer = await _http.PostAsync(new Uri("/attestation", UriKind.Relative), new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"));
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task Rest_Policies_SetListGetDelete()
    {
        using HttpResponseMessage set = await PostAsync("/policy", $$"""{"policy_id":"mine_cpu","policy":"{{Url("package policy\n")}}"}""");
        Assert.Equal(HttpStatusCode.OK, set.StatusCode);
        Assert.Empty(await set.Content.ReadAsStringAsync());

        JsonArray list = JsonNode.Parse(await _http.GetStringAsync("/policy"))!.AsArray();
        Assert.Contains("mine_cpu", list.Select(p => (string?)p!["policy-id"]));
        Assert.Equal("package policy\n", await _http.GetStringAsync("/policy/mine_cpu"));
        Assert.Equal(HttpStatusCode.OK, (await _http.DeleteAsync(new Uri("/policy/mine_cpu", UriKind.Relative))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _http.GetAsync(new Uri("/policy/mine_cpu", UriKind.Relative))).StatusCode);
        Assert.Equal(HttpStatusCode.InternalServerError, (await PostAsync("/policy", """{"policy_id":"a","policy":"%"}""")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync("/policy", """{"policy_id":"a"}""")).StatusCode);
    }

    [Fact]
    public async Task Rest_KeysAndDiscovery_AgreeWithTheToken()
    {
        JsonNode discovery = JsonNode.Parse(await _http.GetStringAsync("/.well-known/openid-configuration"))!;
        JsonNode keys = JsonNode.Parse(await _http.GetStringAsync(new Uri((string)discovery["jwks_uri"]!).PathAndQuery))!;

        Assert.Equal("CoCo-Attestation-Service", (string?)discovery["issuer"]);
        Assert.Equal("ES256", (string?)keys["keys"]![0]!["alg"]);
        using HttpResponseMessage challenge = await PostAsync("/challenge", """{"tee":"sample","tee_params":""}""");
        Assert.Equal(HttpStatusCode.OK, challenge.StatusCode);
    }

    private static string Url(string text) => StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(text));

    private async Task<HttpResponseMessage> PostAsync(string path, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return await _http.PostAsync(new Uri(path, UriKind.Relative), content);
    }
}
