// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Protocol.AsGrpc;
using Coco.Simulator;
using Coco.Simulator.Amd;
using Coco.Simulator.EventLogs;
using Coco.Simulator.Intel;
using Coco.Simulator.Tpm;
using Coco.Tee.EventLogs;
using Coco.Tee.Snp;
using Coco.Testing;
using Grpc.Net.Client;

namespace Coco.EndToEnd.Tests;

/// <summary>
/// <c>coco measure … --register</c> against a running service: what it computed from files is registered, a guest that was launched with those files
/// passes, one that was launched with others does not, and <c>coco measure explain</c> says what differs.
/// </summary>
public sealed class MeasureRegisterTests(MeasureRegisterTests.Service service) : IClassFixture<MeasureRegisterTests.Service>
{
    private const string Firmware = "/usr/share/ovmf/OVMF.fd";
    private const string Document = "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n\"a\" = \"b\"\n";

    private static readonly byte[] Nonce = SHA256.HashData("a nonce"u8);

    [Fact]
    public async Task Snp_GuestOfTheMeasuredFiles_Passes()
    {
        Assert.SkipUnless(File.Exists(Firmware), "Debian's package ovmf is not installed");
        string[] launch = ["measure", "snp", "--ovmf", Firmware, "--vcpu-type", "EPYC-Milan"];
        JsonNode expected = await service.CocoAsync([.. launch, "--vcpus", "4", "--register", service.Grpc, "--output", "json"]);
        JsonNode other = await service.CocoAsync([.. launch, "--vcpus", "2", "--output", "json"]);
        await service.RegisterAsync("""{"snp_bootloader":[4],"snp_tee_svn":[0],"snp_snp_svn":[24],"snp_microcode":[219]}""");

        string good = Evidence((string)expected["snp_launch_measurement"]!), bad = Evidence((string)other["snp_launch_measurement"]!);

        Assert.Equal("affirming", await service.StatusAsync("snp", good));
        Assert.Equal("warning", await service.StatusAsync("snp", bad));
        Assert.Equal("matches with 2 vCPUs", (string)(await service.CocoAsync(["measure", "explain", "--evidence", service.Write("snp.json", bad), .. launch[2..], "--vcpus", "4", "--output", "json"]))["matches"]![0]!);

        string Evidence(string measurement)
        {
            using SimulatedSnpGuest guest = service.Amd.CreateGuest(new SimulatedSnpGuestOptions { Measurement = Convert.FromHexString(measurement) });
            return guest.GetEvidence(Nonce).ToJsonString();
        }
    }

    [Fact]
    public async Task Tdx_GuestOfTheMeasuredFiles_Passes()
    {
        Assert.SkipUnless(File.Exists(Firmware), "Debian's package ovmf is not installed");
        byte[] initrd = SHA256.HashData("initrd"u8);
        string[] files =
        [
            "--ovmf", Firmware, "--initrd", service.Write("initrd", initrd), "--init-data", service.Write("initdata.toml", Encoding.UTF8.GetBytes(Document)),
            "--kernel", service.Write("vmlinuz", PortableExecutables.Make((".text", "a kernel"u8.ToArray()))),
        ];
        JsonNode expected = await service.CocoAsync(["measure", "tdx", .. files, "--append", "console=hvc0 ro", "--register", service.Grpc, "--output", "json"]);
        JsonNode other = await service.CocoAsync(["measure", "tdx", .. files, "--append", "console=hvc0 rw", "--output", "json"]);
        await service.RegisterAsync("""{"xfam":["0000000000000000"]}""");

        string good = service.TdxEvidence(Nonce, expected, initrd), bad = service.TdxEvidence(Nonce, other, initrd);

        Assert.Equal("3/2/2 affirming", await service.VectorAsync("tdx", good));
        Assert.Equal("33/2/2 warning", await service.VectorAsync("tdx", bad));
        JsonNode explained = await service.CocoAsync(["measure", "explain", "--evidence", service.Write("tdx.json", bad), .. files, "--append", "console=hvc0", "--output", "json"]);
        Assert.Equal(["mr_td", "rtmr_1", "rtmr_2", "init_data"], explained["registers"]!.AsArray().Select(r => (string)r!["name"]!));
        Assert.Equal("matches with 'rw' at the end of the command line", (string)explained["registers"]![2]!["matches"]![0]!);
    }

    [Fact]
    public async Task Tpm_GuestOfTheMeasuredImage_Passes()
    {
        byte[] kernel = "a kernel"u8.ToArray();
        string image = service.Write("uki.efi", PortableExecutables.Make((".linux", kernel), (".cmdline", "quiet"u8.ToArray())));
        using SimulatedTpm good = Booted("quiet"), bad = Booted("quiet init=/bin/sh");
        JsonNode expected = await service.CocoAsync(["measure", "tpm", "--uki", image, "--phase", "enter-initrd", "--register", service.Grpc, "--output", "json"]);
        await service.RegisterAsync(new JsonObject { ["trusted_aks"] = new JsonArray(Convert.ToBase64String(good.AkPublic), Convert.ToBase64String(bad.AkPublic)) }.ToJsonString());

        Assert.Equal(Convert.ToHexStringLower(good.Registers[11]), (string)expected["tpm_pcr11"]!);
        Assert.Equal("3/2/0 affirming", await service.VectorAsync("tpm", good.GetEvidence(Nonce).ToJsonString()));
        Assert.Equal("33/2/0 warning", await service.VectorAsync("tpm", bad.GetEvidence(Nonce).ToJsonString()));

        SimulatedTpm Booted(string line)
        {
            var tpm = new SimulatedTpm();
            foreach (byte[] data in (byte[][])[".linux\0"u8.ToArray(), kernel, ".cmdline\0"u8.ToArray(), Encoding.UTF8.GetBytes(line), "enter-initrd"u8.ToArray()])
            {
                tpm.Extend(11, SHA256.HashData(data));
            }

            return tpm;
        }
    }

    [Fact]
    public async Task Register_ProviderThatIsNotThere_ExitsWithOneAfterTheDigestIsShown()
    {
        Assert.SkipUnless(File.Exists(Firmware), "Debian's package ovmf is not installed");

        await using ServerProcess run = ServerProcess.Start(
            TrusteeProcess.Program("Coco.Cli", "coco"), ["measure", "sev", "--ovmf", Firmware, "--register", "http://127.0.0.1:9"]);
        await run.Process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(1, run.Process.ExitCode);
        Assert.Contains(Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Firmware))), run.Output, StringComparison.Ordinal);
        Assert.Contains("127.0.0.1:9", run.Output, StringComparison.Ordinal);
    }

    /// <summary>One service that trusts simulated vendors, for all tests of the class.</summary>
    public sealed class Service : IAsyncLifetime
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("coco-measure-").FullName;
        private readonly SimulatedIntel _intel = new();
        private ServiceProcess _process = null!;
        private GrpcChannel _channel = null!;
        private SimulatedPlatform _platform = null!;

        public SimulatedAmd Amd { get; } = new(SnpGeneration.Milan);

        public string Grpc { get; private set; } = string.Empty;

        public async ValueTask InitializeAsync()
        {
            _platform = _intel.CreatePlatform();
            string roots = Write("roots.json", SimulatedRootsFile.Write([Amd], _intel));
            int port = FreePort.Next();
            Grpc = $"http://127.0.0.1:{port}";
            _process = await ServiceProcess.StartAsync(
                _folder,
                ["as", "--grpc-socket", $"127.0.0.1:{port}", "--insecure-simulated-tee", roots],
                """
                {"work_dir":"/unused","policy_engine":"opa","rvps_config":{"type":"BuiltIn"},"attestation_token_broker":{},
                 "storage_backend":{"storage_type":"Memory"},
                 "verifier_config":{"offline":true,"snp_verifier":{"revocation":"off"},
                   "dcap_verifier":{"collateral_service":"https://127.0.0.1:9","accept_evidence_collateral":true}}}
                """);
            _channel = GrpcChannel.ForAddress(Grpc);
        }

        public string Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

        public string Write(string name, byte[] bytes)
        {
            string path = Path.Combine(_folder, name);
            File.WriteAllBytes(path, bytes);
            return path;
        }

        public async Task<JsonNode> CocoAsync(string[] words)
        {
            string output = await ServerProcess.RunAsync(TrusteeProcess.Program("Coco.Cli", "coco"), words);
            return JsonNode.Parse(output.Split('\n').First(l => l.StartsWith('{')))!;
        }

        public async Task RegisterAsync(string values)
        {
            string message = new JsonObject { ["version"] = "0.1.0", ["type"] = "sample", ["payload"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(values)) }.ToJsonString();
            await ServerProcess.RunAsync(TrusteeProcess.Program("Coco.Cli", "coco"), ["rvps", "register", "-a", Grpc, "-p", Write("message.json", message)]);
        }

        public async Task<string> StatusAsync(string tee, string evidence) => (string)(await SubmoduleAsync(tee, evidence))["ear.status"]!;

        public async Task<string> VectorAsync(string tee, string evidence)
        {
            JsonNode submodule = await SubmoduleAsync(tee, evidence);
            JsonNode vector = submodule["ear.trustworthiness-vector"]!;
            return $"{vector["executables"]}/{vector["hardware"]}/{vector["configuration"]} {submodule["ear.status"]}";
        }

        /// <summary>Evidence of a TD whose registers are those that the command computed, with a log that replays to them.</summary>
        public string TdxEvidence(byte[] nonce, JsonNode measured, byte[] initrd)
        {
            byte[] Value(string name) => Convert.FromHexString((string)measured[name]!);
            byte[] path = [4, 4, 18, 0, .. Encoding.Unicode.GetBytes("kernel\0"), 0x7F, 0xFF, 4, 0];
            byte[] image = [.. new byte[24], .. BitConverter.GetBytes((ulong)path.Length), .. path];
            static byte[] Tag(uint id, string text) => [.. BitConverter.GetBytes(id), .. BitConverter.GetBytes(text.Length), .. Encoding.ASCII.GetBytes(text)];
            SimulatedEventLog log = new SimulatedEventLog()
                .Add(2, TcgEventType.EfiBootServicesApplication, image, Value("tdvfkernel"))
                .Add(2, 0x80000007, "Calling EFI Application from Boot Option"u8)
                .Add(3, TcgEventType.EventTag, Tag(0x8F3B22ED, "LOADED_IMAGE::LoadOptions"), Value("tdvfkernelparams"))
                .Add(3, TcgEventType.EventTag, Tag(0x8F3B22EC, "Linux initrd"), SHA384.HashData(initrd))
                .Add(2, 0x80000007, "Exit Boot Services Invocation"u8)
                .Add(2, 0x80000007, "Exit Boot Services Returned with Success"u8);
            Assert.Equal((string)measured["rtmr_1"]!, Convert.ToHexStringLower(log.Register(2)));
            Assert.Equal((string)measured["rtmr_2"]!, Convert.ToHexStringLower(log.Register(3)));
            JsonObject evidence = _platform.GetTdxEvidence(
                new SimulatedQuoteOptions
                {
                    ReportData = nonce,
                    ConfigId = Value("mr_config_id"),
                    Rtmrs = log.Rtmrs(),
                    ChangeSigned = q => Value("mr_td").CopyTo(q, 48 + 136),
                },
                log.ToArray());
            evidence["collateral"] = Collateral();
            return evidence.ToJsonString();
        }

        public async ValueTask DisposeAsync()
        {
            _channel.Dispose();
            _platform.Dispose();
            _intel.Dispose();
            Amd.Dispose();
            await _process.DisposeAsync();
            Directory.Delete(_folder, recursive: true);
        }

        private static (string Text, string Signature) Signed(string statement, string member)
        {
            string start = $"{{\"{member}\":", end = ",\"signature\":\"";
            int at = statement.LastIndexOf(end, StringComparison.Ordinal);
            return (statement[start.Length..at], statement[(at + end.Length)..^2]);
        }

        private JsonObject Collateral()
        {
            SimulatedCollateral collateral = _intel.MakeCollateral(_platform);
            (string tcbInfo, string tcbSignature) = Signed(collateral.TcbInfo, "tcbInfo");
            (string identity, string identitySignature) = Signed(collateral.QeIdentity, "enclaveIdentity");
            return new JsonObject
            {
                ["tcb_info"] = tcbInfo,
                ["tcb_info_signature"] = tcbSignature,
                ["tcb_info_issuer_chain"] = collateral.SignerChain,
                ["qe_identity"] = identity,
                ["qe_identity_signature"] = identitySignature,
                ["qe_identity_issuer_chain"] = collateral.SignerChain,
                ["pck_crl"] = Convert.ToHexStringLower(collateral.PckCrl),
                ["root_ca_crl"] = Convert.ToHexStringLower(collateral.RootCrl),
                ["pck_crl_issuer_chain"] = collateral.PckCrlChain,
            };
        }

        private async Task<JsonNode> SubmoduleAsync(string tee, string evidence)
        {
            var request = new AttestationRequest();
            request.VerificationRequests.Add(new IndividualAttestationRequest
            {
                Tee = tee,
                Evidence = StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(evidence)),
                RawRuntimeData = StrictBase64.EncodeUrl(Nonce),
            });
            string token = (await new AttestationService.AttestationServiceClient(_channel).AttestationEvaluateAsync(request)).AttestationToken;
            return JsonNode.Parse(StrictBase64.DecodeUrl(token.Split('.')[1]).Require())!["submods"]!["cpu0"]!;
        }
    }
}
