// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>The commands of <c>kbs-client</c>, under that name, against the real server.</summary>
public sealed class KbsClientProgramTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coco-kbs-client").FullName;
    private TrusteeProcess _trustee = null!;

    public async ValueTask InitializeAsync()
    {
        _trustee = await TrusteeProcess.StartAsync();
        File.CreateSymbolicLink(Path.Combine(_folder, "kbs-client"), TrusteeProcess.Program("Coco.Cli", "coco"));
    }

    public async ValueTask DisposeAsync()
    {
        await _trustee.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Config_AllCommands_DoWhatTheySay()
    {
        string secret = FileWith("secret", "top secret");
        Assert.Contains("Set resource success", await ConfigAsync("set-resource", "--path", "a/b/c", "--resource-file", secret));
        Assert.Contains("Set resource policy success", await ConfigAsync("set-resource-policy", "--allow-all"));
        Assert.Contains("Reference Values Updated", await ConfigAsync("set-sample-reference-value", "svn", "1"));
        Assert.Equal("\"[\\\"1\\\"]\"", (await ConfigAsync("get-reference-value", "--id", "svn")).Trim());
        Assert.Contains("Reference Values Updated", await ConfigAsync("set-sample-reference-value", "n", "7", "--as-integer", "--as-single-value"));
        Assert.Equal("\"7\"", (await ConfigAsync("get-reference-value", "--id", "n")).Trim());
        string policy = FileWith("p.rego", "package policy\nimport rego.v1\ntrust_claims := {\"hardware\": 2}");
        Assert.Contains("Set attestation policy success", await ConfigAsync("set-attestation-policy", "--policy-file", policy, "--id", "default_cpu"));
        Assert.Equal("top secret", Encoding.UTF8.GetString(Convert.FromBase64String((await ClientAsync("get-resource", "--path", "a/b/c")).Trim())));
        Assert.Contains("Delete resource success", await ConfigAsync("delete-resource", "--path", "a/b/c"));
        (int code, string error) = await FailAsync("get-resource", "--path", "a/b/c");
        Assert.Equal(1, code);
        Assert.Contains("Plugin internal error", error);
    }

    [Fact]
    public async Task Attest_ThenGetWithTheToken_WorksAsAPassport()
    {
        await ConfigAsync("set-resource", "--path", "a/b/c", "--resource-file", FileWith("secret", "passport"));
        await ConfigAsync("set-resource-policy", "--allow-all");
        string key = Path.Combine(_folder, "key.pem");
        await ServerProcess.RunAsync("openssl", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key]);

        string token = FileWith("token", await ClientAsync("attest", "--tee-key-file", key));
        string value = await ClientAsync("get-resource", "--path", "a/b/c", "--tee-key-file", key, "--attestation-token", token);

        Assert.Equal("passport", Encoding.UTF8.GetString(Convert.FromBase64String(value.Trim())));
    }

    [Fact]
    public async Task Set_PolicyThatDoesNotParse_IsRefusedWithAReason()
    {
        (int code, string error) = await FailAsync(
            "config", "--admin-token-file", Path.Combine(_trustee.Home, "admin-token"), "set-resource-policy", "--policy-file", FileWith("bad.rego", "package policy\nallow if {"));

        Assert.Equal(1, code);
        Assert.Contains("Request Failed", error);
    }

    private string FileWith(string name, string content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, content);
        return path;
    }

    private string[] Connected(string[] arguments) => ["--url", _trustee.Url.ToString(), "--cert-file", _trustee.AuthorityPath, .. arguments];

    private Task<string> ConfigAsync(params string[] arguments) =>
        ClientAsync(["config", "--admin-token-file", Path.Combine(_trustee.Home, "admin-token"), .. arguments]);

    private Task<string> ClientAsync(params string[] arguments) => ServerProcess.RunAsync(Path.Combine(_folder, "kbs-client"), Connected(arguments));

    private async Task<(int Code, string Error)> FailAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(_folder, "kbs-client")) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (string argument in Connected(arguments))
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = await process.StandardError.ReadToEndAsync();
        await output;
        await process.WaitForExitAsync();
        return (process.ExitCode, error);
    }
}
