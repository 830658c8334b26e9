// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.ReferenceValues.InToto;

/// <summary>
/// <c>in-toto verify</c> as a command, with the options and exit codes of Debian's <c>in-toto-verify</c>: 0 the chain holds, 1 it does not, 2 wrong
/// usage. Differences: inspections run only with <c>--run-inspections</c>, and then in a scratch copy of the working directory; <c>-k</c> and <c>-g</c> given
/// twice add to each other, so that no key is dropped silently; a revoked GPG key is refused.
/// </summary>
public static class InTotoVerifyCommand
{
    /// <summary>What the command understands.</summary>
    public const string Usage =
        "usage: in-toto verify -l LAYOUT [-k KEY [KEY ...] [-t {rsa,ed25519,ecdsa} ...]] [-g GPGID [GPGID ...] [--gpg-home DIR]] [--link-dir DIR]\n"
        + "                      [--run-inspections] [--inspection-timeout SECONDS] [--substitute NAME=VALUE ...] [-v | -q] [--version]";

    /// <summary>Runs it.</summary>
    /// <param name="arguments">The words behind <c>in-toto verify</c>.</param>
    /// <param name="directory">The working directory: relative paths start here, and inspections see a copy of it.</param>
    /// <param name="clock">Decides what has expired.</param>
    /// <param name="output">Gets the verdict, unless <c>-q</c> is given.</param>
    /// <param name="error">Gets the reason.</param>
    /// <param name="ct">Ends inspections.</param>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments,
        string directory,
        TimeProvider clock,
        TextWriter output,
        TextWriter error,
        CancellationToken ct)
    {
        if (InTotoVerifyOptions.Parse(arguments, out string reason) is not { } options)
        {
            await error.WriteLineAsync($"{Usage}\nin-toto verify: error: {reason}").ConfigureAwait(false);
            return 2;
        }

        if (options.Help)
        {
            await output.WriteLineAsync(Usage).ConfigureAwait(false);
            return 0;
        }

        if (options.Version)
        {
            string version = typeof(InTotoVerifyCommand).Assembly.GetName().Version!.ToString(3);
            await output.WriteLineAsync($"in-toto verify {version} (in-toto specification 0.9)").ConfigureAwait(false);
            return 0;
        }

        Result<InTotoSummary> verified;
        try
        {
            verified = await VerifyAsync(options, directory, clock, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await SayAsync(options, error, e.Message).ConfigureAwait(false);
            return 1;
        }

        if (!verified.TryGet(out InTotoSummary? summary, out Refusal? why))
        {
            string remedy = why is { Code: RefusalCode.Forbidden, Check: "in-toto.inspection" } ? " (--run-inspections allows it, in a sandbox)" : string.Empty;
            await SayAsync(options, error, why + remedy).ConfigureAwait(false);
            return 1;
        }

        if (!options.Quiet)
        {
            await output.WriteLineAsync($"The software product passed all verification. {summary.Link.Products.Count} products, valid until {summary.Expires:u}").ConfigureAwait(false);
            foreach ((string path, ImmutableSortedDictionary<string, string> hashes) in summary.Link.Products.Where(_ => options.Verbose))
            {
                await output.WriteLineAsync($"  {path} {string.Join(' ', hashes.Select(h => $"{h.Key}:{h.Value}"))}").ConfigureAwait(false);
            }
        }

        return 0;
    }

    private static Task SayAsync(InTotoVerifyOptions options, TextWriter error, string message) =>
        options.Quiet ? Task.CompletedTask : error.WriteLineAsync($"(in-toto verify) {message}");

    private static async ValueTask<Result<InTotoSummary>> VerifyAsync(InTotoVerifyOptions options, string directory, TimeProvider clock, CancellationToken ct)
    {
        byte[] layout = await File.ReadAllBytesAsync(Path.Combine(directory, options.Layout!), ct).ConfigureAwait(false);
        if (!(await ReadKeysAsync(options, directory, ct).ConfigureAwait(false)).TryGet(out ImmutableArray<InTotoKey> keys, out Refusal? why))
        {
            return why;
        }

        var verifier = new InTotoVerifier(clock, options.RunInspections ? new InspectionRunner(options.Timeout) : null);
        var files = new InTotoDirectory(Path.GetFullPath(Path.Combine(directory, options.LinkDirectory)), Path.GetFullPath(directory));
        return await verifier.VerifyAsync(layout, keys, files, options.Parameters, ct).ConfigureAwait(false);
    }

    private static async ValueTask<Result<ImmutableArray<InTotoKey>>> ReadKeysAsync(InTotoVerifyOptions options, string directory, CancellationToken ct)
    {
        if (!options.TypesFit)
        {
            return new Refusal(RefusalCode.Malformed, "give as many key types as keys, or none (then all are rsa)");
        }

        var keys = ImmutableArray.CreateBuilder<InTotoKey>();
        for (int i = 0; i < options.Keys.Count; i++)
        {
            byte[] file = await File.ReadAllBytesAsync(Path.Combine(directory, options.Keys[i]), ct).ConfigureAwait(false);
            if (!InTotoKey.ParseFile(file).TryGet(out InTotoKey? key, out Refusal? why))
            {
                return why.Within(options.Keys[i]);
            }

            if (!key.Scheme.StartsWith(options.TypeOf(i), StringComparison.Ordinal))
            {
                return new Refusal(RefusalCode.Mismatch, $"{options.Keys[i]} is not a key of type {options.TypeOf(i)}, which -t says or leaves as the default");
            }

            keys.Add(key);
        }

        var keyring = new GpgKeyring(options.GpgHome is { } home ? Path.Combine(directory, home) : null);
        foreach (string id in options.GpgKeys)
        {
            if (!(await keyring.FindAsync(id, ct).ConfigureAwait(false)).TryGet(out InTotoKey? key, out Refusal? why))
            {
                return why;
            }

            keys.Add(key);
        }

        return keys.ToImmutable();
    }
}
