// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Coco.KeyBroker;
using Coco.Storage;

namespace Coco.Trustee;

/// <summary><c>trustee audit verify|export|key</c>: the audit chain in a store.</summary>
internal static class AuditCommand
{
    public static Command Build()
    {
        var store = new Option<string>("--store") { Description = "TYPE[:LOCATION]; default sqlite:HOME/trustee.db", DefaultValueFactory = _ => "sqlite", Recursive = true };
        var audit = new Command("audit", "Check or export the audit chain in a store");
        audit.Options.Add(store);
        audit.Subcommands.Add(Verify(store));
        audit.Subcommands.Add(Export(store));
        audit.Subcommands.Add(Key(store));
        return audit;
    }

    private static Command Verify(Option<string> store)
    {
        var key = new Option<FileInfo?>("--public-key") { Description = "PEM key that heads must be signed with, kept where the store's writers cannot write" };
        var command = new Command("verify", "Name the first record that was removed, reordered or edited (exit 2)") { key };
        command.SetAction(async (result, ct) =>
        {
            IStoreProvider opened = Open(result, store);
            string? pem = result.GetValue(key) is { } file ? await File.ReadAllTextAsync(file.FullName, ct).ConfigureAwait(false) : null;
            Result<AuditSummary> checkedChain = await AuditVerifier.VerifyAsync(opened, pem, ct).ConfigureAwait(false);
            if (checkedChain.TryGet(out AuditSummary? summary, out Refusal? refusal))
            {
                Console.Out.WriteLine($"{summary.Events} events and {summary.Heads} signed heads are whole; last hash {summary.LastHash}");
                return 0;
            }

            await Console.Error.WriteLineAsync(refusal.Detail).ConfigureAwait(false);
            return 2;
        });
        return command;
    }

    private static Command Export(Option<string> store)
    {
        var command = new Command("export", "Print the chain as JSON lines");
        command.SetAction(async (result, ct) =>
        {
            await foreach (string line in AuditVerifier.ExportAsync(Open(result, store), ct).ConfigureAwait(false))
            {
                Console.Out.WriteLine(line);
            }

            return 0;
        });
        return command;
    }

    private static Command Key(Option<string> store)
    {
        var command = new Command("key", "Print the public key of the heads");
        command.SetAction(async (result, ct) =>
        {
            string? pem = await AuditVerifier.FindPublicKeyAsync(Open(result, store), ct).ConfigureAwait(false);
            if (pem is null)
            {
                await Console.Error.WriteLineAsync("there is no audit event yet").ConfigureAwait(false);
                return 1;
            }

            Console.Out.WriteLine(pem.TrimEnd());
            return 0;
        });
        return command;
    }

    private static IStoreProvider Open(ParseResult result, Option<string> store)
    {
        string text = result.GetValue(store)!;
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return StoreWiring.Open(
            colon < 0 ? new StoreSettings(text, null) : new StoreSettings(text[..colon], text[(colon + 1)..]), TrusteeCommandLine.HomeOf(result), TimeProvider.System);
    }
}
