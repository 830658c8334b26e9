// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol.PluginGrpc;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace Coco.KeyBroker.Tests;

/// <summary>Plugins: the provisioner's rule, a real PKCS #11 module, a real nebula-cert, and an external program.</summary>
public sealed class PluginTests
{
    private const string EveryPlugin = "package policy\nallow if count(input.submods) > 0";

    [Fact]
    public async Task Provisioner_GivesTheKeyOnlyToTheMachineThatItsInitDataNames()
    {
        await using TestBroker broker = await TestBroker.StartAsync(o => o.InitialResourcePolicy = EveryPlugin);
        JsonElement made = JsonDocument.Parse((await broker.AdminAsync("POST", "/kbs/v0/provisioner/provision", """{"vm_name":"vm-01"}""")).Body).RootElement;
        string path = made.GetProperty("resource_path").GetString()!;

        RawAnswer good = await broker.SendAsync("GET", "/kbs/v0/provisioner/" + path, null, Bearer(broker, "kbs+provisioner:///" + path));
        RawAnswer other = await broker.SendAsync("GET", "/kbs/v0/provisioner/" + path, null, Bearer(broker, "kbs+provisioner:///default/00000000-0000-0000-0000-000000000000/root"));
        RawAnswer none = await broker.SendAsync("GET", "/kbs/v0/provisioner/" + path, null, "Authorization: Bearer " + Example.Text("1.token"));

        Assert.Matches("^version = \"0.1.0\"\n\n\\[data\\]\n\"io.cryptsetup.key.text.root\" = \"[A-Za-z0-9]{32}\"\n$", Guest.Open(good.Body, "tee-p256.jwk.json"));
        ExampleTests.AssertError(other, 401, "PluginInternalError", "Plugin internal error");
        ExampleTests.AssertError(none, 401, "PluginInternalError", "Plugin internal error");
    }

    [Fact]
    public async Task Pkcs11_ResourcesAndKeyWrapping_WorkWithSoftHsm()
    {
        using var hsm = new SoftHsm();
        await using TestBroker broker = await TestBroker.StartAsync(
            o => o.InitialResourcePolicy = EveryPlugin,
            null,
            b => b.AddPkcs11Plugin(new Pkcs11Options { Module = SoftHsm.Module, Pin = Secret.CopyOf("1234"u8), LookupLabel = "wrap", OaepSha1 = true }));
        string bearer = "Authorization: Bearer " + Example.Text("1.token");
        byte[] key = RandomNumberGenerator.GetBytes(32);

        RawAnswer absent = await broker.SendAsync("GET", "/kbs/v0/pkcs11/resource/a/b/c", null, bearer);
        RawAnswer stored = await broker.AdminAsync("POST", "/kbs/v0/pkcs11/resource/a/b/c", "first");
        await broker.AdminAsync("POST", "/kbs/v0/pkcs11/resource/a/b/c", "second");
        RawAnswer read = await broker.SendAsync("GET", "/kbs/v0/pkcs11/resource/a/b/c", null, bearer);
        RawAnswer wrapped = await RawHttp.SendAsync(broker.Port, "POST", "/kbs/v0/pkcs11/wrap-key", key, "Authorization: Bearer " + Example.Text("admin.token"));
        RawAnswer unwrapped = await RawHttp.SendAsync(broker.Port, "GET", "/kbs/v0/pkcs11/wrap-key", wrapped.Body, bearer);
        RawAnswer garbage = await RawHttp.SendAsync(broker.Port, "GET", "/kbs/v0/pkcs11/wrap-key", new byte[256], bearer);
        RawAnswer tooLarge = await RawHttp.SendAsync(broker.Port, "POST", "/kbs/v0/pkcs11/wrap-key", new byte[400], "Authorization: Bearer " + Example.Text("admin.token"));
        RawAnswer deleted = await broker.AdminAsync("DELETE", "/kbs/v0/pkcs11/resource/a/b/c");
        RawAnswer gone = await broker.AdminAsync("DELETE", "/kbs/v0/pkcs11/resource/a/b/c");

        Assert.Equal(401, absent.Status);
        Assert.True(stored.Status == 200, broker.Log.All);
        Assert.Equal("second", Guest.Open(read.Body, "tee-p256.jwk.json"));
        Assert.Equal((200, "text/xml", 256), (wrapped.Status, wrapped.Header("content-type"), wrapped.Body.Length));
        Assert.Equal(key, Guest.OpenBytes(unwrapped.Body, "tee-p256.jwk.json"));
        Assert.Equal(401, garbage.Status);
        Assert.Equal(401, tooLarge.Status);
        Assert.Equal(200, deleted.Status);
        Assert.Equal(401, gone.Status);
    }

    [Fact]
    public async Task NebulaCa_GivesACertificateThatTheProgramItselfVerifies()
    {
        string program = NebulaCert.Find();
        Assert.SkipWhen(program.Length == 0, "nebula-cert is not installed");
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            await using TestBroker broker = await TestBroker.StartAsync(
                o => o.InitialResourcePolicy = EveryPlugin,
                null,
                b => b.AddNebulaCaPlugin(new NebulaCaOptions { WorkDirectory = folder, ProgramPath = program }));

            RawAnswer answer = await broker.SendAsync("GET", "/kbs/v0/nebula-ca/credential?name=pod-1&ip=10.9.8.7%2F21&duration=24h&groups=web", null, "Authorization: Bearer " + Example.Text("1.token"));
            RawAnswer evil = await broker.SendAsync("GET", "/kbs/v0/nebula-ca/credential?name=-out-crt&ip=10.9.8.7%2F21", null, "Authorization: Bearer " + Example.Text("1.token"));

            Assert.True(answer.Status == 200, broker.Log.All);
            JsonElement reply = JsonDocument.Parse(Guest.OpenBytes(answer.Body, "tee-p256.jwk.json")).RootElement;
            foreach ((string member, string file) in new[] { ("node_crt", "node.crt"), ("ca_crt", "ca.crt"), ("node_key", "node.key") })
            {
                await File.WriteAllBytesAsync(Path.Combine(folder, file), [.. reply.GetProperty(member).EnumerateArray().Select(v => v.GetByte())]);
            }

            using Process verify = Process.Start(new ProcessStartInfo(program, ["verify", "-ca", Path.Combine(folder, "ca.crt"), "-crt", Path.Combine(folder, "node.crt")]))!;
            await verify.WaitForExitAsync();
            Assert.Equal(0, verify.ExitCode);
            Assert.Equal(401, evil.Status);
            Assert.Empty(Directory.GetDirectories(folder, "tmp-*"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("name=a&ip=10.0.0.1/8", "-name a -ip 10.0.0.1/8")]
    [InlineData("name=a&ip=10.0.0.1/8&duration=1h30m&groups=a,b&subnets=10.0.0.0/8", "-name a -ip 10.0.0.1/8 -duration 1h30m -groups a,b -subnets 10.0.0.0/8")]
    [InlineData("ip=10.0.0.1/8", null)]
    [InlineData("name=a", null)]
    [InlineData("name=-x&ip=10.0.0.1/8", null)]
    [InlineData("name=a/b&ip=10.0.0.1/8", null)]
    [InlineData("name=a&ip=10.0.0.1", null)]
    [InlineData("name=a&ip=10.0.0.1/33", null)]
    [InlineData("name=a&ip=x/8", null)]
    [InlineData("name=a&ip=10.0.0.1/8&duration=-1h", null)]
    [InlineData("name=a&ip=10.0.0.1/8&groups=a,-b", null)]
    [InlineData("name=a&ip=10.0.0.1/8&subnets=10.0.0.0/8,x", null)]
    public void NebulaCa_Query_BecomesOptionsOrIsRefused(string query, string? expected)
    {
        ImmutableSortedDictionary<string, string> members = query.Split('&').Select(p => p.Split('=')).ToImmutableSortedDictionary(p => p[0], p => p[1], StringComparer.Ordinal);

        bool accepted = NebulaCaPlugin.Arguments(members).TryGet(out ImmutableArray<string> arguments, out _);

        Assert.Equal(expected, accepted ? string.Join(' ', arguments) : null);
    }

    [Fact]
    public async Task External_IsAskedInTheOrderOfTheExampleAndDecidesWhoMayAsk()
    {
        var program = new FakeProgram();
        await using TestBroker broker = await TestBroker.StartAsync(
            o => o.InitialResourcePolicy = "package policy\nallow if { data.plugin == \"external\"; data[\"resource-path\"] == [\"my-plugin\", \"foo\", \"bar\"]; data.query == {\"x\": \"1\"} }",
            null,
            b => b.AddExternalPlugin([new ExternalBackend("my-plugin", program, TimeSpan.FromSeconds(5))]));
        string bearer = "Authorization: Bearer " + Example.Text("1.token");
        program.Calls.Clear();

        RawAnswer sealedAnswer = await broker.SendAsync("GET", "/kbs/v0/external/my-plugin/foo/bar?x=1", null, bearer);
        string[] calls = [.. program.Calls];
        program.Encrypt = false;
        RawAnswer plain = await broker.SendAsync("GET", "/kbs/v0/external/my-plugin/foo/bar?x=1", null, bearer);
        RawAnswer denied = await broker.SendAsync("GET", "/kbs/v0/external/my-plugin/other?x=1", null, bearer);
        program.StatusCode = 404;
        RawAnswer failed = await broker.SendAsync("GET", "/kbs/v0/external/my-plugin/foo/bar?x=1", null, bearer);
        program.StatusCode = 0;
        program.Admin = true;
        RawAnswer guestAtAdmin = await broker.SendAsync("GET", "/kbs/v0/external/my-plugin/foo/bar?x=1", null, bearer);
        RawAnswer admin = await broker.AdminAsync("POST", "/kbs/v0/external/my-plugin/foo", "body");
        program.Down = true;
        RawAnswer down = await broker.AdminAsync("POST", "/kbs/v0/external/my-plugin/foo", "body");
        RawAnswer unknown = await broker.SendAsync("GET", "/kbs/v0/external/nosuch/x", null, bearer);

        Assert.Equal(["ValidateAuth GET foo/bar x=1 ", "Handle GET foo/bar x=1 ", "NeedsEncryption GET foo/bar x=1 "], calls);
        Assert.Equal("answer", Guest.Open(sealedAnswer.Body, "tee-p256.jwk.json"));
        Assert.Equal((200, "text/xml", "answer"), (plain.Status, plain.Header("content-type"), plain.Text));
        ExampleTests.AssertError(denied, 401, "PolicyDeny", "Access denied by policy");
        ExampleTests.AssertError(failed, 401, "PluginInternalError", "Plugin internal error");
        Assert.Equal(401, guestAtAdmin.Status);
        Assert.Equal((200, "text/xml", "answer"), (admin.Status, admin.Header("content-type"), admin.Text));
        Assert.Equal(503, down.Status);
        ExampleTests.AssertError(unknown, 401, "PluginInternalError", "Plugin internal error");
    }

    [Fact]
    public async Task External_ThatAnswersAtStart_LetsTheStartGoOn()
    {
        using var metrics = new KeyBrokerMetrics();
        var plugin = new ExternalPlugin([new ExternalBackend("x", new FakeProgram(), TimeSpan.FromSeconds(1))], metrics, NullLogger<ExternalPlugin>.Instance);

        await plugin.StartAsync(CancellationToken.None);
    }

    [Fact]
    public async Task TwoPluginsOfOneName_StopTheStart() =>
        await Assert.ThrowsAnyAsync<Exception>(async () => await TestBroker.StartAsync(null, null, b => b.AddSamplePlugin()));

    private static string Bearer(TestBroker broker, string resource)
    {
        JsonObject jwk = JsonNode.Parse(Example.Text("tee-p256.jwk.json"))!.AsObject();
        jwk.Remove("d");
        var evidence = new JsonObject { ["init_data_claims"] = new JsonObject { ["trustee.kbs.resource"] = resource }, ["sample"] = new JsonObject() };
        return "Authorization: Bearer " + broker.Attestation.Sign(new JsonObject
        {
            ["exp"] = 4102444800,
            ["tee-pubkey"] = jwk,
            ["submods"] = new JsonObject { ["cpu0"] = new JsonObject { ["ear.veraison.annotated-evidence"] = evidence } },
        });
    }

    /// <summary>A token in a folder of its own, with an RSA key pair labelled <c>wrap</c>.</summary>
    private sealed class SoftHsm : IDisposable
    {
        public const string Module = "/usr/lib/softhsm/libsofthsm2.so";
        private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

        public SoftHsm()
        {
            Assert.SkipUnless(File.Exists(Module), "SoftHSM is not installed");
            Directory.CreateDirectory(Path.Combine(_folder, "tokens"));
            string config = Path.Combine(_folder, "softhsm2.conf");
            File.WriteAllText(config, $"directories.tokendir = {_folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n");

            // The module reads the variable with the C library, which does not see what .NET sets.
            _ = setenv("SOFTHSM2_CONF", config, 1);
            Environment.SetEnvironmentVariable("SOFTHSM2_CONF", config);
            Run("softhsm2-util", "--init-token", "--free", "--label", "coco", "--pin", "1234", "--so-pin", "5678");
            using RSA key = RSA.Create(2048);
            string pem = Path.Combine(_folder, "key.pem");
            File.WriteAllText(pem, key.ExportPkcs8PrivateKeyPem());
            Run("softhsm2-util", "--import", pem, "--token", "coco", "--label", "wrap", "--id", "01", "--pin", "1234");
        }

        public void Dispose() => Directory.Delete(_folder, recursive: true);

        [System.Runtime.InteropServices.DllImport("libc", CharSet = System.Runtime.InteropServices.CharSet.Ansi)]
        private static extern int setenv(string name, string value, int overwrite);

        private static void Run(string program, params string[] arguments)
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            string output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, output);
        }
    }

    private static class NebulaCert
    {
        public static string Find() => (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':').Select(d => Path.Combine(d, "nebula-cert")).FirstOrDefault(File.Exists) ?? string.Empty;
    }

    /// <summary>An external program without a network: it answers calls as they come.</summary>
    private sealed class FakeProgram : ChannelBase
    {
        public FakeProgram()
            : base("fake")
        {
        }

        public List<string> Calls { get; } = [];

        public bool Admin { get; set; }

        public bool Encrypt { get; set; } = true;

        public int StatusCode { get; set; } = 200;

        public bool Down { get; set; }

        public override CallInvoker CreateCallInvoker() => new Invoker(this);

        private sealed class Invoker(FakeProgram program) : UnaryInvoker
        {
            protected override object Call(string method, object request)
            {
                var message = (PluginRequest)request;
                program.Calls.Add($"{method} {message.Method} {string.Join('/', message.Path)} {string.Join('&', message.Query.Select(q => q.Key + "=" + q.Value))} {message.Body.ToStringUtf8()}");
                if (program.Down)
                {
                    throw new RpcException(new Status(Grpc.Core.StatusCode.Unavailable, "down"));
                }

                return method switch
                {
                    "ValidateAuth" => new ValidateAuthResponse { RequiresAdminAuth = program.Admin },
                    "NeedsEncryption" => new NeedsEncryptionResponse { RequiresPayloadEncryption = program.Encrypt },
                    _ => new PluginResponse { Body = ByteString.CopyFromUtf8("answer"), StatusCode = program.StatusCode },
                };
            }
        }
    }
}
