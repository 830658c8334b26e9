// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Coco.Storage;

namespace Coco.Trustee;

/// <summary><c>trustee migrate</c>: copies everything from one store to another; ended and begun again, it goes on where it was.</summary>
internal static class MigrateCommand
{
    public static Command Build()
    {
        var from = new Option<string>("--from") { Description = "TYPE[:LOCATION], such as local_fs:/opt/confidential-containers/storage/local_fs", Required = true };
        var to = new Option<string>("--to") { Description = "TYPE[:LOCATION], such as postgres:postgres://user:password@host/db, or sqlite:/var/lib/trustee/trustee.db", Required = true };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace values of the target that differ; without it they are named and left" };
        var ring = new Option<FileInfo?>("--key-ring") { Description = "Seal the values in the target with this key ring (and open those of the source that are sealed)" };
        var command = new Command("migrate", "Copy a store to another, resumable, with progress") { from, to, overwrite, ring };
        command.SetAction(async (result, ct) =>
        {
            string home = TrusteeCommandLine.HomeOf(result);
            IStoreProvider source = Open(result.GetRequiredValue(from), home);
            IStoreProvider target = Open(result.GetRequiredValue(to), home);
            if (result.GetValue(ring) is { } file)
            {
                KeyRing keys = KeyRing.Parse(await File.ReadAllBytesAsync(file.FullName, ct).ConfigureAwait(false)).TryGet(out KeyRing? parsed, out Refusal? refusal)
                    ? parsed
                    : throw new ArgumentException($"{file.FullName}: {refusal.Detail}");
                source = new SealedStoreProvider(source, keys, acceptPlain: true);
                target = new SealedStoreProvider(target, keys, acceptPlain: false);
            }

            MigrationReport report = await StoreMigration.CopyAsync(source, target, result.GetValue(overwrite), new Progress(), ct).ConfigureAwait(false);
            await Console.Error.WriteLineAsync().ConfigureAwait(false);
            foreach (string conflict in report.Conflicts)
            {
                await Console.Error.WriteLineAsync($"left as it is, since the target has another value: {conflict}").ConfigureAwait(false);
            }

            await Console.Out.WriteLineAsync($"{report.Copied} copied, {report.Same} there already, {report.Conflicts.Count} left").ConfigureAwait(false);
            await DisposeAsync(source).ConfigureAwait(false);
            await DisposeAsync(target).ConfigureAwait(false);
            return report.Conflicts.Count == 0 ? 0 : 2;
        });
        return command;
    }

    private static IStoreProvider Open(string text, string home)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return StoreWiring.Open(colon < 0 ? new StoreSettings(text, null) : new StoreSettings(text[..colon], text[(colon + 1)..]), home, TimeProvider.System);
    }

    private static async ValueTask DisposeAsync(IStoreProvider provider)
    {
        if (provider is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync().ConfigureAwait(false);
        }
    }

    private sealed class Progress : IProgress<MigrationProgress>
    {
        public void Report(MigrationProgress value) =>
            Console.Error.Write($"\r{value.Namespace}: {value.Copied} copied, {value.Same} there already, {value.Conflicts} left ");
    }
}
