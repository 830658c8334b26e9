// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Protocol.AsGrpc;
using Coco.Protocol.RvpsGrpc;
using Coco.Testing;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;

namespace Coco.EndToEnd.Tests;

/// <summary>
/// <c>trustee as</c> with a configuration file that sets everything: gRPC, REST and the administrators' face of one process, driven by clients that are
/// generated from the protocol files, by plain HTTP and by <c>coco</c>.
/// </summary>
public sealed class StandAloneAttestationTests(StandAloneAttestationTests.Service service) : IClassFixture<StandAloneAttestationTests.Service>
{
    private const string Evidence = """{"svn":"1","report_data":""}""";

    private readonly AttestationService.AttestationServiceClient _grpc = new(service.Channel);
    private readonly ReferenceValueProviderService.ReferenceValueProviderServiceClient _references = new(service.Channel);

    [Fact]
    public async Task Evaluate_OverEitherFace_IsSignedByTheConfiguredKey()
    {
        var request = new AttestationRequest();
        request.VerificationRequests.Add(new IndividualAttestationRequest { Tee = "sample", Evidence = Url(Evidence) });
        string overGrpc = (await _grpc.AttestationEvaluateAsync(request)).AttestationToken;
        using HttpResponseMessage rest = await service.PostAsync("attestation", AttestBody());
        string overRest = await rest.Content.ReadAsStringAsync();

        foreach (string token in (string[])[overGrpc, overRest])
        {
            JsonNode header = Part(token, 0), payload = Part(token, 1);
            Assert.Equal("https://relying.example/chain.pem", (string?)header["jwk"]!["x5u"]);
            Assert.Single(header["jwk"]!["x5c"]!.AsArray());
            Assert.Equal("an-issuer", (string?)payload["iss"]);
            Assert.Equal(7 * 60, (long)payload["exp"]! - (long)payload["iat"]!);
            string[] parts = token.Split('.');
            Assert.True(service.Key.VerifyData(Encoding.ASCII.GetBytes(parts[0] + "." + parts[1]), StrictBase64.DecodeUrl(parts[2]).Require(), HashAlgorithmName.SHA256));
        }

        JsonNode discovery = JsonNode.Parse(await service.Http.GetStringAsync(".well-known/openid-configuration"))!;
        Assert.Equal("an-issuer", (string?)discovery["issuer"]);
        JsonNode keys = JsonNode.Parse(await service.Http.GetStringAsync((string?)discovery["jwks_uri"]))!;

        // The gRPC port answers that one question over HTTP/1.1 too, and no other.
        Assert.Equal(keys.ToJsonString(), JsonNode.Parse(await service.Http.GetStringAsync(new Uri(service.GrpcUrl + "/.well-known/jwks.json")))!.ToJsonString());
        using HttpResponseMessage other = await service.Http.GetAsync(new Uri(service.GrpcUrl + "/policy"));
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        Assert.True(JsonNode.DeepEquals(Part(overGrpc, 0)["jwk"], Assert.Single(keys["keys"]!.AsArray())));
    }

    [Fact]
    public async Task Policies_SetOverGrpc_AreThoseOfRest()
    {
        await _grpc.SetAttestationPolicyAsync(new SetPolicyRequest { PolicyId = "mine_cpu", Policy = Url("package policy\ntrust_claims := {\"hardware\": 2}") });

        using HttpResponseMessage answer = await service.PostAsync("attestation", AttestBody("mine"));
        Assert.Equal("affirming", (string?)Part(await answer.Content.ReadAsStringAsync(), 1)["submods"]!["cpu0"]!["ear.status"]);
        Assert.Contains("hardware", await service.Http.GetStringAsync("policy/mine_cpu"), StringComparison.Ordinal);
        Assert.Contains("mine_cpu", (await _grpc.ListAttestationPoliciesAsync(new ListAttestationPoliciesRequest())).Policies.Select(p => p.PolicyId));
        await _grpc.DeleteAttestationPolicyAsync(new DeleteAttestationPolicyRequest { PolicyId = "mine_cpu" });
        using HttpResponseMessage gone = await service.Http.GetAsync(new Uri("policy/mine_cpu", UriKind.Relative));
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [Theory]
    [InlineData("package policy\ntrust_claims := {", "Set Attestation Policy Failed", null)]
    [InlineData("package other\ntrust_claims := {\"hardware\": 2}", "package 'policy'", null)]
    [InlineData("package policy\na := b\nb := a\ntrust_claims := {\"hardware\": a}", "recursive", null)]
    [InlineData("package policy\nimport rego.v1\ntrust_claims := {\"hardware\": count([1 | some i in numbers.range(1, 900); some j in numbers.range(1, 900); i + j < 0])}", null, "steps")]
    [InlineData("package policy\ntrust_claims := 3", null, "Trust claims is not an object")]
    [InlineData("package policy\ntrust_claims := {\"hardware\": \"2\"}", null, "'hardware' is not a number")]
    [InlineData("package policy\ntrust_claims := {\"hardware\": 200}", null, "not an integer from -128 to 127")]
    [InlineData("package policy\ntrust_claims := {\"luck\": 2}", null, "unknown trust claim 'luck'")]
    public async Task Policy_ThatIsNone_IsRefusedWithTheReasonAndTheRestUnharmed(string policy, string? whenSet, string? whenUsed)
    {
        var set = new SetPolicyRequest { PolicyId = "bad_cpu", Policy = Url(policy) };
        string reason;
        if (whenSet is not null)
        {
            RpcException refused = await Assert.ThrowsAsync<RpcException>(async () => await _grpc.SetAttestationPolicyAsync(set));
            Assert.Equal(StatusCode.Aborted, refused.StatusCode);
            reason = refused.Status.Detail;
        }
        else
        {
            await _grpc.SetAttestationPolicyAsync(set);
            using HttpResponseMessage answer = await service.PostAsync("attestation", AttestBody("bad"));
            Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
            reason = await answer.Content.ReadAsStringAsync();
            Assert.StartsWith("An internal error occured: \n0: ", reason, StringComparison.Ordinal);
        }

        Assert.Contains(whenSet ?? whenUsed!, reason, StringComparison.Ordinal);
        using HttpResponseMessage other = await service.PostAsync("attestation", AttestBody());
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
    }

    [Fact]
    public async Task ShadowPolicyOfTheFile_IsCountedAndExplained()
    {
        using HttpResponseMessage answer = await service.PostAsync("attestation", AttestBody());
        string id = answer.Headers.GetValues("Coco-Decision-Id").Single();

        JsonNode record = JsonNode.Parse(await CocoAsync("explain", id, "--output", "json"))!;

        Assert.Equal("would_pass", (string?)record["evidences"]![0]!["devices"]![0]!["shadow"]!["result"]);
        Assert.Contains("coco_attestation_shadow_policy_total{policy=\"default_cpu.shadow\",result=\"would_pass\"}", await service.Http.GetStringAsync("metrics"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("decisions")]
    [InlineData("decisions/00000000000000000000000000")]
    [InlineData("doctor")]
    public async Task AdministratorsFace_WithoutToken_IsRefused(string path)
    {
        using HttpResponseMessage answer = await service.Http.GetAsync(new Uri("kbs/v0/" + path, UriKind.Relative));

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task PublicationRules_OfTheFile_HoldOnTheCohostedService()
    {
        const string Payload = """{"version":"0.1.0","type":"sample","payload":"PAYLOAD"}""";
        RpcException refused = await Assert.ThrowsAsync<RpcException>(async () => await _references.RegisterReferenceValueAsync(
            new ReferenceValueRegisterRequest { Message = Payload.Replace("PAYLOAD", Base64("""{"vendor/x":["1"],"free":1}"""), StringComparison.Ordinal) }));
        await _references.RegisterReferenceValueAsync(
            new ReferenceValueRegisterRequest { Message = Payload.Replace("PAYLOAD", Base64("""{"free":["2"]}"""), StringComparison.Ordinal) });

        Assert.Equal(StatusCode.Aborted, refused.StatusCode);
        Assert.Contains("'vendor/x' may only be published signed", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Equal("[\"2\"]", (await _references.QueryReferenceValueAsync(new ReferenceValueQueryRequest { ReferenceValueId = "free" })).ReferenceValueResults);
        Assert.False((await _references.QueryReferenceValueAsync(new ReferenceValueQueryRequest { ReferenceValueId = "vendor/x" })).HasReferenceValueResults);
    }

    [Theory]
    [InlineData("attestation.AttestationService")]
    [InlineData("reference.ReferenceValueProviderService")]
    public async Task Health_OfEachService_IsServing(string name)
    {
        HealthCheckResponse answer = await new Health.HealthClient(service.Channel).CheckAsync(new HealthCheckRequest { Service = name });

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, answer.Status);
    }

    private static string AttestBody(string? policy = null) =>
        $$"""{"verification_requests":[{"tee":"sample","evidence":"{{Url(Evidence)}}"}],"policy_ids":[{{(policy is null ? string.Empty : $"\"{policy}\"")}}]}""";

    private static string Url(string text) => StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(text));

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static JsonNode Part(string token, int part) => JsonNode.Parse(StrictBase64.DecodeUrl(token.Split('.')[part]).Require())!;

    private Task<string> CocoAsync(params string[] arguments) => ServerProcess.RunAsync(
        TrusteeProcess.Program("Coco.Cli", "coco"), [.. arguments, "--url", service.AdminUrl, "--admin-token-file", service.Process.AdminTokenPath]);

    /// <summary>One service for all tests of the class.</summary>
    public sealed class Service : IAsyncLifetime
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("coco-as-").FullName;

        public ServiceProcess Process { get; private set; } = null!;

        public GrpcChannel Channel { get; private set; } = null!;

        public HttpClient Http { get; private set; } = null!;

        public string AdminUrl { get; private set; } = string.Empty;

        public string GrpcUrl { get; private set; } = string.Empty;

        public ECDsa Key { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        public Task<HttpResponseMessage> PostAsync(string path, string body) =>
            Http.PostAsync(new Uri(path, UriKind.Relative), new StringContent(body, Encoding.UTF8, "application/json"));

        public async ValueTask InitializeAsync()
        {
            using ECDsa publisher = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            await WriteAsync("key.pem", Key.ExportECPrivateKeyPem());
            await WriteAsync("chain.pem", SelfSigned(Key));
            await WriteAsync("publisher.pem", publisher.ExportSubjectPublicKeyInfoPem());
            await WriteAsync("shadow.rego", "package policy\ntrust_claims := {\"hardware\": 2}");
            int grpc = FreePort.Next(), rest = FreePort.Next(), admin = FreePort.Next();
            Process = await ServiceProcess.StartAsync(
                _folder,
                ["as", "--grpc-socket", $"127.0.0.1:{grpc}", "--rest-socket", $"127.0.0.1:{rest}", "--admin-socket", $"127.0.0.1:{admin}"],
                """
                {"work_dir":"/unused","policy_engine":"opa",
                 "rvps_config":{"type":"BuiltIn","publication_rules":[{"prefix":"vendor/","signer_paths":["FOLDER/publisher.pem"]},{"prefix":"","unsigned":true}]},
                 "attestation_token_broker":{"duration_min":7,"issuer_name":"an-issuer",
                   "signer":{"key_path":"FOLDER/key.pem","cert_path":"FOLDER/chain.pem","cert_url":"https://relying.example/chain.pem"}},
                 "storage_backend":{"storage_type":"LocalFs","backends":{"local_fs":{"dir_path":"FOLDER/store"}}},
                 "decisions":{"record_evidence":true,"retention_days":3},
                 "shadow_policies":{"default_cpu":"FOLDER/shadow.rego"}}
                """,
                listeners: 3);
            GrpcUrl = "http://127.0.0.1:" + grpc;
            Channel = GrpcChannel.ForAddress(GrpcUrl);
            Http = new HttpClient { BaseAddress = new Uri("http://127.0.0.1:" + rest) };
            AdminUrl = "http://127.0.0.1:" + admin;
        }

        public async ValueTask DisposeAsync()
        {
            Channel.Dispose();
            Http.Dispose();
            Key.Dispose();
            await Process.DisposeAsync();
            Directory.Delete(_folder, recursive: true);
        }

        private static string SelfSigned(ECDsa key)
        {
            using X509Certificate2 certificate = new CertificateRequest("CN=signer", key, HashAlgorithmName.SHA256)
                .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(30));
            return certificate.ExportCertificatePem();
        }

        private Task WriteAsync(string name, string text) => File.WriteAllTextAsync(Path.Combine(_folder, name), text);
    }
}
