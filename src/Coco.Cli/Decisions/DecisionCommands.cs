// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Cli.EvidenceCommands;
using Coco.Cli.Kbs;
using Coco.Verifiers;

namespace Coco.Cli.Decisions;

/// <summary><c>coco explain</c>, <c>coco reverify</c>, <c>coco policy diff</c> and <c>coco doctor</c>: what a server remembers of its decisions.</summary>
internal static class DecisionCommands
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void AddTo(Command root)
    {
        root.Subcommands.Add(Explain());
        root.Subcommands.Add(Reverify());
        var policy = new Command("policy", "What policies would do");
        policy.Subcommands.Add(Diff());
        root.Subcommands.Add(policy);
        root.Subcommands.Add(Doctor());
    }

    private static Command Explain()
    {
        var id = new Argument<string?>("ID") { Description = "Decision id; without it the last decisions are listed", Arity = ArgumentArity.ZeroOrOne };
        var count = new Option<int>("--count") { Description = "How many are listed", DefaultValueFactory = _ => 20 };
        Option<string> output = OutputFormat.Option();
        var command = new Command("explain", "Why an appraisal fell as it did") { id, count, output };
        KbsConnection connection = AdminCalls.Connect(command);
        command.SetAction(async (result, ct) =>
        {
            if (result.GetValue(id) is not { } wanted)
            {
                JsonNode list = await AdminCalls.JsonAsync(connection, result, HttpMethod.Get, $"decisions?count={result.GetValue(count)}", null, ct).ConfigureAwait(false);
                PrintList(list.AsArray(), result.IsJson(output));
                return ExitCode.Success;
            }

            string path = "decisions/" + Uri.EscapeDataString(wanted);
            if (result.IsJson(output))
            {
                Console.Out.WriteLine((await AdminCalls.JsonAsync(connection, result, HttpMethod.Get, path, null, ct).ConfigureAwait(false)).ToJsonString(Indented));
            }
            else
            {
                await AdminCalls.LinesAsync(connection, result, HttpMethod.Get, path, null, "text/plain", Console.Out.WriteLine, ct).ConfigureAwait(false);
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static Command Reverify()
    {
        var since = new Option<string?>("--since") { Description = "Only evidence recorded from this instant on" };
        var at = new Option<string?>("--at") { Description = "Judge as of this instant; default now" };
        var policy = new Option<string[]>("--policy") { Description = "ID=FILE: appraise under this policy text instead, such as default_cpu=new.rego" };
        var collateral = new Option<string?>("--collateral")
        {
            Description = "live (the server's sources), recorded (what was in use at the instant), or a directory or signed bundle of coco collateral; default: recorded for an instant in the past, else live",
        };
        var bundleKey = new Option<string[]>("--bundle-key") { Description = "public key (PEM) that may sign the bundle" };
        Option<string> output = OutputFormat.Option();
        var command = new Command("reverify", "Appraise recorded evidence again: who would pass or fail now, and why (exit 2 when something would change)")
        {
            since, at, policy, collateral, bundleKey, output,
        };
        KbsConnection connection = AdminCalls.Connect(command);
        command.SetAction(async (result, ct) =>
        {
            var body = new JsonObject { ["since"] = result.GetValue(since), ["at"] = result.GetValue(at) };
            var policies = new JsonObject();
            foreach (string pair in result.GetValue(policy) ?? [])
            {
                string[] parts = pair.Split('=', 2);
                policies[parts[0]] = parts.Length == 2
                    ? await File.ReadAllTextAsync(parts[1], ct).ConfigureAwait(false)
                    : throw new CommandFailedException("--policy takes ID=FILE, such as default_cpu=new.rego");
            }

            body["policies"] = policies;
            if (result.GetValue(collateral) is { } chosen)
            {
                body["collateral"] = chosen is "live" or "recorded" ? chosen : await CollateralAsync(chosen, result.GetValue(bundleKey) ?? [], ct).ConfigureAwait(false);
            }

            foreach (string absent in (string[])["since", "at"])
            {
                if (body[absent] is null)
                {
                    body.Remove(absent);
                }
            }

            return await ReportAsync(connection, result, "reverify", body, result.IsJson(output), ct).ConfigureAwait(false);
        });
        return command;
    }

    private static async Task<JsonNode> CollateralAsync(string path, string[] keys, CancellationToken ct)
    {
        IEnumerable<(CollateralKey Key, CollateralItem Item)> items = Directory.Exists(path)
            ? await new CollateralDirectory(path).ListAsync(ct).ConfigureAwait(false)
            : (await CollateralCommandGroup.OpenAsync(path, keys, ct).ConfigureAwait(false)).Items.Select(i => (i.Key, i.Value));
        var list = new JsonArray();
        foreach ((CollateralKey key, CollateralItem item) in items)
        {
            JsonNode one = JsonNode.Parse(item.Encode())!;
            one["kind"] = key.Kind;
            one["id"] = key.Id;
            list.Add(one);
        }

        return list.Count > 0 ? list : throw new CommandFailedException(path + " holds no collateral");
    }

    private static Command Diff()
    {
        var before = new Argument<FileInfo>("OLD") { Description = "The policy as it is" };
        var after = new Argument<FileInfo>("NEW") { Description = "The policy as it would be" };
        var teeClass = new Option<string>("--class") { Description = "Class of TEE that the policy is for", DefaultValueFactory = _ => "cpu" };
        var since = new Option<string?>("--since") { Description = "Only evidence recorded from this instant on" };
        Option<string> output = OutputFormat.Option();
        var command = new Command("diff", "What a change of policy would do to recorded traffic (exit 2 when something would change)") { before, after, teeClass, since, output };
        KbsConnection connection = AdminCalls.Connect(command);
        command.SetAction(async (result, ct) =>
        {
            var body = new JsonObject
            {
                ["class"] = result.GetValue(teeClass),
                ["before"] = await File.ReadAllTextAsync(result.GetRequiredValue(before).FullName, ct).ConfigureAwait(false),
                ["after"] = await File.ReadAllTextAsync(result.GetRequiredValue(after).FullName, ct).ConfigureAwait(false),
            };
            if (result.GetValue(since) is { } from)
            {
                body["since"] = from;
            }

            return await ReportAsync(connection, result, "policy-diff", body, result.IsJson(output), ct).ConfigureAwait(false);
        });
        return command;
    }

    private static Command Doctor()
    {
        var days = new Option<int>("--days") { Description = "How far to look ahead", DefaultValueFactory = _ => 90 };
        Option<string> output = OutputFormat.Option();
        var command = new Command("doctor", "What will expire or is misconfigured, which workloads would then fail, and the remedy (exit 2 on errors)") { days, output };
        KbsConnection connection = AdminCalls.Connect(command);
        command.SetAction(async (result, ct) =>
        {
            JsonArray findings = (await AdminCalls.JsonAsync(connection, result, HttpMethod.Get, $"doctor?days={result.GetValue(days)}", null, ct).ConfigureAwait(false)).AsArray();
            if (result.IsJson(output))
            {
                Console.Out.WriteLine(findings.ToJsonString(Indented));
            }
            else
            {
                foreach (JsonNode? finding in findings)
                {
                    Console.Out.WriteLine($"{finding!["severity"]}: {finding["what"]}{(finding["ends_at"] is { } end ? $" (ends {end})" : string.Empty)}");
                    if (finding["workloads"] is JsonArray { Count: > 0 } workloads)
                    {
                        Console.Out.WriteLine("  would then fail: " + string.Join(", ", workloads.Select(w => w!.ToString())));
                    }

                    Console.Out.WriteLine("  remedy: " + finding["remedy"]);
                }

                if (findings.Count == 0)
                {
                    Console.Out.WriteLine("nothing to report");
                }
            }

            return findings.Any(f => f!["severity"]!.ToString() == "error") ? ExitCode.Refused : ExitCode.Success;
        });
        return command;
    }

    private static async Task<int> ReportAsync(KbsConnection connection, ParseResult result, string path, JsonObject body, bool json, CancellationToken ct)
    {
        JsonNode? last = null;
        bool shown = false;
        await AdminCalls.LinesAsync(connection, result, HttpMethod.Post, path, body, null, Note, ct).ConfigureAwait(false);
        if (shown)
        {
            await Console.Error.WriteLineAsync().ConfigureAwait(false);
        }

        JsonNode end = last ?? throw new CommandFailedException("the server ended without a report");
        if (end["error"] is { } error)
        {
            throw new CommandFailedException(error.ToString());
        }

        JsonNode report = end["report"]!;
        JsonArray changes = report["changes"]!.AsArray();
        if (json)
        {
            Console.Out.WriteLine(report.ToJsonString(Indented));
        }
        else
        {
            Console.Out.WriteLine($"{report["examined"]} examined, {report["skipped"]} skipped, {report["would_pass"]} would newly pass, {report["would_fail"]} would newly fail");
            foreach (JsonNode? change in changes)
            {
                Console.Out.WriteLine($"{change!["id"]} {change["tee"]}: {change["before"]} -> {change["after"]}: {change["why"]}");
            }
        }

        return changes.Count > 0 ? ExitCode.Refused : ExitCode.Success;

        void Note(string line)
        {
            last = JsonNode.Parse(line);
            if (last?["done"] is { } done)
            {
                shown = true;
                Console.Error.Write($"\r{done} appraised again, {last["changed"]} changed");
            }
        }
    }

    private static void PrintList(JsonArray list, bool json)
    {
        if (json)
        {
            Console.Out.WriteLine(list.ToJsonString(Indented));
            return;
        }

        foreach (JsonNode? one in list)
        {
            Console.Out.WriteLine(string.Join("  ", one!.AsObject().Select(m => m.Value is JsonArray a ? string.Join('+', a.Select(x => x?.ToString())) : m.Value?.ToString() ?? "-")));
        }
    }
}
