// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.ReferenceValues.InToto;

/// <summary>
/// <c>in-toto verify</c> as a command, with the options and exit codes of Debian's <c>in-toto-verify</c>: 0 the chain holds, 1 it does not, 2 wrong
/// usage. One difference: inspections run only with <c>--run-inspections</c>, and then in a scratch copy of the working directory.
/// </summary>
public static class InTotoVerifyCommand
{
    /// <summary>What the command understands.</summary>
    public const string Usage =
        "usage: in-toto verify -l LAYOUT -k KEY [KEY ...] [-t TYPE [TYPE ...]] [--link-dir DIR] [--run-inspections] [--inspection-timeout SECONDS]\n"
        + "                      [--substitute NAME=VALUE ...] [-v] [-q]";

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
        if (Options.Parse(arguments) is not { } options)
        {
            await error.WriteLineAsync(Usage).ConfigureAwait(false);
            return 2;
        }

        if (options.Help)
        {
            await output.WriteLineAsync(Usage).ConfigureAwait(false);
            return 0;
        }

        Result<InTotoSummary> verified;
        try
        {
            verified = await VerifyAsync(options, directory, clock, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync($"(in-toto verify) {e.Message}").ConfigureAwait(false);
            return 1;
        }

        if (!verified.TryGet(out InTotoSummary? summary, out Refusal? why))
        {
            await error.WriteLineAsync($"(in-toto verify) {why}").ConfigureAwait(false);
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

    private static async ValueTask<Result<InTotoSummary>> VerifyAsync(Options options, string directory, TimeProvider clock, CancellationToken ct)
    {
        var keys = ImmutableArray.CreateBuilder<InTotoKey>();
        for (int i = 0; i < options.Keys.Count; i++)
        {
            byte[] file = await File.ReadAllBytesAsync(Path.Combine(directory, options.Keys[i]), ct).ConfigureAwait(false);
            if (!InTotoKey.ParseFile(file).TryGet(out InTotoKey? key, out Refusal? why))
            {
                return why.Within(options.Keys[i]);
            }

            string type = options.Types.Count == 0 ? string.Empty : options.Types[Math.Min(i, options.Types.Count - 1)];
            if (type.Length > 0 && !key.Scheme.StartsWith(type, StringComparison.Ordinal))
            {
                return new Refusal(RefusalCode.Mismatch, $"{options.Keys[i]} is not a key of type {type}");
            }

            keys.Add(key);
        }

        byte[] layout = await File.ReadAllBytesAsync(Path.Combine(directory, options.Layout), ct).ConfigureAwait(false);
        var verifier = new InTotoVerifier(clock, options.RunInspections ? new InspectionRunner(options.Timeout) : null);
        var files = new InTotoDirectory(Path.GetFullPath(Path.Combine(directory, options.LinkDirectory)), Path.GetFullPath(directory));
        return await verifier.VerifyAsync(layout, keys.ToImmutable(), files, options.Parameters, ct).ConfigureAwait(false);
    }

    private sealed class Options
    {
        public string Layout { get; private set; } = string.Empty;

        public List<string> Keys { get; } = [];

        public List<string> Types { get; } = [];

        public string LinkDirectory { get; private set; } = ".";

        public Dictionary<string, string>? Parameters { get; private set; }

        public bool RunInspections { get; private set; }

        public TimeSpan Timeout { get; private set; } = TimeSpan.FromSeconds(10);

        public bool Verbose { get; private set; }

        public bool Quiet { get; private set; }

        public bool Help { get; private set; }

        public static Options? Parse(IReadOnlyList<string> words)
        {
            var options = new Options();
            int at = 0;
            while (at < words.Count)
            {
                string word = words[at++];
                switch (word)
                {
                    case "-h" or "--help":
                        options.Help = true;
                        return options;
                    case "-v" or "--verbose":
                        options.Verbose = true;
                        break;
                    case "-q" or "--quiet":
                        options.Quiet = true;
                        break;
                    case "--run-inspections":
                        options.RunInspections = true;
                        break;
                    case "-l" or "--layout":
                        if (Take(words, ref at, 1) is not [{ } layout])
                        {
                            return null;
                        }

                        options.Layout = layout;
                        break;
                    case "-k" or "--layout-keys" or "--verification-keys":
                        options.Keys.AddRange(Take(words, ref at, int.MaxValue));
                        break;
                    case "-t" or "--key-types":
                        options.Types.AddRange(Take(words, ref at, int.MaxValue));
                        break;
                    case "--link-dir":
                        if (Take(words, ref at, 1) is not [{ } directory])
                        {
                            return null;
                        }

                        options.LinkDirectory = directory;
                        break;
                    case "--inspection-timeout":
                        if (Take(words, ref at, 1) is not [{ } seconds]
                            || !int.TryParse(seconds, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int s) || s is 0 or > 86400)
                        {
                            return null;
                        }

                        options.Timeout = TimeSpan.FromSeconds(s);
                        break;
                    case "--substitute":
                        options.Parameters ??= new Dictionary<string, string>(StringComparer.Ordinal);
                        foreach (string pair in Take(words, ref at, int.MaxValue))
                        {
                            int equals = pair.IndexOf('=', StringComparison.Ordinal);
                            if (equals <= 0)
                            {
                                return null;
                            }

                            options.Parameters[pair[..equals]] = pair[(equals + 1)..];
                        }

                        break;
                    default:
                        return null;
                }
            }

            bool typesFit = options.Types.Count <= 1 || options.Types.Count == options.Keys.Count;
            bool typesKnown = options.Types.TrueForAll(t => t is "rsa" or "ed25519" or "ecdsa");
            return options.Layout.Length > 0 && options.Keys.Count > 0 && typesFit && typesKnown ? options : null;
        }

        private static List<string> Take(IReadOnlyList<string> words, ref int at, int most)
        {
            var taken = new List<string>();
            while (taken.Count < most && at < words.Count && !(words[at].Length > 1 && words[at][0] == '-'))
            {
                taken.Add(words[at++]);
            }

            return taken;
        }
    }
}
