// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Launch;

/// <summary>Command lines near a given one: what editors, shells, YAML and boot loaders do to them, each with what differs in words.</summary>
internal static class CommandLineVariants
{
    // What kata, systemd and boot loaders add most often.
    private static readonly string[] Additions =
    [
        "quiet", "ro", "rw", "console=ttyS0", "console=hvc0", "debug", "panic=1", "systemd.unified_cgroup_hierarchy=1", "agent.log=debug", "agent.debug_console",
        "initrd=initrd",
    ];

    /// <summary>The variants; none of them is the given line, none comes twice.</summary>
    public static IEnumerable<(string Line, string Change)> Of(string given)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal) { given };
        foreach ((string line, string change) in (IEnumerable<(string, string)>)[.. Ends(given), .. Quotes(given), .. Words(given)])
        {
            if (seen.Add(line))
            {
                yield return (line, change);
            }
        }
    }

    private static IEnumerable<(string Line, string Change)> Ends(string given)
    {
        yield return (given + "\n", "when the command line ends in a newline");
        yield return (given + "\r\n", "when the command line ends in a carriage return and a newline");
        yield return (given + " ", "when the command line ends in a space");
        yield return (given + "\t", "when the command line ends in a tab");
        yield return (given + "\n\n", "when the command line ends in two newlines");
        yield return (given + "\0", "when the command line ends in a NUL of its own");
        yield return (" " + given, "when the command line begins with a space");
        yield return ("\t" + given, "when the command line begins with a tab");
        yield return ("\n" + given, "when the command line begins with a newline");
        yield return ("\uFEFF" + given, "when the command line begins with a byte order mark");
        yield return (given.TrimEnd('\n', '\r'), "when the command line does not end in a newline");
        yield return (given.Trim(), "when white space around the command line is removed");
        yield return (string.Join(' ', given.Split([' ', '\t', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)), "when repeated spaces in the command line are one");
        yield return (string.Empty, "without the command line");
    }

    private static IEnumerable<(string Line, string Change)> Quotes(string given)
    {
        yield return ($"\"{given}\"", "when the command line stands in double quotes");
        yield return ($"'{given}'", "when the command line stands in single quotes");
        yield return (given.Trim('"', '\''), "when quotes around the command line are removed");
        yield return (given.Replace("\"", string.Empty, StringComparison.Ordinal), "when the double quotes in the command line are removed");
        yield return (given.Replace("'", string.Empty, StringComparison.Ordinal), "when the single quotes in the command line are removed");
        yield return (given.Replace("\"", "\\\"", StringComparison.Ordinal), "when the double quotes in the command line are escaped");
        yield return (given.Replace("\"", "'", StringComparison.Ordinal), "when the double quotes in the command line are single ones");
        yield return (given.Replace("'", "\"", StringComparison.Ordinal), "when the single quotes in the command line are double ones");
    }

    private static IEnumerable<(string Line, string Change)> Words(string given)
    {
        string[] words = given.Split(' ');
        string With(int at, string word) => string.Join(' ', words.Select((w, i) => i == at ? word : w));
        for (int i = 0; i < words.Length; i++)
        {
            string word = words[i];
            yield return (string.Join(' ', words.Where((_, n) => n != i)), $"without '{word}' in the command line");
            yield return (With(i, word + " " + word), $"with '{word}' twice in the command line");
            yield return (With(i, $"\"{word}\""), $"with '{word}' in double quotes in the command line");
            yield return (With(i, $"'{word}'"), $"with '{word}' in single quotes in the command line");
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals >= 0)
            {
                yield return (With(i, $"{word[..(equals + 1)]}\"{word[(equals + 1)..]}\""), $"with the value of '{word}' in double quotes in the command line");
            }

            if (i > 0)
            {
                yield return (With(i, " " + word), $"with two spaces before '{word}' in the command line");
                yield return (string.Join(' ', words[..i]) + "\t" + string.Join(' ', words[i..]), $"with a tab before '{word}' in the command line");
                yield return (string.Join(' ', words[..i]) + "\n" + string.Join(' ', words[i..]), $"with a newline before '{word}' in the command line");
            }
        }

        for (int i = 0; i + 1 < words.Length; i++)
        {
            string[] exchanged = [.. words];
            (exchanged[i], exchanged[i + 1]) = (exchanged[i + 1], exchanged[i]);
            yield return (string.Join(' ', exchanged), $"with '{words[i]}' and '{words[i + 1]}' exchanged in the command line");
        }

        foreach (string word in Additions)
        {
            yield return (given.Length == 0 ? word : given + " " + word, $"with '{word}' at the end of the command line");
        }
    }
}
