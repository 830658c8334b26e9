// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace Coco.ReferenceValues.InToto;

/// <summary>
/// The words behind <c>in-toto verify</c>, read as Debian's tool reads its own: <c>--option=value</c>, <c>-ovalue</c>, unambiguous beginnings of long
/// options, several values behind one option. An option that takes several values may stand twice and then adds to them.
/// </summary>
internal sealed class InTotoVerifyOptions
{
    private static readonly string[] LongOptions =
    [
        "--layout", "--layout-keys", "--verification-keys", "--key-types", "--gpg", "--gpg-home", "--link-dir", "--run-inspections",
        "--inspection-timeout", "--substitute", "--verbose", "--quiet", "--version", "--help",
    ];

    private readonly List<string> _types = [];

    private InTotoVerifyOptions()
    {
    }

    /// <summary>The root layout's file; null when it is missing.</summary>
    public string? Layout { get; private set; }

    /// <summary>Public key files.</summary>
    public List<string> Keys { get; } = [];

    /// <summary>Ids of GPG keys.</summary>
    public List<string> GpgKeys { get; } = [];

    /// <summary>GnuPG's directory; null for the user's own.</summary>
    public string? GpgHome { get; private set; }

    /// <summary>Directory with the links.</summary>
    public string LinkDirectory { get; private set; } = ".";

    /// <summary>Parameters of the layout; null without any.</summary>
    public Dictionary<string, string>? Parameters { get; private set; }

    /// <summary>Whether inspections may run.</summary>
    public bool RunInspections { get; private set; }

    /// <summary>How long one inspection may take.</summary>
    public TimeSpan Timeout { get; private set; } = TimeSpan.FromSeconds(10);

    /// <summary>List the products.</summary>
    public bool Verbose { get; private set; }

    /// <summary>Say nothing.</summary>
    public bool Quiet { get; private set; }

    /// <summary>Only show the usage.</summary>
    public bool Help { get; private set; }

    /// <summary>Only show the version.</summary>
    public bool Version { get; private set; }

    /// <summary>Whether there are as many types as keys, or none at all.</summary>
    public bool TypesFit => _types.Count == 0 || _types.Count == Keys.Count;

    /// <summary>The type of a key file: <c>rsa</c> unless told otherwise.</summary>
    public string TypeOf(int key) => _types.Count == 0 ? "rsa" : _types[key];

    /// <summary>Reads the words; null for wrong usage, with the reason.</summary>
    public static InTotoVerifyOptions? Parse(IReadOnlyList<string> words, out string reason)
    {
        var options = new InTotoVerifyOptions();
        var left = new Queue<string>(words);
        reason = string.Empty;
        while (left.TryDequeue(out string? word))
        {
            (string name, string? attached) = Split(word);
            if (options.Take(name, attached, left) is { } wrong)
            {
                reason = wrong;
                return null;
            }

            if (options.Help || options.Version)
            {
                return options;
            }
        }

        reason = options switch
        {
            { Layout: null } => "the following arguments are required: -l/--layout",
            { Keys.Count: 0, GpgKeys.Count: 0 } => "wrong arguments: give at least one of '--layout-keys path [path ...]' or '--gpg id [id ...]'",
            { Verbose: true, Quiet: true } => "argument -q/--quiet: not allowed with argument -v/--verbose",
            _ => string.Empty,
        };
        return reason.Length == 0 ? options : null;
    }

    // -x, -xvalue, --name, --name=value, or a beginning of --name that fits only one.
    private static (string Name, string? Attached) Split(string word)
    {
        if (!word.StartsWith("--", StringComparison.Ordinal))
        {
            return word.Length > 2 && word[0] == '-' ? (word[..2], word[2..]) : (word, null);
        }

        int equals = word.IndexOf('=', StringComparison.Ordinal);
        string given = equals < 0 ? word : word[..equals];
        string[] fits = LongOptions.Contains(given) ? [given] : [.. LongOptions.Where(o => o.StartsWith(given, StringComparison.Ordinal))];
        return (fits.Length == 1 ? fits[0] : given, equals < 0 ? null : word[(equals + 1)..]);
    }

    private static List<string> Values(string? attached, Queue<string> left, bool several)
    {
        List<string> taken = attached is null ? [] : [attached];
        while (attached is null && (several || taken.Count == 0) && left.TryPeek(out string? next) && !(next.Length > 1 && next[0] == '-'))
        {
            taken.Add(left.Dequeue());
        }

        return taken;
    }

    // Null, or what is wrong.
    private string? Take(string name, string? attached, Queue<string> left)
    {
        switch (name)
        {
            case "-h" or "--help" when attached is null:
                Help = true;
                return null;
            case "--version" when attached is null:
                Version = true;
                return null;
            case "-v" or "--verbose" when attached is null:
                Verbose = true;
                return null;
            case "-q" or "--quiet" when attached is null:
                Quiet = true;
                return null;
            case "--run-inspections" when attached is null:
                RunInspections = true;
                return null;
        }

        bool several = name is "-k" or "--layout-keys" or "--verification-keys" or "-g" or "--gpg" or "-t" or "--key-types" or "--substitute";
        bool single = name is "-l" or "--layout" or "--link-dir" or "--gpg-home" or "--inspection-timeout";
        if (!several && !single)
        {
            return $"unrecognized arguments: {name}";
        }

        List<string> values = Values(attached, left, several);
        return values.Count == 0 ? $"argument {name}: expected a value" : Set(name, values);
    }

    private string? Set(string name, List<string> values)
    {
        switch (name)
        {
            case "-l" or "--layout":
                Layout = values[0];
                return null;
            case "-k" or "--layout-keys" or "--verification-keys":
                Keys.AddRange(values);
                return null;
            case "-g" or "--gpg":
                GpgKeys.AddRange(values);
                return null;
            case "--gpg-home":
                GpgHome = values[0];
                return null;
            case "-t" or "--key-types":
                _types.AddRange(values);
                return values.Find(v => v is not ("rsa" or "ed25519" or "ecdsa")) is { } type
                    ? $"argument -t/--key-types: invalid choice: '{type}' (choose from 'rsa', 'ed25519', 'ecdsa')"
                    : null;
            case "--link-dir":
                LinkDirectory = values[0];
                return null;
            case "--inspection-timeout":
                if (!int.TryParse(values[0], NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) || seconds is 0 or > 86400)
                {
                    return $"argument --inspection-timeout: '{values[0]}' is not between 1 and 86400 seconds";
                }

                Timeout = TimeSpan.FromSeconds(seconds);
                return null;
            default:
                Parameters ??= new Dictionary<string, string>(StringComparer.Ordinal);
                foreach (string pair in values)
                {
                    int equals = pair.IndexOf('=', StringComparison.Ordinal);
                    if (equals <= 0)
                    {
                        return $"argument --substitute: '{pair}' is not NAME=VALUE";
                    }

                    Parameters[pair[..equals]] = pair[(equals + 1)..];
                }

                return null;
        }
    }
}
