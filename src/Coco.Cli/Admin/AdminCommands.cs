// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Cli.Kbs;
using Coco.Protocol;

namespace Coco.Cli.Admin;

/// <summary><c>coco admin</c>: what administrators do beyond <c>kbs-client</c>; and <c>coco audit</c>.</summary>
internal static class AdminCommands
{
    public static void AddTo(Command root)
    {
        var admin = new Command("admin", "Administrate secrets: list, history, rollback, rotate, expiry");
        admin.Subcommands.Add(List());
        admin.Subcommands.Add(OnResource("history", "List the versions of a secret", HttpMethod.Get, "resource-history"));
        admin.Subcommands.Add(Rollback());
        admin.Subcommands.Add(Rotate());
        admin.Subcommands.Add(Expire());
        root.Subcommands.Add(admin);
        var audit = new Command("audit", "The audit chain");
        audit.Subcommands.Add(Export());
        audit.Subcommands.Add(Verify());
        audit.Subcommands.Add(Key());
        root.Subcommands.Add(audit);
    }

    private static Command List()
    {
        Option<string> output = OutputFormat.Option();
        var command = new Command("list", "List secrets (names only)") { output };
        KbsConnection connection = AdminCalls.Connect(command);
        command.SetAction(async (result, ct) =>
        {
            JsonNode list = await AdminCalls.JsonAsync(connection, result, HttpMethod.Get, "resources", null, ct).ConfigureAwait(false);
            if (result.IsJson(output))
            {
                Console.Out.WriteLine(list.ToJsonString());
                return ExitCode.Success;
            }

            foreach (JsonNode? one in list.AsArray())
            {
                Console.Out.WriteLine($"{one!["repository_name"]}/{one["resource_type"]}/{one["resource_tag"]}");
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static Command Rollback()
    {
        var version = new Option<long>("--version-number") { Description = "The version that becomes the present one", Required = true };
        return OnResource("rollback", "Make a former version the present one", HttpMethod.Post, "resource-rollback", version, r => "?version=" + r.GetValue(version).ToString(CultureInfo.InvariantCulture));
    }

    private static Command Rotate()
    {
        var length = new Option<int>("--length") { Description = "Bytes", DefaultValueFactory = _ => 32 };
        return OnResource("rotate", "Replace a secret by fresh random bytes", HttpMethod.Post, "resource-rotate", length, r => "?length=" + r.GetValue(length).ToString(CultureInfo.InvariantCulture));
    }

    private static Command Expire()
    {
        var at = new Option<string?>("--at") { Description = "From this instant on it does not exist; without it, it stays" };
        Command command = OnResource("expire", "Set from when on a secret does not exist", HttpMethod.Post, "resource-expiry", at, r => r.GetValue(at) is { } t ? "?at=" + Uri.EscapeDataString(t) : string.Empty);
        command.Aliases.Add("expiry");
        return command;
    }

    private static Command OnResource(string name, string description, HttpMethod method, string endpoint, Option? extra = null, Func<ParseResult, string>? query = null)
    {
        var path = new Argument<string>("PATH") { Description = "repository/type/tag" };
        var command = new Command(name, description) { path };
        if (extra is not null)
        {
            command.Options.Add(extra);
        }

        KbsConnection connection = AdminCalls.Connect(command);
        command.SetAction(async (result, ct) =>
        {
            if (!ResourcePath.Parse(result.GetRequiredValue(path)).TryGet(out ResourcePath parsed, out Refusal? refusal))
            {
                throw new CommandFailedException(refusal.Detail);
            }

            byte[] answer = await AdminCalls.BytesAsync(connection, result, method, $"{endpoint}/{parsed}{query?.Invoke(result)}", null, ct).ConfigureAwait(false);
            Console.Out.WriteLine(answer.Length == 0 ? "done" : Encoding.UTF8.GetString(answer));
            return ExitCode.Success;
        });
        return command;
    }

    private static Command Export()
    {
        var command = new Command("export", "Print the audit chain as JSON lines");
        KbsConnection connection = AdminCalls.Connect(command);
        command.SetAction(async (result, ct) =>
        {
            Console.Out.Write(Encoding.UTF8.GetString(await AdminCalls.BytesAsync(connection, result, HttpMethod.Get, "audit", null, ct).ConfigureAwait(false)));
            return ExitCode.Success;
        });
        return command;
    }

    private static Command Key()
    {
        var command = new Command("key", "Print the public key of the chain's heads; keep it where the server's administrators cannot write");
        KbsConnection connection = AdminCalls.Connect(command);
        command.SetAction(async (result, ct) =>
        {
            Console.Out.WriteLine(Encoding.UTF8.GetString(await AdminCalls.BytesAsync(connection, result, HttpMethod.Get, "audit-key", null, ct).ConfigureAwait(false)).TrimEnd());
            return ExitCode.Success;
        });
        return command;
    }

    private static Command Verify()
    {
        var file = new Option<FileInfo?>("--file") { Description = "Exported JSON lines; without it the server's chain is fetched" };
        var key = new Option<FileInfo?>("--public-key") { Description = "PEM key of the heads; without it the server's own is used" };
        var command = new Command("verify", "Name the first record that was removed, reordered or edited (exit 2)") { file, key };
        KbsConnection connection = AdminCalls.Connect(command);
        command.SetAction(async (result, ct) =>
        {
            string pem = result.GetValue(key) is { } named
                ? await File.ReadAllTextAsync(named.FullName, ct).ConfigureAwait(false)
                : Encoding.UTF8.GetString(await AdminCalls.BytesAsync(connection, result, HttpMethod.Get, "audit-key", null, ct).ConfigureAwait(false));
            string text = result.GetValue(file) is { } lines
                ? await File.ReadAllTextAsync(lines.FullName, ct).ConfigureAwait(false)
                : Encoding.UTF8.GetString(await AdminCalls.BytesAsync(connection, result, HttpMethod.Get, "audit", null, ct).ConfigureAwait(false));
            Result<AuditSummary> chain = await AuditVerifier.VerifyAsync(LinesOfAsync(text), pem, ct).ConfigureAwait(false);
            if (!chain.TryGet(out AuditSummary? summary, out Refusal? refusal))
            {
                await Console.Error.WriteLineAsync("coco: " + refusal.Detail).ConfigureAwait(false);
                return ExitCode.Refused;
            }

            Console.Out.WriteLine($"{summary.Events} events and {summary.Heads} signed heads are whole; last hash {summary.LastHash}");
            return ExitCode.Success;
        });
        return command;
    }

    private static async IAsyncEnumerable<string> LinesOfAsync(string text)
    {
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            yield return line;
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }
}
