// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Verifiers;

namespace Coco.Cli.EvidenceCommands;

/// <summary><c>coco evidence verify</c> and <c>coco evidence show</c>.</summary>
internal static class EvidenceCommandGroup
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The command with its two subcommands.</summary>
    public static Command Build() => new("evidence", "Verify attestation evidence, or show what it says") { BuildVerify(), BuildShow() };

    private static Command BuildVerify()
    {
        var tee = new Option<string?>("--tee") { Description = "what the evidence is of: " + string.Join(", ", EvidenceFormats.All.Select(f => f.Tee.ToWireName())) + "; detected when not given" };
        var evidence = new Option<string>("--evidence") { Description = "file with evidence JSON or a raw report; - is standard input", Required = true };
        var collateral = new Option<string[]>("--collateral") { Description = "file or directory: certificates, certificate table, revocation lists, vendor statements, a signed bundle; may be given again" };
        var at = new Option<string?>("--at") { Description = "judge as of this time (RFC 3339); now when not given" };
        var reportData = new Option<string?>("--report-data") { Description = "what the report data must hold, hexadecimal; shorter values are padded with zeros" };
        var initData = new Option<string?>("--init-data-hash") { Description = "the init-data digest that the host must have given, hexadecimal" };
        var eventLog = new Option<string?>("--event-log") { Description = "TDX: the event log, when it is not in the evidence" };
        var offline = new Option<bool>("--offline") { Description = "ask no vendor's service" };
        var trust = new Option<string[]>("--trust") { Description = "further root certificates for TEEs without built-in ones" };
        var bundleKey = new Option<string[]>("--bundle-key") { Description = "public key (PEM) that may sign bundles" };
        var simulated = new Option<string[]>("--insecure-simulated-root") { Description = "certificates of a simulated vendor to trust; anybody can make such evidence" };
        var version2 = new Option<bool>("--accept-version-2") { Description = "SNP: accept reports of version 2" };
        var expired = new Option<bool>("--accept-expired") { Description = "SNP: accept certificates outside their time of validity" };
        var revocation = new Option<bool>("--require-revocation-list") { Description = "SNP: refuse when no revocation list can be had" };
        var kds = new Option<string?>("--kds") { Description = "address of AMD's key distribution service" };
        var pccs = new Option<string?>("--pccs") { Description = "address of a provisioning certificate caching service" };
        Option<string> output = OutputFormat.Option();
        var command = new Command("verify", "Verify evidence: exit 0 genuine, 2 refused, 1 usage or I/O")
        {
            tee, evidence, collateral, at, reportData, initData, eventLog, offline, trust, bundleKey, simulated, version2, expired, revocation, kds, pccs, output,
        };
        command.SetAction(async (result, ct) =>
        {
            var options = new EvidenceOptions
            {
                At = Time(result.GetValue(at)),
                Collateral = result.GetValue(collateral) ?? [],
                Trust = result.GetValue(trust) ?? [],
                BundleKeys = result.GetValue(bundleKey) ?? [],
                SimulatedRoots = result.GetValue(simulated) ?? [],
                EventLog = result.GetValue(eventLog),
                Offline = result.GetValue(offline),
                AcceptVersion2 = result.GetValue(version2),
                AcceptExpired = result.GetValue(expired),
                RequireRevocation = result.GetValue(revocation),
                AmdAddress = Address(result.GetValue(kds), "--kds"),
                IntelAddress = Address(result.GetValue(pccs), "--pccs"),
            };
            Binding expectedData = result.GetValue(reportData) is { } d ? Binding.ToRaw(Hex(d, "--report-data")) : Binding.NotChecked;
            Binding expectedInit = result.GetValue(initData) is { } i ? Binding.ToDigest(Hex(i, "--init-data-hash")) : Binding.NotChecked;
            EvidenceFile file = await EvidenceFile.ReadAsync(result.GetValue(evidence)!, ct).ConfigureAwait(false);
            IEvidenceFormat format = result.GetValue(tee) is { } name ? EvidenceFormats.Named(name) : EvidenceFormats.Detect(file);
            return await VerifyAsync(format, file, options, expectedData, expectedInit, result.IsJson(output), ct).ConfigureAwait(false);
        });
        return command;
    }

    private static Command BuildShow()
    {
        var tee = new Option<string?>("--tee") { Description = "what it is of; detected when not given" };
        var evidence = new Option<string?>("--evidence") { Description = "file to show" };
        var file = new Argument<string?>("file") { Description = "file with evidence, a report, a certificate, a revocation list or a token; - is standard input", Arity = ArgumentArity.ZeroOrOne };
        Option<string> output = OutputFormat.Option();
        var command = new Command("show", "Show every field, with the names of the vendor's document; verifies nothing") { file, tee, evidence, output };
        command.SetAction(async (result, ct) =>
        {
            string path = result.GetValue(file) ?? result.GetValue(evidence) ?? throw new CommandFailedException("name a file to show");
            EvidenceFile read = await EvidenceFile.ReadAsync(path, ct).ConfigureAwait(false);
            Result<ShownNode> shown = result.GetValue(tee) is { } name
                ? EvidenceFormats.Named(name).Show(read)
                : PlainViews.TryShow(read) ?? EvidenceFormats.Detect(read).Show(read);
            if (!shown.TryGet(out ShownNode? node, out Refusal? refusal))
            {
                await Console.Error.WriteLineAsync($"coco: {path}: {refusal}").ConfigureAwait(false);
                return ExitCode.Refused;
            }

            string text = result.IsJson(output) ? new JsonObject { [node.Name] = node.ToJson() }.ToJsonString(Indented) + "\n" : node.ToText();
            await Console.Out.WriteAsync(text).ConfigureAwait(false);
            return ExitCode.Success;
        });
        return command;
    }

    private static async Task<int> VerifyAsync(
        IEvidenceFormat format, EvidenceFile file, EvidenceOptions options, Binding reportData, Binding initData, bool json, CancellationToken ct)
    {
        EvidenceInputs inputs = await EvidenceInputs.LoadAsync(options, ct).ConfigureAwait(false);
        var record = new VerificationRecord();
        ImmutableArray<VerifiedClaims> claims = [];
        Refusal? refusal;
        try
        {
            if (format.ToEvidence(file, inputs).TryGet(out JsonElement body, out refusal))
            {
                var bound = new BoundEvidence(new Evidence(format.Tee, body), reportData, initData);
                Result<ImmutableArray<VerifiedClaims>> result = await format.CreateVerifier(inputs).VerifyAsync(bound, record, ct).ConfigureAwait(false);
                if (!result.TryGet(out claims, out refusal))
                {
                    claims = [];
                }
            }
            else
            {
                refusal = record.Note(format.FormatCheck, refusal);
            }
        }
        catch (CollateralUnavailableException e)
        {
            throw new CommandFailedException($"collateral could not be had: {e.Message} (nothing was decided; give it with --collateral)");
        }

        VerificationView view = new(format.Tee, inputs.Clock.GetUtcNow(), record, refusal, claims, inputs.SimulatedAmd.Count > 0);
        await Console.Out.WriteAsync(json ? view.ToJson().ToJsonString(Indented) + "\n" : view.ToText()).ConfigureAwait(false);
        return refusal is null ? ExitCode.Success : ExitCode.Refused;
    }

    private static DateTimeOffset? Time(string? text) =>
        text is null ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset at) ? at
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) && seconds < 253402300800 ? DateTimeOffset.FromUnixTimeSeconds(seconds)
        : throw new CommandFailedException($"--at: '{text}' is no time; write for example 2025-06-01T12:00:00Z");

    /// <summary>An http or https address of an option.</summary>
    internal static Uri? Address(string? text, string option) =>
        text is null ? null
        : Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" ? new Uri(text)
        : throw new CommandFailedException($"{option}: '{text}' is no http address");

    private static byte[] Hex(string text, string option)
    {
        string digits = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text[2..] : text;
        byte[] bytes = new byte[digits.Length / 2];
        return digits.Length > 0 && digits.Length % 2 == 0 && Convert.FromHexString(digits, bytes, out _, out _) == System.Buffers.OperationStatus.Done
            ? bytes
            : throw new CommandFailedException($"{option}: '{text}' is not hexadecimal");
    }
}
