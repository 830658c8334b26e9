// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>What an administrator asks of a running server by the command line: explanations, recorded evidence, versions, audit.</summary>
public sealed class AdministratorTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coco-administrator").FullName;
    private TrusteeProcess _trustee = null!;

    private string[] Connected => ["--url", _trustee.Url.ToString(), "--cert-file", _trustee.AuthorityPath];

    private string[] AsAdmin => [.. Connected, "--admin-token-file", Path.Combine(_trustee.Home, "admin-token")];

    public async ValueTask InitializeAsync() => _trustee = await TrusteeProcess.StartAsync(["--set", "attestation_service.decisions.record_evidence=true"]);

    public async ValueTask DisposeAsync()
    {
        await _trustee.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Explain_AfterAnAttestation_SaysWhatIsMissing()
    {
        await CocoAsync(["attest", .. Connected]);

        JsonNode list = JsonNode.Parse(await CocoAsync(["explain", .. AsAdmin, "--output", "json"]))!;
        string id = list[0]!["id"]!.GetValue<string>();
        string why = await CocoAsync(["explain", id, .. AsAdmin]);

        Assert.StartsWith("launch_digest is abcde, and nothing is registered under launch_digest\n", why, StringComparison.Ordinal);
        Assert.Contains("data.policy.executables, line ", why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_ADeniedRelease_SaysWhyByTheIdThatTheGuestWasShown()
    {
        await CocoAsync(["config", "set-resource", "--path", "denied/b/c", "--resource-file", FileWith("s", "SECRET-OF-TENANT"), .. AsAdmin]);
        string policy = "package policy\nimport rego.v1\ndefault allow := false\nallow if input.submods.cpu0[\"ear.status\"] == \"affirming\"";
        await CocoAsync(["config", "set-resource-policy", "--policy-file", FileWith("deny.rego", policy), .. AsAdmin]);
        string guest = string.Empty;

        // A replica looks for a new policy now and then; until then another one answers.
        await Poll.UntilAsync(
            async () =>
            {
                guest = (await RunAsync(["get-resource", "--path", "denied/b/c", .. Connected])).Output;
                return guest.Contains("PolicyDeny", StringComparison.Ordinal);
            },
            "a refusal",
            TimeSpan.FromSeconds(60));
        string id = guest[(guest.IndexOf("decision ", StringComparison.Ordinal) + 9)..][..26];

        string why = await CocoAsync(["explain", id, .. AsAdmin]);

        Assert.DoesNotContain("ear.status", guest, StringComparison.Ordinal);
        Assert.StartsWith("GET /kbs/v0/resource/denied/b/c was refused: ear.status is contraindicated, and the policy wants ", why, StringComparison.Ordinal);
        Assert.Contains("says: launch_digest is abcde, and nothing is registered under launch_digest", why, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET-OF-TENANT", why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reverify_AtAnotherTimeAndUnderAnotherPolicy_ReportsWithProgress()
    {
        await CocoAsync(["attest", .. Connected]);
        string policy = FileWith("new.rego", "package policy\ntrust_claims := {\"hardware\": 2}");

        (int same, string past) = await RunAsync(["reverify", "--at", "2025-01-01T00:00:00Z", "--collateral", "recorded", .. AsAdmin]);
        (int changed, string output) = await RunAsync(["reverify", "--policy", "default_cpu=" + policy, .. AsAdmin]);
        (int bad, string refused) = await RunAsync(["reverify", "--policy", "default_cpu=" + FileWith("bad.rego", "package policy\nx := {"), .. AsAdmin]);

        Assert.Equal((0, 2), (same, changed));
        Assert.Contains("0 would newly pass, 0 would newly fail", past, StringComparison.Ordinal);
        Assert.Matches("[0-9]+ appraised again, [0-9]+ changed", output);
        Assert.Contains("contraindicated -> affirming", output, StringComparison.Ordinal);
        Assert.NotEqual(0, bad);
        Assert.Contains("default_cpu", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PolicyDiff_OnRecordedTraffic_NamesWhatWouldChange()
    {
        await CocoAsync(["attest", .. Connected]);
        string before = FileWith("before.rego", "package policy\nimport rego.v1\ntrust_claims := {\"hardware\": 2}");
        string after = FileWith("after.rego", "package policy\nimport rego.v1\ntrust_claims := {\"hardware\": 97}");

        (int same, _) = await RunAsync(["policy", "diff", before, before, .. AsAdmin]);
        (int changed, string output) = await RunAsync(["policy", "diff", before, after, .. AsAdmin]);

        Assert.Equal(0, same);
        Assert.Equal(2, changed);
        Assert.Contains("1 would newly fail", output);
    }

    [Fact]
    public async Task Doctor_WithSampleTraffic_WarnsOfIt()
    {
        await CocoAsync(["attest", .. Connected]);

        string findings = await CocoAsync(["doctor", .. AsAdmin]);
        using var http = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, _, _, _) => true });
        string metrics = await http.GetStringAsync(new Uri(_trustee.Url, "metrics"));

        Assert.Contains("sample evidence", findings, StringComparison.Ordinal);
        Assert.Contains("remedy: set verifier_config.sample to false", findings, StringComparison.Ordinal);
        Assert.Matches("coco_doctor_findings\\{severity=\"warning\"\\} [1-9]", metrics);
    }

    [Fact]
    public async Task Admin_Rollback_BringsTheFormerVersionBack()
    {
        await CocoAsync(["config", "set-resource", "--path", "a/b/c", "--resource-file", FileWith("one", "one"), .. AsAdmin]);
        await CocoAsync(["config", "set-resource", "--path", "a/b/c", "--resource-file", FileWith("two", "two"), .. AsAdmin]);
        await CocoAsync(["config", "set-resource-policy", "--allow-all", .. AsAdmin]);

        await CocoAsync(["admin", "rollback", "a/b/c", "--version-number", "1", .. AsAdmin]);

        Assert.Equal("b25l", (await CocoAsync(["get-resource", "--path", "a/b/c", .. Connected])).Trim());
        Assert.Equal("a/b/c", (await CocoAsync(["admin", "list", .. AsAdmin])).Trim());
    }

    [Fact]
    public async Task Admin_RotateAndExpiry_AreVersionsOfTheirOwn()
    {
        await CocoAsync(["config", "set-resource", "--path", "a/b/c", "--resource-file", FileWith("one", "one"), .. AsAdmin]);
        await CocoAsync(["config", "set-resource-policy", "--allow-all", .. AsAdmin]);

        await CocoAsync(["admin", "rotate", "a/b/c", "--length", "16", .. AsAdmin]);
        string rotated = await CocoAsync(["get-resource", "--path", "a/b/c", .. Connected]);
        string expires = TimeProvider.System.GetUtcNow().AddDays(1).ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);
        await CocoAsync(["admin", "expiry", "a/b/c", "--at", expires, .. AsAdmin]);
        JsonArray history = JsonNode.Parse(await CocoAsync(["admin", "history", "a/b/c", .. AsAdmin]))!.AsArray();
        (int past, string refusal) = await RunAsync(["admin", "expiry", "a/b/c", "--at", "2020-01-01T00:00:00Z", .. AsAdmin]);

        Assert.Equal(16, Convert.FromBase64String(rotated.Trim()).Length);
        Assert.Equal([3, 16, 16], history.Select(v => v!["size"]!.GetValue<int>()));
        Assert.Equal((true, expires), (history[2]!["current"]!.GetValue<bool>(), history[2]!["expires"]!.GetValue<string>()));
        Assert.True(past != 0, refusal);
    }

    [Fact]
    public async Task AuditVerify_AnEditedOrRemovedRecord_IsNamed()
    {
        for (int i = 0; i < 3; i++)
        {
            await CocoAsync(["config", "set-resource", "--path", $"a/b/{i}", "--resource-file", FileWith("s", "s"), .. AsAdmin]);
        }

        string chain = await CocoAsync(["audit", "export", .. AsAdmin]);
        string key = FileWith("key.pem", await CocoAsync(["audit", "key", .. AsAdmin]));
        (int whole, _) = await RunAsync(["audit", "verify", "--file", FileWith("whole", chain), "--public-key", key, .. Connected]);
        string[] lines = chain.TrimEnd().Split('\n');
        int second = Array.FindIndex(lines, l => l.Contains("\"seq\":2", StringComparison.Ordinal));
        string edited = chain.Replace("a/b/1", "a/b/9", StringComparison.Ordinal);
        string removed = string.Join('\n', lines.Where((_, i) => i != second));
        (int editedCode, string editedWhy) = await RunAsync(["audit", "verify", "--file", FileWith("edited", edited), "--public-key", key, .. Connected]);
        (int removedCode, string removedWhy) = await RunAsync(["audit", "verify", "--file", FileWith("removed", removed), "--public-key", key, .. Connected]);

        Assert.Equal((0, 2, 2), (whole, editedCode, removedCode));
        Assert.Contains("record 2", editedWhy);
        Assert.Contains("record 2", removedWhy);
    }

    private static Task<string> CocoAsync(string[] arguments) => ServerProcess.RunAsync(TrusteeProcess.Program("Coco.Cli", "coco"), arguments);

    private static async Task<(int Code, string Output)> RunAsync(string[] arguments)
    {
        await using ServerProcess run = ServerProcess.Start(TrusteeProcess.Program("Coco.Cli", "coco"), arguments);
        await run.Process.WaitForExitAsync();
        return (run.Process.ExitCode, run.Output);
    }

    private string FileWith(string name, string content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, content);
        return path;
    }
}
