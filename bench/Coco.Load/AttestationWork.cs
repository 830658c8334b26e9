// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Coco.Protocol.AsGrpc;
using Coco.Protocol.RvpsGrpc;
using Coco.Simulator.Amd;
using Grpc.Net.Client;

namespace Coco.Load;

/// <summary>One attestation of a simulated SNP guest at a stand-alone attestation service, over REST and over gRPC.</summary>
internal sealed class AttestationWork
{
    private const string Runtime = """{"nonce":"bG9hZA","tee-pubkey":{"crv":"P-256","kty":"EC","x":"a","y":"b"}}""";

    private readonly AttestationRequest _request = new();
    private readonly byte[] _rest;

    public AttestationWork(SimulatedSnpGuest guest)
    {
        using JsonDocument runtime = JsonDocument.Parse(Runtime);
        byte[] reportData = SHA384.HashData(CanonicalJson.Write(runtime.RootElement).Require());
        string evidence = StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(guest.GetEvidence(reportData).ToJsonString()));
        _request.VerificationRequests.Add(new IndividualAttestationRequest { Tee = "snp", Evidence = evidence, StructuredRuntimeData = Runtime });
        byte[] body = Encoding.UTF8.GetBytes(
            $$"""{"verification_requests":[{"tee":"snp","evidence":"{{evidence}}","runtime_data":{"structured":{{Runtime}} } }],"policy_ids":[]}""");
        _rest = HttpRequest.Bytes("POST", "/attestation", null, null, body);
    }

    /// <summary>Registers what the default policy asks for, so that the guest is affirmed.</summary>
    public static async Task RegisterAsync(int grpcPort, SimulatedSnpGuest guest)
    {
        string values = $$"""
            {"snp_launch_measurement":["{{Convert.ToHexStringLower(guest.Measurement)}}"],"snp_bootloader":[{{guest.Tcb.BootLoader}}],
             "snp_tee_svn":[{{guest.Tcb.Tee}}],"snp_snp_svn":[{{guest.Tcb.Snp}}],"snp_microcode":[{{guest.Tcb.Microcode}}]}
            """;
        using GrpcChannel channel = Channel(grpcPort);
        await new ReferenceValueProviderService.ReferenceValueProviderServiceClient(channel).RegisterReferenceValueAsync(new ReferenceValueRegisterRequest
        {
            Message = $$"""{"version":"0.1.0","type":"sample","payload":"{{Convert.ToBase64String(Encoding.UTF8.GetBytes(values))}}"}""",
        });
    }

    /// <summary>Over REST.</summary>
    public Action Rest(int port)
    {
        HttpConnection http = HttpConnection.Connect(port, plain: true);
        return () =>
        {
            Answer answer = http.Send(_rest);
            if (answer.Status != 200)
            {
                throw new InvalidOperationException($"attestation was answered with {answer.Status}: {Encoding.UTF8.GetString(answer.Body.Span)}");
            }
        };
    }

    /// <summary>Over gRPC.</summary>
    public Action Grpc(int port)
    {
        GrpcChannel channel = Channel(port);
        var client = new AttestationService.AttestationServiceClient(channel);
        return () => client.AttestationEvaluate(_request);
    }

    private static GrpcChannel Channel(int port) => GrpcChannel.ForAddress("http://127.0.0.1:" + port);
}
