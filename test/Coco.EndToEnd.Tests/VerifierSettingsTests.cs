// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Client;
using Coco.Protocol;
using Coco.Simulator;
using Coco.Simulator.Certificates;
using Coco.Simulator.Csv;
using Coco.Simulator.Nvidia;
using Coco.Simulator.Tpm;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>Whom a running server trusts, as <c>verifier_config</c> says: roots of TPMs and DPUs, reference manifests of GPUs, simulated roots.</summary>
public sealed class VerifierSettingsTests(VerifierSettingsTests.Site site) : IClassFixture<VerifierSettingsTests.Site>
{
    [Fact]
    public async Task Attest_TpmThatAnswersTheCredentialChallenge_IsEndorsed()
    {
        using var tpm = new SimulatedTpm();
        JsonObject parameters = tpm.GetEndorsementParameters([tpm.IssueEkCertificate(site.TpmVendor)]);

        (HttpStatusCode status, string answer) = await AttestTpmAsync(tpm, parameters);

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("endorsement-key", (string)Claims(JsonNode.Parse(answer)!["token"]!.GetValue<string>(), "tpm")["ak_endorsed_by"]!);
    }

    [Fact]
    public async Task Attest_TpmWithoutEndorsement_IsRefused()
    {
        using var tpm = new SimulatedTpm();

        (HttpStatusCode status, _) = await AttestTpmAsync(tpm, null);

        Assert.Equal(HttpStatusCode.Unauthorized, status);
        await site.Trustee.Server.WaitForOutputAsync("tpm.endorsement-required", TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Auth_TpmOfAnotherVendor_GetsNoChallenge()
    {
        using SimulatedAuthority stranger = SimulatedAuthority.CreateRoot("CN=Stranger", DateTimeOffset.UtcNow, rsa: true);
        using var tpm = new SimulatedTpm();
        using HttpClient http = site.Http();

        HttpResponseMessage challenge = await AuthAsync(http, tpm.GetEndorsementParameters([tpm.IssueEkCertificate(stranger)]));

        Assert.Equal(HttpStatusCode.Unauthorized, challenge.StatusCode);
    }

    [Fact]
    public async Task Attest_GpuWhoseMeasurementsTheManifestsName_GetsAToken()
    {
        string token = (await AttestAsync(TeeType.Nvidia, data => site.Nvidia.GetEvidence(data))).Require().Compact;

        Assert.Equal("GPU-simulated", (string)Claims(token, "nvidia")["uuid"]!);
    }

    [Fact]
    public async Task Attest_GpuWithAnotherMeasurement_IsRefused()
    {
        Result<AttestationToken> result = await AttestAsync(TeeType.Nvidia, data => site.Nvidia.GetEvidence(data, f => f.Measurements[2] = new byte[48]));

        Assert.NotNull(result.Refusal);
        await site.Trustee.Server.WaitForOutputAsync("nvidia.measurements", TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Attest_Dpu_IsJudgedByTheConfiguredRoot()
    {
        using var stranger = new SimulatedNvidia(DateTimeOffset.UtcNow);
        using (KbsAdminClient admin = KbsAdminClient.Create(site.Trustee.Url, null, site.Trustee.Connection))
        {
            // No policy for DPUs is shipped: the operator brings one.
            Refusal? refused = await admin.SetAttestationPolicyAsync("default_nvidia-dpu", "package policy\nimport rego.v1\ntrust_claims := {\"hardware\": 2}", TestContext.Current.CancellationToken);
            Assert.Null(refused);
        }

        Result<AttestationToken> known = await AttestAsync(TeeType.NvidiaDpu, data => site.Nvidia.GetDpuEvidence(data));
        Result<AttestationToken> unknown = await AttestAsync(TeeType.NvidiaDpu, data => stranger.GetDpuEvidence(data));

        Assert.Equal("Simulated BlueField", (string)Claims(known.Require().Compact, "nvidia-dpu")["device_class"]!);
        Assert.NotNull(unknown.Refusal);
    }

    [Fact]
    public async Task Attest_SimulatedHygonRoot_IsMarkedInTheToken()
    {
        string token = (await AttestAsync(TeeType.Csv, data => site.Hygon.GetEvidence(data))).Require().Compact;

        Assert.True((bool)Claims(token, "csv")["simulated"]!);
    }

    [Fact]
    public async Task Attest_SampleThatIsSwitchedOff_IsRefused()
    {
        using KbsClient client = KbsClient.Create(site.Trustee.Url, new SampleEvidenceProvider(), site.Trustee.Connection);

        Assert.NotNull((await client.AttestAsync(TestContext.Current.CancellationToken)).Refusal);
    }

    [Theory]
    [InlineData("tpm_verifier", """{"trusted_roots":"/nowhere"}""", "/nowhere: there is no such file or folder")]
    [InlineData("nvidia_verifier", """{"driver_manifests":"HOME/roots.json","manifest_roots":"HOME/rim.pem"}""", "roots.json: reference manifest")]
    [InlineData("nvidia_dpu_verifier", """{"root_ca_cert_path":"HOME/empty"}""", "no certificate")]
    [InlineData("snp_verifier", """{"revocation":"never"}""", "allowed: required, when_available, off")]
    public async Task CheckConfig_FileThatIsNotWhatItShouldBe_IsNamed(string verifier, string settings, string expected)
    {
        string file = Path.Combine(site.Folder, verifier + ".json");
        var config = new JsonObject
        {
            ["http_server"] = new JsonObject(),
            ["admin"] = new JsonObject { ["authorization_mode"] = "DenyAll" },
            ["attestation_service"] = new JsonObject
            {
                ["type"] = "coco_as_builtin",
                ["verifier_config"] = new JsonObject { [verifier] = JsonNode.Parse(settings.Replace("HOME", site.Folder, StringComparison.Ordinal)) },
            },
        };
        await File.WriteAllTextAsync(file, config.ToJsonString(), TestContext.Current.CancellationToken);

        await using ServerProcess run = ServerProcess.Start(TrusteeProcess.Program("Coco.Trustee", "trustee"), ["check-config", file]);
        await run.Process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(1, run.Process.ExitCode);
        Assert.Contains(expected, run.Output, StringComparison.Ordinal);
    }

    private static JsonObject Claims(string token, string tee)
    {
        JsonNode payload = JsonNode.Parse(StrictBase64.DecodeUrl(token.Split('.')[1]).Require())!;
        return payload["submods"]!.AsObject().Select(s => s.Value!["ear.veraison.annotated-evidence"]![tee]).First(c => c is not null)!.AsObject();
    }

    private static Task<HttpResponseMessage> AuthAsync(HttpClient http, JsonObject? parameters) => http.PostAsync(
        "kbs/v0/auth", Json(new JsonObject { ["version"] = "0.4.0", ["tee"] = "tpm", ["extra-params"] = parameters?.DeepClone() ?? "" }), TestContext.Current.CancellationToken);

    private static StringContent Json(JsonNode body) => new(body.ToJsonString(), Encoding.UTF8, "application/json");

    private async Task<Result<AttestationToken>> AttestAsync(TeeType tee, Func<byte[], JsonObject> evidence)
    {
        using KbsClient client = KbsClient.Create(site.Trustee.Url, new Device(tee, evidence), site.Trustee.Connection);
        return await client.AttestAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>A handshake written out, since the credential challenge is an addition to the protocol.</summary>
    private async Task<(HttpStatusCode Status, string Body)> AttestTpmAsync(SimulatedTpm tpm, JsonObject? parameters)
    {
        using HttpClient http = site.Http();
        using HttpResponseMessage auth = await AuthAsync(http, parameters);
        auth.EnsureSuccessStatusCode();
        JsonNode challenge = JsonNode.Parse(await auth.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        JsonObject body = JsonNode.Parse(SampleExchange.Attest(challenge["nonce"]!.GetValue<string>(), key))!.AsObject();
        byte[] reportData = Convert.FromBase64String((string)body["tee-evidence"]!["primary_evidence"]!["report_data"]!);
        JsonObject evidence = tpm.GetEvidence(reportData);
        if (parameters is not null)
        {
            JsonNode credential = challenge["extra-params"]!["tpm-credential"]!;
            JsonObject endorsement = parameters.DeepClone().AsObject();
            endorsement["secret"] = Convert.ToBase64String(tpm.ActivateCredential(Bytes(credential, "credential_blob"), Bytes(credential, "encrypted_secret")));
            endorsement["state"] = (string)credential["state"]!;
            evidence["endorsement"] = endorsement;
        }

        body["tee-evidence"]!["primary_evidence"] = evidence;
        using HttpResponseMessage attest = await http.PostAsync("kbs/v0/attest", Json(body), TestContext.Current.CancellationToken);
        return (attest.StatusCode, await attest.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));

        static byte[] Bytes(JsonNode json, string name) => Convert.FromBase64String((string)json[name]!);
    }

    /// <summary>A server with a configuration file that names all of it.</summary>
    public sealed class Site : IAsyncLifetime
    {
        public string Folder { get; } = Directory.CreateTempSubdirectory("coco-verifiers").FullName;

        public SimulatedAuthority TpmVendor { get; } = SimulatedAuthority.CreateRoot("CN=Simulated TPM vendor", DateTimeOffset.UtcNow, rsa: true);

        public SimulatedNvidia Nvidia { get; } = new(DateTimeOffset.UtcNow);

        public SimulatedHygon Hygon { get; } = new();

        public TrusteeProcess Trustee { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            byte[] driver = Nvidia.MakeManifest("550.90.07", new Dictionary<int, byte[][]> { [1] = [SHA384.HashData("measurement 2"u8)] });
            byte[] vbios = Nvidia.MakeManifest("96.00.9f.00.01", new Dictionary<int, byte[][]> { [2] = [SHA384.HashData("measurement 3"u8)] });
            string config = Write("kbs.json", Encoding.UTF8.GetBytes(new JsonObject
            {
                ["http_server"] = new JsonObject(),
                ["admin"] = new JsonObject { ["authorization_mode"] = "InsecureAllowAll" },
                ["attestation_service"] = new JsonObject
                {
                    ["type"] = "coco_as_builtin",
                    ["verifier_config"] = new JsonObject
                    {
                        ["offline"] = true,
                        ["sample"] = false,
                        ["insecure_simulated_tee"] = Write("roots.json", Encoding.UTF8.GetBytes(SimulatedRootsFile.Write(hygon: Hygon))),
                        ["tpm_verifier"] = new JsonObject { ["trusted_roots"] = Write("tpm.pem", Pem(TpmVendor.Certificate)), ["require_endorsement"] = true },
                        ["nvidia_verifier"] = new JsonObject
                        {
                            ["trusted_roots"] = Write("gpu.pem", Pem(Nvidia.Root.Certificate)),
                            ["driver_manifests"] = Write("driver.xml", driver),
                            ["vbios_manifests"] = Write("vbios.xml", vbios),
                            ["manifest_roots"] = Write("rim.pem", Pem(Nvidia.ManifestRoot.Certificate)),
                            ["require_manifests"] = true,
                        },
                        ["nvidia_dpu_verifier"] = new JsonObject { ["root_ca_cert_path"] = Write("dpu.pem", Pem(Nvidia.Root.Certificate)) },
                    },
                },
            }.ToJsonString()));
            Write("empty", "nothing"u8.ToArray());
            Trustee = await TrusteeProcess.StartAsync(["--config-file", config]);
        }

        public HttpClient Http()
        {
            var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator };
            return new HttpClient(handler) { BaseAddress = Trustee.Url };
        }

        public async ValueTask DisposeAsync()
        {
            if (Trustee is not null)
            {
                await Trustee.DisposeAsync();
            }

            TpmVendor.Dispose();
            Nvidia.Dispose();
            Directory.Delete(Folder, recursive: true);
        }

        private static byte[] Pem(byte[] der) => Encoding.ASCII.GetBytes(PemEncoding.WriteString("CERTIFICATE", der) + "\n");

        private string Write(string name, byte[] bytes)
        {
            string path = Path.Combine(Folder, name);
            File.WriteAllBytes(path, bytes);
            return path;
        }
    }

    private sealed class Device(TeeType tee, Func<byte[], JsonObject> evidence) : IEvidenceProvider
    {
        public TeeType Tee => tee;

        public ValueTask<JsonElement> GetEvidenceAsync(EvidenceRequest request, CancellationToken ct) =>
            new(JsonSerializer.SerializeToElement(evidence(request.ReportData.ToArray())));
    }
}
