// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Coco.Testing;

namespace Coco.Verifiers.Tests.Tpm;

/// <summary>A TPM 2.0 by swtpm on the loopback, driven with tpm2-tools; its endorsement key has a certificate by an authority made for it.</summary>
public sealed class SoftwareTpm : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coco-tpm").FullName;
    private ServerProcess? _server;
    private int _port;

    /// <summary>Why it cannot run here; null when it can.</summary>
    public static string? Missing => Array.Find(["/usr/bin/swtpm", "/usr/bin/swtpm_setup", "/usr/bin/tpm2_quote"], p => !File.Exists(p)) is { } path ? path + " is not installed" : null;

    /// <summary>Certificate of the RSA endorsement key, DER.</summary>
    public byte[] EkCertificate => File.ReadAllBytes(At("ek.der"));

    /// <summary>The authority that issued it, and that authority's root, PEM.</summary>
    public IReadOnlyList<byte[]> Issuers => [File.ReadAllBytes(At("ca/issuercert.pem")), File.ReadAllBytes(At("ca/swtpm-localca-rootca-cert.pem"))];

    /// <summary>The path of a file of this TPM.</summary>
    public string At(string name) => Path.Combine(_folder, name);

    /// <summary>Makes keys: an endorsement key, and attestation keys <c>rsassa</c>, <c>rsapss</c>, <c>ecdsa</c>.</summary>
    public async ValueTask InitializeAsync()
    {
        if (Missing is not null)
        {
            return;
        }

        Directory.CreateDirectory(At("ca"));
        Directory.CreateDirectory(At("state"));
        await File.WriteAllTextAsync(At("localca.conf"), $"statedir = {At("ca")}\nsigningkey = {At("ca/signkey.pem")}\nissuercert = {At("ca/issuercert.pem")}\ncertserial = {At("ca/certserial")}\n");
        await File.WriteAllTextAsync(At("options"), "--platform-manufacturer Coco\n--platform-version 1\n--platform-model test\n");
        await File.WriteAllTextAsync(
            At("setup.conf"),
            $"create_certs_tool=/usr/bin/swtpm_localca\ncreate_certs_tool_config={At("localca.conf")}\ncreate_certs_tool_options={At("options")}\n");
        await ServerProcess.RunAsync(
            "/usr/bin/swtpm_setup",
            ["--tpm2", "--tpmstate", At("state"), "--create-ek-cert", "--config", At("setup.conf"), "--pcr-banks", "sha256", "--overwrite", "--log", At("setup.log")]);
        _port = TwoFreePorts();
        _server = ServerProcess.Start(
            "/usr/bin/swtpm",
            [
                "socket", "--tpm2", "--tpmstate", "dir=" + At("state"), "--flags", "not-need-init,startup-clear",
                "--server", $"type=tcp,bindaddr=127.0.0.1,port={Text(_port)}", "--ctrl", $"type=tcp,bindaddr=127.0.0.1,port={Text(_port + 1)}",
            ]);
        await _server.WaitForPortAsync(_port + 1, TimeSpan.FromSeconds(60));
        await ToolAsync("tpm2_createek", "-G", "rsa", "-c", At("ek.ctx"), "-u", At("ek.pub"));
        await ToolAsync("tpm2_nvread", "0x01c00002", "-o", At("ek.der"));
        await CreateKeyAsync("rsassa", "rsa");
        await CreateKeyAsync("rsapss", "rsa");
        await CreateKeyAsync("ecdsa", "ecc");
    }

    /// <summary>Extends a SHA-256 register.</summary>
    public Task ExtendAsync(int register, byte[] digest) => ToolAsync("tpm2_pcrextend", $"{Text(register)}:sha256={Convert.ToHexStringLower(digest)}");

    /// <summary>Evidence of the TEE <c>tpm</c> with a quote over all registers.</summary>
    public async Task<JsonObject> GetEvidenceAsync(string scheme, byte[] nonce, string selection = "sha256:all")
    {
        List<string> arguments = ["-c", At(scheme + ".ctx"), "-l", selection, "-q", Convert.ToHexStringLower(nonce), "-m", At("quote.msg"), "-s", At("quote.sig"), "-g", "sha256"];
        if (scheme == "rsapss")
        {
            arguments.AddRange(["--scheme", "rsapss"]);
        }

        await ToolAsync("tpm2_quote", [.. arguments]);
        return new JsonObject
        {
            ["tpm_quote"] = new JsonObject
            {
                ["signature"] = Convert.ToBase64String(await File.ReadAllBytesAsync(At("quote.sig"))),
                ["message"] = Convert.ToBase64String(await File.ReadAllBytesAsync(At("quote.msg"))),
                ["pcrs"] = new JsonArray([.. (await ReadRegistersAsync()).Select(v => (JsonNode)JsonValue.Create(v))]),
            },
            ["ak_public"] = Convert.ToBase64String(await File.ReadAllBytesAsync(At(scheme + ".der"))),
        };
    }

    /// <summary>TPM2_ActivateCredential with the endorsement key's policy.</summary>
    public async Task<byte[]> ActivateAsync(string scheme, byte[] credentialBlob, byte[] encryptedSecret)
    {
        // The tools' own frame: a magic number and a version before the two structures.
        await File.WriteAllBytesAsync(At("credential"), [0xBA, 0xDC, 0xC0, 0xDE, 0, 0, 0, 1, .. credentialBlob, .. encryptedSecret]);
        await ToolAsync("tpm2_startauthsession", "--policy-session", "-S", At("session"));
        await ToolAsync("tpm2_policysecret", "-S", At("session"), "-c", "e");
        await RunAsync("tpm2_activatecredential", "-c", At(scheme + ".ctx"), "-C", At("ek.ctx"), "-i", At("credential"), "-o", At("secret"), "-P", "session:" + At("session"));
        await RunAsync("tpm2_flushcontext", At("session"));
        await RunAsync("tpm2_flushcontext", "-t");
        return await File.ReadAllBytesAsync(At("secret"));
    }

    /// <summary>Whether Debian's own tool accepts a quote.</summary>
    public async Task<bool> CheckQuoteAsync(byte[] publicKeyPem, byte[] message, byte[] signature, byte[] nonce)
    {
        await File.WriteAllBytesAsync(At("check.pem"), publicKeyPem);
        await File.WriteAllBytesAsync(At("check.msg"), message);
        await File.WriteAllBytesAsync(At("check.sig"), signature);
        try
        {
            await RunAsync("tpm2_checkquote", "-u", At("check.pem"), "-m", At("check.msg"), "-s", At("check.sig"), "-g", "sha256", "-q", Convert.ToHexStringLower(nonce));
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            // An unclean end would look like a dictionary attack to the TPM.
            await RunAsync("tpm2_shutdown");
            await _server.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The tools expect the control port right behind the other.</summary>
    private static int TwoFreePorts()
    {
        while (true)
        {
            using var first = new TcpListener(IPAddress.Loopback, 0);
            first.Start();
            int port = ((IPEndPoint)first.LocalEndpoint).Port;
            try
            {
                using var second = new TcpListener(IPAddress.Loopback, port + 1);
                second.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken; another pair then.
            }
        }
    }

    private async Task CreateKeyAsync(string scheme, string kind)
    {
        await ToolAsync("tpm2_createak", "-C", At("ek.ctx"), "-c", At(scheme + ".ctx"), "-G", kind, "-g", "sha256", "-s", scheme, "-u", At(scheme + ".pub"));
        await ToolAsync("tpm2_readpublic", "-c", At(scheme + ".ctx"), "-f", "der", "-o", At(scheme + ".der"));
    }

    private async Task<IEnumerable<string>> ReadRegistersAsync()
    {
        string text = await RunAsync("tpm2_pcrread", "sha256:all");
        return text.Split('\n').Where(l => l.Contains("0x", StringComparison.Ordinal)).Select(l => l[(l.IndexOf("0x", StringComparison.Ordinal) + 2)..].Trim().ToLowerInvariant());
    }

    private async Task ToolAsync(string tool, params string[] arguments)
    {
        await RunAsync(tool, arguments);
        await RunAsync("tpm2_flushcontext", "-t");
    }

    private Task<string> RunAsync(string tool, params string[] arguments) => ServerProcess.RunAsync(
        "/usr/bin/" + tool, arguments, new Dictionary<string, string> { ["TPM2TOOLS_TCTI"] = $"swtpm:host=127.0.0.1,port={Text(_port)}" }, _folder);
}
