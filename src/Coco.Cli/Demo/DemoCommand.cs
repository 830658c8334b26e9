// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Client;
using Coco.Protocol;
using Coco.Simulator;
using Coco.Simulator.Amd;
using Coco.Tee.Snp;

namespace Coco.Cli.Demo;

/// <summary><c>coco demo</c>: a real server, a simulated guest that gets its secret, and four impostors that do not.</summary>
internal static class DemoCommand
{
    private const string ResourcePath = "demo/database/password";

    public static Command Build()
    {
        var evidence = new Option<FileInfo?>("--evidence") { Description = "Also verify this real SNP report or evidence" };
        var command = new Command("demo", "Show the whole protocol on this machine: a real server, a simulated guest, and impostors") { evidence };
        command.SetAction((result, ct) => RunAsync(result.GetValue(evidence), ct));
        return command;
    }

    private static async Task<int> RunAsync(FileInfo? evidence, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        var say = new Narrator(Console.Out);
        string home = Directory.CreateTempSubdirectory("coco-demo-").FullName;
        try
        {
            bool asExpected = await TellAsync(say, home, ct).ConfigureAwait(false);
            if (evidence is not null)
            {
                say.Title("Your report");
                int code = await CommandLine.RunAsync(["evidence", "verify", "--evidence", evidence.FullName], "coco").ConfigureAwait(false);
                asExpected &= code == ExitCode.Success;
            }

            say.Title("What to try next");
            say.Line("./coco evidence verify --tee snp --evidence FILE      verify a report of your own hardware");
            say.Line("./coco evidence show FILE                             read a report field by field");
            say.Line("./coco rego eval -d policy.rego -i claims.json 'data.policy.trust_claims'");
            say.Line("artifacts/bin/Coco.Trustee/release/trustee run        keep a server running; it prints where its certificate and token are");
            say.Line(string.Create(CultureInfo.InvariantCulture, $"({clock.Elapsed.TotalSeconds:0.0} seconds)"));
            return asExpected ? ExitCode.Success : ExitCode.Refused;
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    private static async Task<bool> TellAsync(Narrator say, string home, CancellationToken ct)
    {
        say.Title("1. A processor vendor");
        using var amd = new SimulatedAmd(SnpGeneration.Milan);
        byte[] measurement = SHA384.HashData("the firmware and kernel that we built"u8);
        using SimulatedSnpGuest guest = amd.CreateGuest(new SimulatedSnpGuestOptions { Measurement = measurement });
        say.Line("Nobody here has an AMD machine, so one is simulated: a root key (ARK), an intermediate (ASK), and the key of one chip (VCEK).");
        say.Line("Its reports have the real binary format and go through the real verifier. A server trusts it only because it is told to.");
        string roots = Path.Combine(home, "simulated-roots.json");
        await File.WriteAllTextAsync(roots, SimulatedRootsFile.Write([amd]), ct).ConfigureAwait(false);

        say.Title("2. The service that the owner of the secret trusts");
        await using DemoServer server = await DemoServer.StartAsync(Path.Combine(home, "trustee"), roots, ct).ConfigureAwait(false);
        say.Line($"trustee run, process {server.ProcessId}, listens on {server.Url} with a certificate of its own (authority SHA-256 {server.Fingerprint[..16]}…).");
        string token = (await File.ReadAllTextAsync(Path.Combine(server.Home, "admin-token"), ct).ConfigureAwait(false)).Trim();
        using KbsAdminClient admin = KbsAdminClient.Create(server.Url, token, server.Connection);

        say.Title("3. The administrator");
        byte[] password = Encoding.UTF8.GetBytes("correct horse battery staple");
        Must(await admin.SetResourceAsync(ResourcePath, password, ct).ConfigureAwait(false));
        say.Step("POST", $"/kbs/v0/resource/{ResourcePath}", "the secret");
        Must(await admin.SetResourcePolicyAsync(NamedResourcePolicies.Affirming, ct).ConfigureAwait(false));
        say.Step("POST", "/kbs/v0/resource-policy", "who may have it: only guests whose every appraisal is \"affirming\"");
        JsonObject values = ReferenceValuesOf(amd, measurement);
        Must(await admin.RegisterReferenceValuesAsync(values, ct).ConfigureAwait(false));
        say.Step("POST", "/kbs/v0/reference-value", $"what a good guest looks like: {values.Count} values, among them the launch measurement {Short(measurement)}");

        say.Title("4. A guest proves itself and gets its secret");
        var honest = new DemoGuest(guest);
        using (KbsClient client = KbsClient.Create(server.Url, honest, server.Connection))
        {
            client.Trace = (step, text) => Explain(say, step, text);
            Result<Secret> answer = await client.GetResourceAsync(ResourcePath, ct: ct).ConfigureAwait(false);
            if (!answer.TryGet(out Secret? secret, out Refusal? why))
            {
                say.Bad("the genuine guest was refused, which is wrong: " + why.Detail);
                return false;
            }

            using (secret)
            {
                bool same = secret.Matches(password);
                say.Good($"decrypted inside the guest: {(same ? "the secret, byte for byte" : "something else, which is wrong")} ({secret.Length} bytes)");
                if (!same)
                {
                    return false;
                }
            }
        }

        say.Title("5. Four impostors");
        bool all = true;
        byte[] oneBitOff = [.. measurement];
        oneBitOff[0] ^= 1;
        all &= await ImpostorAsync(
            say, server, admin, "a kernel that differs in one bit of its measurement",
            new DemoGuest(guest, r => r.Measurement = oneBitOff), ct).ConfigureAwait(false);
        byte[] recorded = honest.LastReportData;
        all &= await ImpostorAsync(
            say, server, admin, "a report recorded earlier, sent again for a new nonce",
            new DemoGuest(guest, reportData: _ => recorded), ct).ConfigureAwait(false);
        all &= await ImpostorAsync(
            say, server, admin, "a guest that its host can debug",
            new DemoGuest(guest, r => r.Policy |= 1UL << 19), ct).ConfigureAwait(false);
        using JweDecryptionKey victims = JweDecryptionKey.Generate(JweAlgorithms.EcdhEsA256Kw);
        all &= await ImpostorAsync(
            say, server, admin, "somebody who puts his own key beside a report that was made for another's",
            new DemoGuest(guest, reportData: request => BoundTo(request, victims.PublicJwk)), ct).ConfigureAwait(false);
        return all;
    }

    private static async Task<bool> ImpostorAsync(Narrator say, DemoServer server, KbsAdminClient admin, string who, DemoGuest guest, CancellationToken ct)
    {
        say.Line(string.Empty);
        say.Line("Impostor: " + who + ".");
        using KbsClient client = KbsClient.Create(server.Url, guest, server.Connection);
        Result<Secret> answer = await client.GetResourceAsync(ResourcePath, ct: ct).ConfigureAwait(false);
        if (!answer.TryGet(out Secret? secret, out Refusal? refusal))
        {
            say.Good("refused. The impostor sees: " + refusal.Detail);
            say.Line("  The administrator sees:    " + await WhyAsync(admin, ct).ConfigureAwait(false));
            return true;
        }

        secret.Dispose();
        say.Bad("got the secret, which is wrong");
        return false;
    }

    private static async Task<string> WhyAsync(KbsAdminClient admin, CancellationToken ct)
    {
        if (!(await admin.SendAsync(HttpMethod.Get, "decisions?count=2", null, null, ct).ConfigureAwait(false)).TryGet(out byte[]? list, out Refusal? refusal))
        {
            return refusal.Detail;
        }

        // What was wrong with the guest stands in the appraisal; that its request was refused for it is a decision of its own.
        JsonNode? appraisal = JsonNode.Parse(list)?.AsArray().FirstOrDefault(d => (string?)d?["kind"] != "release");
        string id = (string?)appraisal?["id"] ?? string.Empty;
        if (!(await admin.SendAsync(HttpMethod.Get, "decisions/" + id, null, null, ct).ConfigureAwait(false)).TryGet(out byte[]? record, out refusal))
        {
            return refusal.Detail;
        }

        return $"{JsonNode.Parse(record)?["sentence"]?.GetValue<string>()} (decision {id})";
    }

    // The report says what a guest with that key would have asked for: same nonce, the other key.
    private static byte[] BoundTo(EvidenceRequest request, Jwk key)
    {
        var runtimeData = (JsonObject)request.RuntimeData.DeepClone();
        runtimeData["tee-pubkey"] = key.ToJson();
        return SHA384.HashData(CanonicalJson.Write(runtimeData).Require());
    }

    private static JsonObject ReferenceValuesOf(SimulatedAmd amd, byte[] measurement)
    {
        SnpTcb tcb = amd.OrdinaryTcb;
        return new JsonObject
        {
            ["snp_launch_measurement"] = new JsonArray(Convert.ToHexStringLower(measurement)),
            ["snp_bootloader"] = new JsonArray((int)tcb.BootLoader),
            ["snp_tee_svn"] = new JsonArray((int)tcb.Tee),
            ["snp_snp_svn"] = new JsonArray((int)tcb.Snp),
            ["snp_microcode"] = new JsonArray((int)tcb.Microcode),
        };
    }

    private static void Explain(Narrator say, string step, string text)
    {
        using JsonDocument? json = text.StartsWith('{') ? JsonDocument.Parse(text) : null;
        JsonElement? body = json?.RootElement;
        switch (step)
        {
            case "auth":
                say.Step("POST", "/kbs/v0/auth", "\"I am an SNP guest, protocol 0.4.0\"");
                break;
            case "attest":
                say.Line("       the guest hashes nonce and its public key (SHA-384 of canonical JSON) into the report data; the chip signs the report");
                say.Step("POST", "/kbs/v0/attest", "nonce, public key, report and VCEK certificate");
                break;
            case "get":
                say.Step("GET", text[4..], "the session's cookie stands for the token");
                break;
            case "answer" when body?.TryGetProperty("nonce", out JsonElement nonce) == true:
                say.Line($"       200  a nonce, {nonce.GetString()![..12]}…, and a cookie that holds the session, sealed; the server stores nothing");
                break;
            case "answer" when body?.TryGetProperty("token", out JsonElement token) == true:
                say.Line("       200  an attestation token (EAR), signed by the attestation service: " + TokenSummary(token.GetString()!));
                break;
            case "answer" when body?.TryGetProperty("encrypted_key", out _) == true:
                say.Line("       200  a JWE: the secret, encrypted to the key that the report vouches for (ECDH-ES+A256KW, A256GCM)");
                break;
            default:
                break;
        }
    }

    private static string TokenSummary(string token)
    {
        byte[] payload = StrictBase64.DecodeUrl(token.Split('.')[1]).Require();
        JsonNode cpu = JsonNode.Parse(payload)!["submods"]!["cpu0"]!;
        JsonNode vector = cpu["ear.trustworthiness-vector"]!;
        return $"cpu0 is {cpu["ear.status"]} (hardware {vector["hardware"]}, executables {vector["executables"]}, configuration {vector["configuration"]})";
    }

    private static string Short(byte[] bytes) => Convert.ToHexStringLower(bytes.AsSpan(0, 8)) + "…";

    private static void Must(Refusal? refusal)
    {
        if (refusal is not null)
        {
            throw new CommandFailedException("the server refused the administrator: " + refusal.Detail);
        }
    }
}
