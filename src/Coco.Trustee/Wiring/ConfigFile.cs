// SPDX-License-Identifier: Apache-2.0
using System.Collections;
using Coco.Protocol;

namespace Coco.Trustee;

/// <summary>Reads a configuration file with what the environment and the command line put over it.</summary>
internal static class ConfigFile
{
    private const string Prefix = "COCO_";

    // Ours, but no keys of the document.
    private static readonly string[] NotKeys = ["COCO_LOG", "COCO_LOG_FORMAT", "COCO_VECTORS"];

    /// <summary>The document; an empty one without a file.</summary>
    /// <param name="path">The file; null for none.</param>
    /// <param name="settings"><c>a.b=c</c>, from the command line.</param>
    /// <param name="syntax">The syntax; null tells it by the file's name.</param>
    /// <exception cref="ArgumentException">The file does not parse, or an overlay is malformed.</exception>
    public static ConfigDocument Read(string? path, IEnumerable<string> settings, ConfigSyntax? syntax = null)
    {
        ConfigDocument document = path is null
            ? new ConfigDocument()
            : Must(ConfigDocument.Parse(File.ReadAllBytes(path), syntax ?? ConfigDocument.SyntaxOf(path)), path);
        IEnumerable<KeyValuePair<string, string>> variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Select(e => new KeyValuePair<string, string>((string)e.Key, (string?)e.Value ?? string.Empty))
            .Where(v => v.Key.StartsWith(Prefix, StringComparison.Ordinal) && !NotKeys.Contains(v.Key))
            .OrderBy(v => v.Key, StringComparer.Ordinal);
        if (document.ApplyEnvironment(variables, Prefix) is { } bad)
        {
            throw new ArgumentException("environment: " + bad.Detail);
        }

        foreach (string setting in settings)
        {
            if (document.ApplySetting(setting) is { } wrong)
            {
                throw new ArgumentException("--set: " + wrong.Detail);
            }
        }

        return document;
    }

    /// <summary>Throws with all mistakes at once when there are any.</summary>
    /// <exception cref="ArgumentException">There are mistakes.</exception>
    public static void Require(ConfigProblems problems, string? path)
    {
        if (problems.Errors.Count > 0)
        {
            throw new ArgumentException($"{path ?? "configuration"} has {problems.Errors.Count} mistake(s):\n  " + string.Join("\n  ", problems.Errors)
                + "\nThe keys are described in docs/configuration.md");
        }
    }

    private static ConfigDocument Must(Result<ConfigDocument> result, string path) =>
        result.TryGet(out ConfigDocument? document, out Refusal? refusal) ? document : throw new ArgumentException($"{path}: {refusal.Detail}");
}
