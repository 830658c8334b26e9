// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Protocol.AsGrpc;
using Coco.Protocol.RvpsGrpc;
using Coco.Testing;
using Grpc.Core;
using Grpc.Net.Client;

namespace Coco.EndToEnd.Tests;

/// <summary>Configuration files of <c>trustee as</c> and <c>trustee rvps</c> that change what the process does, or keep it from starting.</summary>
public sealed class StandAloneConfigurationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coco-alone-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("0.5", "evaluation-report,exp,iss,jwk,nbf,tcb-status,tee-pubkey")]
    [InlineData("0.9", "customized_claims,evaluation-reports,exp,iat,iss,jti,jwk,nbf,reference-data,tcb-status,tee")]
    [InlineData("0.11", "customized_claims,evaluation-reports,exp,iat,iss,jti,nbf,tcb-status,tee")]
    public async Task SimpleToken_OfEachRelease_IsWhatTheFileAsksFor(string version, string claims)
    {
        int port = FreePort.Next();
        await using ServiceProcess service = await ServiceProcess.StartAsync(
            _folder, ["as", "--grpc-socket", $"127.0.0.1:{port}"], $$"""{"attestation_token_broker":{"type":"Simple","simple_version":"{{version}}"} }""");
        using GrpcChannel channel = GrpcChannel.ForAddress("http://127.0.0.1:" + port);
        var request = new AttestationRequest();
        request.VerificationRequests.Add(new IndividualAttestationRequest
        {
            Tee = "sample",
            Evidence = StrictBase64.EncodeUrl("""{"svn":"1","report_data":""}"""u8),
        });

        string token = (await new AttestationService.AttestationServiceClient(channel).AttestationEvaluateAsync(request)).AttestationToken;

        string[] parts = token.Split('.');
        Assert.Equal("RS384", (string?)JsonNode.Parse(StrictBase64.DecodeUrl(parts[0]).Require())!["alg"]);
        Assert.Equal(claims, string.Join(',', JsonNode.Parse(StrictBase64.DecodeUrl(parts[1]).Require())!.AsObject().Select(m => m.Key).Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData("""{"attestation_token_broker":{"signer":{"key_path":"FOLDER/p384.pem"}}}""", "Only P-256 attestation token signing keys are supported")]
    [InlineData("""{"attestation_token_broker":{"signer":{"key_path":"FOLDER/nothing.pem"}}}""", "attestation_token_broker.signer.key_path")]
    [InlineData("""{"shadow_policies":{"default_cpu":"FOLDER/broken.rego"}}""", "shadow_policies.default_cpu")]
    [InlineData("""{"rvps_config":{"publication_rules":[{"prefix":"a","signer_paths":["FOLDER/broken.rego"]}]}}""", "publication_rules")]
    [InlineData("""{"rvps_config":{"storage_type":"Redis"}}""", "ephemeral key")]
    public async Task Attestation_WithAMistake_DoesNotStartAndNamesIt(string configuration, string reason)
    {
        using (var key = ECDsa.Create(ECCurve.NamedCurves.nistP384))
        {
            await File.WriteAllTextAsync(Path.Combine(_folder, "p384.pem"), key.ExportECPrivateKeyPem());
        }

        await File.WriteAllTextAsync(Path.Combine(_folder, "broken.rego"), "package policy\ntrust_claims := {");

        (int code, string output) = await ServiceProcess.RunAsync(_folder, ["as", "--grpc-socket", $"127.0.0.1:{FreePort.Next()}"], configuration);

        Assert.Equal(1, code);
        Assert.Contains(reason, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReferenceValues_PublicationRulesOfTheFile_Hold()
    {
        int port = FreePort.Next();
        await using ServiceProcess service = await ServiceProcess.StartAsync(
            _folder,
            ["rvps", "--address", $"127.0.0.1:{port}"],
            """
            {"storage":{"storage_type":"LocalJson","backends":{"local_json":{"file_dir_path":"FOLDER/store"}}},"extractors":{"swid_extractor":{}},
             "publication_rules":[{"prefix":"vendor/","signers":["spki:00"]},{"prefix":"lab/","unsigned":true}]}
            """);
        using GrpcChannel channel = GrpcChannel.ForAddress("http://127.0.0.1:" + port);
        var client = new ReferenceValueProviderService.ReferenceValueProviderServiceClient(channel);

        await RegisterAsync(client, """{"lab/x":["1"]}""");
        RpcException signed = await Assert.ThrowsAsync<RpcException>(() => RegisterAsync(client, """{"vendor/x":["1"]}"""));
        RpcException uncovered = await Assert.ThrowsAsync<RpcException>(() => RegisterAsync(client, """{"other":["1"]}"""));

        Assert.Contains("may only be published signed", signed.Status.Detail, StringComparison.Ordinal);
        Assert.Contains("no publication rule covers 'other'", uncovered.Status.Detail, StringComparison.Ordinal);
        JsonNode stored = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_folder, "store", "reference_value")))!;
        Assert.Equal("lab/x", Assert.Single(stored.AsObject()).Key);
    }

    private static async Task RegisterAsync(ReferenceValueProviderService.ReferenceValueProviderServiceClient client, string values)
    {
        string message = new JsonObject { ["version"] = "0.1.0", ["type"] = "sample", ["payload"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(values)) }.ToJsonString();
        await client.RegisterReferenceValueAsync(new ReferenceValueRegisterRequest { Message = message });
    }
}
