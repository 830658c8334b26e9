// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Client;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>
/// Installations of the reference, release by release: its command line, its configuration, its stored data and its administrator's token go on
/// working under the name <c>kbs</c>.
/// </summary>
public sealed class FormerInstallationTests : IDisposable
{
    private const string Sections = """
        [http_server]
        sockets = ["127.0.0.1:PORT"]
        insecure_http = true

        [attestation_token]
        insecure_key = true

        [attestation_service]
        type = "coco_as_builtin"
        work_dir = "FOLDER/as"

        [attestation_service.attestation_token_broker]
        type = "Ear"
        duration_min = 5

        [attestation_service.rvps_config]
        type = "BuiltIn"

        [policy_engine]
        policy_path = "FOLDER/policy.rego"

        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("coco-former").FullName;

    /// <summary>Release, file name, configuration, further arguments.</summary>
    public static TheoryData<string, string, string, string[]> Installations => new()
    {
        {
            "0.5", "kbs-config.json", """{"repository_type":"LocalFs","repository_description":{"dir_path":"FOLDER/nested"},"as_config_file_path":"FOLDER/as.json"}""",
            ["--socket", "127.0.0.1:PORT", "--auth-public-key", "FOLDER/admin.pub", "--insecure-http", "--timeout", "5"]
        },
        {
            "0.7", "kbs-config.json",
            """{"repository_type":"LocalFs","repository_description":{"dir_path":"FOLDER/nested"},"attestation_token_type":"Simple","as_config_file_path":"FOLDER/as.json"}""",
            ["-s", "127.0.0.1:PORT", "--auth-public-key", "FOLDER/admin.pub", "--insecure-http"]
        },
        {
            "0.8", "kbs-config.toml", """
            sockets = ["127.0.0.1:PORT"]
            auth_public_key = "FOLDER/admin.pub"
            insecure_http = true

            [repository_config]
            type = "LocalFs"
            dir_path = "FOLDER/nested"

            [as_config]
            work_dir = "FOLDER/as"
            policy_engine = "opa"
            attestation_token_broker = "Simple"

            [as_config.attestation_token_config]
            duration_min = 5

            [as_config.rvps_config]
            store_type = "LocalFs"
            remote_addr = ""

            [policy_engine_config]
            policy_path = "FOLDER/policy.rego"
            """, []
        },
        {
            "0.11", "kbs-config.toml", Sections + """
            [admin]
            auth_public_key = "FOLDER/admin.pub"
            insecure_api = false

            [[plugins]]
            name = "resource"
            type = "LocalFs"
            dir_path = "FOLDER/nested"
            """, []
        },
        {
            "0.16", "kbs-config.toml", Sections + """
            [admin]
            type = "Simple"

            [[admin.personas]]
            id = "admin"
            public_key_path = "FOLDER/admin.pub"

            [[admin.roles]]
            id = "admin"
            allowed_endpoints = "^/kbs/.+$"

            [[plugins]]
            name = "resource"
            type = "LocalFs"
            dir_path = "FOLDER/nested"
            """, []
        },
        {
            "0.19", "kbs-config.toml", Sections + """
            [admin]
            type = "Simple"
            personas = [{ id = "admin", public_key_path = "FOLDER/admin.pub" }]
            roles = [{ id = "admin", allowed_endpoints = "^/kbs/.+$" }]

            [storage_backend]
            storage_type = "LocalFs"
            backends.local_fs.dir_path = "FOLDER/files"

            [[plugins]]
            name = "resource"
            storage_backend_type = "kvstorage"
            """, []
        },
        {
            "0.20", "kbs-config.toml", Sections + """
            [admin]
            type = "Simple"
            personas = [{ id = "admin", public_key_path = "FOLDER/admin.pub" }]
            roles = [{ id = "admin", allowed_endpoints = "^/kbs/.+$" }]

            [storage_backend]
            storage_type = "LocalJson"

            [storage_backend.backends.local_json]
            file_dir_path = "FOLDER/json"

            [[plugins]]
            name = "resource"
            """, []
        },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Installations))]
    public async Task Installation_OfARelease_GoesOnWorking(string release, string file, string configuration, string[] arguments)
    {
        int port = FreePort.Next();
        string key = Path.Combine(_folder, "admin.key");
        await ServerProcess.RunAsync("openssl", ["genpkey", "-algorithm", "ed25519", "-out", key]);
        await ServerProcess.RunAsync("openssl", ["pkey", "-in", key, "-pubout", "-out", Path.Combine(_folder, "admin.pub")]);
        LayOutStoredData();
        string path = Path.Combine(_folder, file);
        await File.WriteAllTextAsync(path, Fill(configuration));
        string program = Path.Combine(_folder, "kbs");
        File.CreateSymbolicLink(program, TrusteeProcess.Program("Coco.Trustee", "trustee"));

        await using ServerProcess server = ServerProcess.Start(
            program,
            [release is "0.5" or "0.7" ? "--config" : "--config-file", path, .. arguments.Select(Fill), "--home", Path.Combine(_folder, "home")],
            new Dictionary<string, string> { ["COCO_LOG_FORMAT"] = "text" });
        await server.WaitForOutputAsync("listening on", TimeSpan.FromSeconds(60));
        var url = new Uri($"http://127.0.0.1:{port}");
        using (KbsAdminClient stranger = KbsAdminClient.Create(url, null))
        {
            Assert.NotNull(await stranger.SetResourceAsync("default/key/2", "intruder"u8.ToArray()));
        }

        using (KbsAdminClient admin = KbsAdminClient.Create(url, await FormerTokenAsync(key)))
        {
            Assert.Null(await admin.SetResourcePolicyAsync(SampleExchange.AllowResources));
            Assert.Null(await admin.SetResourceAsync("default/key/2", "added"u8.ToArray()));
        }

        string client = Path.Combine(_folder, "kbs-client");
        File.CreateSymbolicLink(client, TrusteeProcess.Program("Coco.Cli", "coco"));
        await ServerProcess.RunAsync(
            client, ["--url", url.ToString(), "config", "--auth-private-key", key, "set-resource", "--path", "default/key/3", "--resource-file", Path.Combine(_folder, "admin.pub")]);

        using KbsClient guest = KbsClient.Create(url, new SampleEvidenceProvider());
        Assert.StartsWith("-----BEGIN PUBLIC KEY", await ReadAsync(guest, "default/key/3"));
        Assert.Equal("stored before", await ReadAsync(guest, "default/key/1"));
        Assert.Equal("added", await ReadAsync(guest, "default/key/2"));

        string Fill(string text) => text.Replace("PORT", port.ToString(), StringComparison.Ordinal).Replace("FOLDER", _folder, StringComparison.Ordinal);
    }

    private static async Task<string> ReadAsync(KbsClient guest, string path)
    {
        Result<Secret> read = await guest.GetResourceAsync(path);
        Assert.True(read.TryGet(out Secret? secret, out Refusal? refusal), refusal?.ToString());
        using (secret)
        {
            return Encoding.UTF8.GetString(secret.Reveal());
        }
    }

    /// <summary>One secret, as each release of the reference left it on the disk.</summary>
    private void LayOutStoredData()
    {
        byte[] value = "stored before"u8.ToArray();
        Directory.CreateDirectory(Path.Combine(_folder, "nested/default/key"));
        File.WriteAllBytes(Path.Combine(_folder, "nested/default/key/1"), value);
        Directory.CreateDirectory(Path.Combine(_folder, "files/repository"));
        File.WriteAllBytes(Path.Combine(_folder, @"files/repository/default\x2Fkey\x2F1"), value);
        Directory.CreateDirectory(Path.Combine(_folder, "json"));
        File.WriteAllText(Path.Combine(_folder, "json/repository"), $$"""{"default/key/1":"{{Convert.ToBase64String(value)}}"}""");
    }

    /// <summary>A token as former releases of the reference's client made it for each call: two claims under the administrator's key.</summary>
    private async Task<string> FormerTokenAsync(string key)
    {
        long now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        string signed = StrictBase64.EncodeUrl("""{"alg":"EdDSA","typ":"JWT"}"""u8.ToArray()) + "." + StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes($$"""{"iat":{{now}},"exp":{{now + 7200}}}"""));
        string input = Path.Combine(_folder, "signed"), output = Path.Combine(_folder, "signature");
        await File.WriteAllTextAsync(input, signed);
        await ServerProcess.RunAsync("openssl", ["pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", input, "-out", output]);
        return signed + "." + StrictBase64.EncodeUrl(await File.ReadAllBytesAsync(output));
    }
}
