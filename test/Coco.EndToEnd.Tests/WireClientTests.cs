// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json.Nodes;
using Coco.Testing;
using Coco.Wire.Attestation;
using Coco.Wire.References;
using Grpc.Core;
using Grpc.Net.Client;

namespace Coco.EndToEnd.Tests;

/// <summary>
/// <c>trustee rvps</c> and <c>trustee as</c> as separate processes, driven by clients whose protocol files were written from the reference's field tables
/// alone.
/// </summary>
public sealed class WireClientTests
{
    [Fact]
    public async Task ClientsOfTheFieldTables_RegisterAskSetAndAttest()
    {
        string provider = Directory.CreateTempSubdirectory("coco-rvps-").FullName, attestation = Directory.CreateTempSubdirectory("coco-as-").FullName;
        int rvpsPort = FreePort.Next(), asPort = FreePort.Next();
        await using ServiceProcess rvps = await ServiceProcess.StartAsync(provider, ["rvps", "--address", $"127.0.0.1:{rvpsPort}"], "{}");
        await using ServiceProcess service = await ServiceProcess.StartAsync(
            attestation,
            ["as", "--grpc-socket", $"127.0.0.1:{asPort}"],
            $$"""{"rvps_config":{"type":"GrpcRemote","address":"http://127.0.0.1:{{rvpsPort}}"} }""");
        using GrpcChannel toRvps = GrpcChannel.ForAddress($"http://127.0.0.1:{rvpsPort}"), toService = GrpcChannel.ForAddress($"http://127.0.0.1:{asPort}");
        var values = new ReferenceValueProviderService.ReferenceValueProviderServiceClient(toRvps);
        var forwarded = new ReferenceValueProviderService.ReferenceValueProviderServiceClient(toService);
        var client = new AttestationService.AttestationServiceClient(toService);

        // Registered at the provider, asked for at both; unknown is absent, not empty.
        await values.RegisterReferenceValueAsync(new ReferenceValueRegisterRequest { Message = Message("""{"launch_digest":["abcde"],"svn":["1"],"major_version":1,"minimum_minor_version":4}""") });
        Assert.Equal("""["abcde"]""", (await values.QueryReferenceValueAsync(new ReferenceValueQueryRequest { ReferenceValueId = "launch_digest" })).ReferenceValueResults);
        Assert.Equal("""["abcde"]""", (await forwarded.QueryReferenceValueAsync(new ReferenceValueQueryRequest { ReferenceValueId = "launch_digest" })).ReferenceValueResults);
        Assert.False((await values.QueryReferenceValueAsync(new ReferenceValueQueryRequest { ReferenceValueId = "__healthcheck__" })).HasReferenceValueResults);

        // Every way to say runtime data and init-data.
        foreach ((string reportData, Action<IndividualAttestationRequest> set) in ((string, Action<IndividualAttestationRequest>)[])
        [
            (Convert.ToBase64String("raw"u8), r => r.RawRuntimeData = Url("raw")),
            (Convert.ToBase64String(System.Security.Cryptography.SHA384.HashData("""{"a":1}"""u8)), r => r.StructuredRuntimeData = """{ "a": 1 }"""),
            (Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData("""{"a":1}"""u8)), r => (r.StructuredRuntimeData, r.RuntimeDataHashAlgorithm) = ("""{"a":1}""", "sha256")),
            (string.Empty, r => r.InitDataDigest = Url("a digest of 32 bytes, just any....")),
            (string.Empty, r => r.InitDataToml = "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n"),
        ])
        {
            JsonNode token = await AttestAsync(client, reportData, set);
            Assert.Equal("affirming", (string?)token["submods"]!["cpu0"]!["ear.status"]);
        }

        await client.SetAttestationPolicyAsync(new SetPolicyRequest { PolicyId = "strict_cpu", Policy = Url("package policy\ntrust_claims := {\"hardware\": 97}") });
        Assert.Equal("contraindicated", (string?)(await AttestAsync(client, string.Empty, _ => { }, "strict"))["submods"]!["cpu0"]!["ear.status"]);
        Assert.Equal(string.Empty, (await client.GetAttestationChallengeAsync(new ChallengeRequest { Inner = { ["tee"] = "sample", ["tee_params"] = "{}" } })).AttestationChallenge);
        RpcException refused = await Assert.ThrowsAsync<RpcException>(async () => await AttestAsync(client, Convert.ToBase64String("other"u8), r => r.RawRuntimeData = Url("raw")));
        Assert.Equal(StatusCode.Aborted, refused.StatusCode);
        Assert.StartsWith("Attestation evaluation failed: ", refused.Status.Detail, StringComparison.Ordinal);
    }

    private static async Task<JsonNode> AttestAsync(AttestationService.AttestationServiceClient client, string reportData, Action<IndividualAttestationRequest> set, string? policy = null)
    {
        var individual = new IndividualAttestationRequest { Tee = "sample", Evidence = Url(new JsonObject { ["svn"] = "1", ["report_data"] = reportData }.ToJsonString()) };
        set(individual);
        var request = new AttestationRequest { VerificationRequests = { individual } };
        if (policy is not null)
        {
            request.PolicyIds.Add(policy);
        }

        string token = (await client.AttestationEvaluateAsync(request)).AttestationToken;
        return JsonNode.Parse(StrictBase64.DecodeUrl(token.Split('.')[1]).Require())!;
    }

    private static string Message(string values) => new JsonObject
    {
        ["version"] = "0.1.0",
        ["type"] = "sample",
        ["payload"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(values)),
    }.ToJsonString();

    private static string Url(string text) => StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(text));
}
