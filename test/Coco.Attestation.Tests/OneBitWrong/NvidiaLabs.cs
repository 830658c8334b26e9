// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Simulator.Nvidia;
using Coco.Verifiers;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.Nvidia;

namespace Coco.Attestation.Tests.OneBitWrong;

/// <summary>A GPU that is verified here. The built-in policy wants NVIDIA's verification, so this one comes with its own.</summary>
internal sealed class GpuLab : EvidenceLab
{
    private readonly SimulatedNvidia _vendor = new(Now);

    public GpuLab() => Verifier = new NvidiaVerifier(new NvidiaVerifierOptions { Clock = Clock(), Roots = [new TrustedKey("simulated", _vendor.Root.PublicKeyInfo) { IsSimulated = true }] });

    public override IVerifier Verifier { get; }

    public override byte[] ReportData { get; } = SHA256.HashData("runtime data"u8);

    public override IReadOnlyDictionary<string, string> References => new Dictionary<string, string>
    {
        ["gpu_2"] = Quoted(SHA384.HashData("measurement 2"u8)),
        ["gpu_3"] = Quoted(SHA384.HashData("measurement 3"u8)),
        ["drivers"] = """["550.90.07"]""",
        ["vbios"] = """["96.00.9f.00.01"]""",
    };

    public override (string TeeClass, string Text)? Policy => ("gpu", """
        package policy
        import rego.v1
        trust_claims := {"executables": executables, "configuration": configuration}
        default executables := 33
        default configuration := 36
        executables := 3 if {
          input.nvidia.measurements["2"] in query_reference_value("gpu_2")
          input.nvidia.measurements["3"] in query_reference_value("gpu_3")
        }
        configuration := 2 if {
          input.nvidia.config.vbios_version in query_reference_value("vbios")
          input.nvidia.config.driver_version in query_reference_value("drivers")
        }
        """);

    public override ValueTask<JsonNode> GoodAsync() => new(_vendor.GetEvidence(ReportData));

    public override IEnumerable<WrongBit> Bits()
    {
        yield return Bit("2", "gpu_2", () => _vendor.GetEvidence(ReportData, f => f.Measurements[2][0] ^= 1));
        yield return Bit("3", "gpu_3", () => _vendor.GetEvidence(ReportData, f => f.Measurements[3][47] ^= 1));
        yield return Bit("driver_version", "drivers", () => _vendor.GetEvidence(ReportData, f => f.DriverVersion = "550.90.06"));
        yield return Bit("vbios_version", "vbios", () => _vendor.GetEvidence(ReportData, f => f.VbiosVersion![1] ^= 1));
        yield return Bit(string.Empty, "nvidia.nonce", () => _vendor.GetEvidence(ReportData, f => f.RequestNonce[0] ^= 1));
        yield return Bit(string.Empty, "nvidia.report-signature", () => _vendor.GetEvidence(ReportData, f => f.AfterSigning = (signed, _) => signed[60] ^= 1));
    }

    public override void Dispose() => _vendor.Dispose();
}

/// <summary>A GPU or switch that NVIDIA's service verifies, under the built-in policies.</summary>
internal sealed class RemoteNvidiaLab : EvidenceLab
{
    private readonly SimulatedNvidia _vendor = new(Now);
    private readonly SigningKey _serviceKey = SigningKey.Generate(JwsAlgorithms.ES384);
    private readonly Service _service;
    private readonly HttpClient _http;
    private readonly string _kind;

    public RemoteNvidiaLab(string kind)
    {
        _kind = kind;
        _service = new Service(_serviceKey, kind);
        _http = new HttpClient(_service);
        Verifier = new NvidiaRemoteVerifier(new NvidiaRemoteVerifierOptions { Http = _http, Service = new Uri("http://nras.test/v4/attest"), Collateral = new Keys(_serviceKey), Clock = Clock() });
    }

    public override IVerifier Verifier { get; }

    public override byte[] ReportData { get; } = SHA256.HashData("runtime data"u8);

    public override IReadOnlyDictionary<string, string> References => new Dictionary<string, string>
    {
        ["allowed_vbios_versions"] = """["96.00.9f.00.01"]""",
        ["allowed_driver_versions"] = """["550.90.07"]""",
        ["allowed_switch_bios_versions"] = """["96.00.9f.00.01"]""",
    };

    public override ValueTask<JsonNode> GoodAsync() => new(Evidence(_ => { }));

    public override IEnumerable<WrongBit> Bits()
    {
        foreach (string name in Service.Claims(_kind).Select(c => c.Key).Where(n => _kind == "gpu" || !n.Contains("-driver-", StringComparison.Ordinal)))
        {
            if (name.EndsWith("cert-chain", StringComparison.Ordinal))
            {
                yield return Changed("x-nvidia-cert-ocsp-status", "good", c => c[name]!["x-nvidia-cert-ocsp-status"] = "gooe");
                yield return Changed("x-nvidia-cert-status", "valid", c => c[name]!["x-nvidia-cert-status"] = "valie");
            }
            else if (name.EndsWith("-version", StringComparison.Ordinal))
            {
                yield return Changed(name, "allowed_", c => c[name] = (string)c[name]! == "550.90.07" ? "550.90.06" : "96.00.9f.00.00");
            }
            else
            {
                yield return Changed(name, "and the policy wants", c => c[name] = c[name]!.GetValueKind() == JsonValueKind.True ? false : "enabled");
            }
        }
    }

    public override void Dispose()
    {
        _http.Dispose();
        _service.Dispose();
        _serviceKey.Dispose();
        _vendor.Dispose();
    }

    private WrongBit Changed(string claim, string against, Action<JsonObject> change) => Bit(claim, against, () => Evidence(change));

    private JsonObject Evidence(Action<JsonObject> change)
    {
        _service.Change = change;
        return _vendor.GetEvidence(ReportData, f => f.Architecture = _kind == "gpu" ? "HOPPER" : "LS10");
    }

    private sealed class Keys(SigningKey key) : ICollateralProvider
    {
        public ValueTask<Result<CollateralItem>> GetAsync(CollateralKey wanted, CancellationToken ct)
        {
            JsonObject jwk = key.PublicJwk.ToJson();
            jwk["kid"] = "k";
            return new(new CollateralItem(Encoding.UTF8.GetBytes(new JsonObject { ["keys"] = new JsonArray(jwk) }.ToJsonString())));
        }
    }

    /// <summary>Speaks the protocol of the remote attestation service, and attests what the test says.</summary>
    private sealed class Service(SigningKey key, string kind) : HttpMessageHandler
    {
        public Action<JsonObject> Change { get; set; } = _ => { };

        public static JsonObject Claims(string kind)
        {
            static JsonObject Chain() => new() { ["x-nvidia-cert-ocsp-status"] = "good", ["x-nvidia-cert-status"] = "valid" };
            string prefix = $"x-nvidia-{kind}-", bios = kind == "gpu" ? "vbios" : "bios";
            var claims = new JsonObject
            {
                [prefix + "attestation-report-cert-chain"] = Chain(),
                [prefix + bios + "-rim-cert-chain"] = Chain(),
                [prefix + bios + "-version"] = "96.00.9f.00.01",
                [prefix + "driver-version"] = "550.90.07",
                ["dbgstat"] = "disabled",
                ["measres"] = "success",
                ["secboot"] = true,
                [prefix + "arch-check"] = true,
            };
            foreach (string what in (string[])["cert-chain-fwid-match", "parsed", "signature-verified"])
            {
                claims[prefix + "attestation-report-" + what] = true;
            }

            foreach (string what in (string[])["fetched", "measurements-available", "schema-validated", "signature-verified", "version-match"])
            {
                claims[$"{prefix}{bios}-rim-{what}"] = true;
                claims[$"{prefix}driver-rim-{what}"] = true;
            }

            return claims;
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            using JsonDocument question = JsonDocument.Parse(await request.Content!.ReadAsStringAsync(cancellationToken));
            JsonObject detail = Claims(kind);
            Change(detail);
            detail[$"x-nvidia-{kind}-attestation-report-nonce-match"] = true;
            var overall = new JsonObject { ["x-nvidia-overall-att-result"] = true };
            foreach (JsonObject token in (JsonObject[])[detail, overall])
            {
                token["eat_nonce"] = question.RootElement.GetProperty("nonce").GetString();
                token["exp"] = Now.AddHours(1).ToUnixTimeSeconds();
            }

            var answer = new JsonArray(new JsonArray("JWT", Sign(overall)), new JsonObject { ["DEVICE-0"] = Sign(detail) });
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(answer.ToJsonString(), Encoding.UTF8, "application/json") };
        }

        private string Sign(JsonObject payload) => Jws.Sign(new JsonObject { ["alg"] = "ES384", ["kid"] = "k" }, Encoding.UTF8.GetBytes(payload.ToJsonString()), key);
    }
}

/// <summary>There is no built-in policy of this class.</summary>
internal sealed class DpuLab : EvidenceLab
{
    private readonly SimulatedNvidia _vendor = new(Now);

    public DpuLab() => Verifier = new DpuVerifier(new DpuVerifierOptions { Clock = Clock(), Roots = [new TrustedKey("simulated", _vendor.Root.PublicKeyInfo) { IsSimulated = true }] });

    public override IVerifier Verifier { get; }

    public override byte[] ReportData { get; } = SHA512.HashData("runtime data"u8);

    public override IReadOnlyDictionary<string, string> References => new Dictionary<string, string>
    {
        ["dpu_fwid"] = Quoted(SHA384.HashData(Layers()[0].Concat(Layers()[1]).ToArray())),
        ["dpu_class"] = """["Simulated BlueField"]""",
    };

    public override (string TeeClass, string Text)? Policy => ("nvidia-dpu", """
        package policy
        import rego.v1
        trust_claims := {"executables": executables, "hardware": hardware}
        default executables := 33
        default hardware := 97
        executables := 3 if input["nvidia-dpu"].accumulated_fwid in query_reference_value("dpu_fwid")
        hardware := 2 if input["nvidia-dpu"].device_class in query_reference_value("dpu_class")
        """);

    public override ValueTask<JsonNode> GoodAsync() => new(_vendor.GetDpuEvidence(ReportData));

    public override IEnumerable<WrongBit> Bits()
    {
        yield return Bit("accumulated_fwid", "dpu_fwid", () => _vendor.GetDpuEvidence(ReportData, f => f.TcbInfo = TcbInfo(Layers()[0], Flip(Layers()[1]))));
        yield return Bit("device_class", "dpu_class", () => _vendor.GetDpuEvidence(ReportData, f =>
        {
            f.ChangeDeviceId = c => c with { Subject = new X500DistinguishedName("CN=Simulated BlueFiele") };
            f.AliasIssuerName = new X500DistinguishedName("CN=Simulated BlueFiele");
        }));
        yield return Bit(string.Empty, "nvidia-dpu.report-data", () => _vendor.GetDpuEvidence(Flip(ReportData)));
    }

    public override void Dispose() => _vendor.Dispose();

    private static byte[][] Layers() => [SHA384.HashData("simulated firmware"u8), SHA384.HashData("second layer"u8)];

    private static byte[] TcbInfo(params byte[][] layers)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 6)))
        {
            foreach (byte[] layer in layers)
            {
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier("2.16.840.1.101.3.4.2.2");
                    writer.WriteOctetString(layer);
                }
            }
        }

        return writer.Encode();
    }
}
