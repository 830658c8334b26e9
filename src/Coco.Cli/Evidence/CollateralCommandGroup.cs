// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Tee.Snp;
using Coco.Verifiers;
using Coco.Verifiers.Snp;

namespace Coco.Cli.EvidenceCommands;

/// <summary><c>coco collateral fetch|list|export|import</c>: what vendors publish, kept in a directory or carried in a signed bundle.</summary>
internal static class CollateralCommandGroup
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The command with its subcommands.</summary>
    public static Command Build() => new("collateral", "Fetch and keep vendors' collateral; carry it to sites without network") { BuildFetch(), BuildList(), BuildExport(), BuildImport() };

    private static Option<string> DirectoryOption() => new("--dir") { Description = "directory of the collateral", DefaultValueFactory = _ => DefaultDirectory() };

    private static string DefaultDirectory()
    {
        string? data = Environment.GetEnvironmentVariable("XDG_DATA_HOME");
        string root = string.IsNullOrEmpty(data) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "share") : data;
        return Path.Combine(root, "coco", "collateral");
    }

    private static Command BuildFetch()
    {
        Option<string> directory = DirectoryOption();
        var evidence = new Option<string[]>("--evidence") { Description = "fetch what this evidence needs; may be given again" };
        var item = new Option<string[]>("--item") { Description = "fetch one item, written kind:id, for example amd-crl:vcek/Milan; may be given again" };
        var tee = new Option<string?>("--tee") { Description = "what the evidence is of; detected when not given" };
        var kds = new Option<string?>("--kds") { Description = "address of AMD's key distribution service" };
        var pccs = new Option<string?>("--pccs") { Description = "address of a provisioning certificate caching service" };
        var command = new Command("fetch", "Fetch collateral from the vendors' services; without a list: AMD's chains and revocation lists, Intel's identities and lists")
        {
            directory, evidence, item, tee, kds, pccs,
        };
        command.SetAction(async (result, ct) =>
        {
            var keys = new List<CollateralKey>();
            foreach (string path in result.GetValue(evidence) ?? [])
            {
                EvidenceFile file = await EvidenceFile.ReadAsync(path, ct).ConfigureAwait(false);
                IEvidenceFormat format = result.GetValue(tee) is { } name ? EvidenceFormats.Named(name) : EvidenceFormats.Detect(file);
                keys.AddRange(format.CollateralOf(file).TryGet(out ImmutableArray<CollateralKey> needed, out Refusal? refusal)
                    ? needed
                    : throw new CommandFailedException($"{path}: {refusal.Detail}"));
            }

            keys.AddRange((result.GetValue(item) ?? []).Select(ParseKey));
            if (keys.Count == 0)
            {
                keys.AddRange(Everything());
            }

            var kept = new CollateralDirectory(result.GetValue(directory)!);
            var service = new CollateralService(new CollateralOptions
            {
                Sources = [.. CollateralNetwork.Sources(CollateralNetwork.Client, EvidenceCommandGroup.Address(result.GetValue(kds), "--kds"), EvidenceCommandGroup.Address(result.GetValue(pccs), "--pccs"))],
            });
            await using (service.ConfigureAwait(false))
            {
                return await FetchAsync(service, kept, [.. keys.Distinct()], ct).ConfigureAwait(false);
            }
        });
        return command;
    }

    private static async Task<int> FetchAsync(CollateralService service, CollateralDirectory kept, CollateralKey[] keys, CancellationToken ct)
    {
        int failed = 0;
        foreach (CollateralKey key in keys)
        {
            string outcome;
            try
            {
                if ((await service.GetAsync(key, ct).ConfigureAwait(false)).TryGet(out CollateralItem? item, out Refusal? refusal))
                {
                    refusal = await kept.PutAsync(key, item, ct).ConfigureAwait(false);
                    outcome = refusal?.Detail ?? $"until {Day(item.ExpiresAt)}, from {item.Source}";
                }
                else
                {
                    outcome = refusal.Detail;
                }

                failed += refusal is null ? 0 : 1;
                await Console.Out.WriteLineAsync($"{(refusal is null ? "ok  " : "FAIL")} {key.Kind} {key.Id}  {outcome}").ConfigureAwait(false);
            }
            catch (CollateralUnavailableException e)
            {
                failed++;
                await Console.Out.WriteLineAsync($"FAIL {key.Kind} {key.Id}  {e.Message}").ConfigureAwait(false);
            }
        }

        await Console.Out.WriteLineAsync($"{keys.Length - failed} fetched, {failed} failed").ConfigureAwait(false);
        return failed == 0 ? ExitCode.Success : ExitCode.UsageOrIo;
    }

    private static Command BuildList()
    {
        Option<string> directory = DirectoryOption();
        var bundle = new Option<string?>("--bundle") { Description = "list a signed bundle instead" };
        var bundleKey = new Option<string[]>("--bundle-key") { Description = "public key (PEM) that may sign it" };
        Option<string> output = OutputFormat.Option();
        var command = new Command("list", "List collateral with its time of validity") { directory, bundle, bundleKey, output };
        command.SetAction(async (result, ct) =>
        {
            IReadOnlyList<(CollateralKey Key, CollateralItem Item)> items = result.GetValue(bundle) is { } path
                ? [.. (await OpenAsync(path, result.GetValue(bundleKey) ?? [], ct).ConfigureAwait(false)).Items.Select(i => (i.Key, i.Value))]
                : await new CollateralDirectory(result.GetValue(directory)!).ListAsync(ct).ConfigureAwait(false);
            DateTimeOffset now = TimeProvider.System.GetUtcNow();
            if (result.IsJson(output))
            {
                var list = new JsonArray();
                foreach ((CollateralKey key, CollateralItem item) in items)
                {
                    list.Add((JsonNode)new JsonObject
                    {
                        ["kind"] = key.Kind,
                        ["id"] = key.Id,
                        ["expires_at"] = item.ExpiresAt,
                        ["fetched_at"] = item.FetchedAt,
                        ["source"] = item.Source,
                        ["bytes"] = item.Body.Length,
                        ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(item.Body.Span)),
                    });
                }

                await Console.Out.WriteLineAsync(list.ToJsonString(Indented)).ConfigureAwait(false);
                return ExitCode.Success;
            }

            foreach ((CollateralKey key, CollateralItem item) in items)
            {
                string state = item.ExpiresAt <= now ? "EXPIRED" : "valid";
                await Console.Out.WriteLineAsync($"{state,-8} {Day(item.ExpiresAt),-11} {key.Kind} {key.Id}  ({item.Body.Length} bytes, {item.Source})").ConfigureAwait(false);
            }

            await Console.Out.WriteLineAsync($"{items.Count} items").ConfigureAwait(false);
            return ExitCode.Success;
        });
        return command;
    }

    private static Command BuildExport()
    {
        Option<string> directory = DirectoryOption();
        var key = new Option<string>("--key") { Description = "EC private key (PEM, P-256 or P-384) that signs the bundle", Required = true };
        var file = new Option<string>("--out") { Description = "file to write", Required = true };
        var command = new Command("export", "Write all collateral of a directory into one signed bundle") { directory, key, file };
        command.SetAction(async (result, ct) =>
        {
            IReadOnlyList<(CollateralKey Key, CollateralItem Item)> items = await new CollateralDirectory(result.GetValue(directory)!).ListAsync(ct).ConfigureAwait(false);
            if (items.Count == 0)
            {
                throw new CommandFailedException($"{result.GetValue(directory)} holds no collateral");
            }

            using ECDsa signer = await KeyFiles.ReadAsync(result.GetValue(key)!, ct).ConfigureAwait(false);
            byte[] bundle;
            try
            {
                bundle = CollateralBundle.Write(items, signer, TimeProvider.System.GetUtcNow());
            }
            catch (Exception e) when (e is CryptographicException or ArgumentException)
            {
                throw new CommandFailedException($"{result.GetValue(key)} cannot sign: {e.Message}");
            }

            await File.WriteAllBytesAsync(result.GetValue(file)!, bundle, ct).ConfigureAwait(false);
            await Console.Out.WriteLineAsync($"{items.Count} items, {bundle.Length} bytes, signed by {Convert.ToHexStringLower(SHA256.HashData(signer.ExportSubjectPublicKeyInfo()))}").ConfigureAwait(false);
            return ExitCode.Success;
        });
        return command;
    }

    private static Command BuildImport()
    {
        Option<string> directory = DirectoryOption();
        var bundle = new Option<string>("--bundle") { Description = "the signed bundle", Required = true };
        var bundleKey = new Option<string[]>("--bundle-key") { Description = "public key (PEM) that may sign it; may be given again", Required = true };
        var command = new Command("import", "Put the collateral of a signed bundle into a directory: exit 2 when its signature is not by a given key") { directory, bundle, bundleKey };
        command.SetAction(async (result, ct) =>
        {
            CollateralBundle opened = await OpenAsync(result.GetValue(bundle)!, result.GetValue(bundleKey) ?? [], ct).ConfigureAwait(false);
            var kept = new CollateralDirectory(result.GetValue(directory)!);
            foreach ((CollateralKey key, CollateralItem item) in opened.Items)
            {
                if (await kept.PutAsync(key, item, ct).ConfigureAwait(false) is { } refusal)
                {
                    throw new CommandFailedException(refusal.Detail, ExitCode.Refused);
                }
            }

            await Console.Out.WriteLineAsync($"{opened.Items.Count} items of {opened.CreatedAt:u}, signed by {opened.SignerSha256}").ConfigureAwait(false);
            return ExitCode.Success;
        });
        return command;
    }

    internal static async Task<CollateralBundle> OpenAsync(string path, string[] keys, CancellationToken ct)
    {
        if (keys.Length == 0)
        {
            throw new CommandFailedException("name the key that may sign the bundle with --bundle-key");
        }

        byte[] bytes = await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false);
        return CollateralBundle.Open(bytes, await KeyFiles.ReadPublicAsync(keys, ct).ConfigureAwait(false)).TryGet(out CollateralBundle? bundle, out Refusal? refusal)
            ? bundle
            : throw new CommandFailedException($"{path}: {refusal.Detail}", ExitCode.Refused);
    }

    private static CollateralKey ParseKey(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && colon < text.Length - 1
            ? new CollateralKey(text[..colon], text[(colon + 1)..])
            : throw new CommandFailedException($"--item: '{text}' is not of the form kind:id");
    }

    private static IEnumerable<CollateralKey> Everything()
    {
        foreach (SnpGeneration generation in Enum.GetValues<SnpGeneration>())
        {
            foreach (bool vlek in (bool[])[false, true])
            {
                yield return AmdCollateral.ChainKey(generation, vlek);
                yield return AmdCollateral.CrlKey(generation, vlek);
            }
        }

        foreach (string tee in (string[])["sgx", "tdx"])
        {
            yield return new CollateralKey(CollateralKinds.IntelQeIdentity, tee + "/early");
            yield return new CollateralKey(CollateralKinds.IntelQeIdentity, tee + "/standard");
        }

        yield return new CollateralKey(CollateralKinds.IntelPckCrl, "platform");
        yield return new CollateralKey(CollateralKinds.IntelPckCrl, "processor");
        yield return new CollateralKey(CollateralKinds.IntelRootCrl, "root");
    }

    private static string Day(DateTimeOffset? when) => when?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "(no end)";
}
