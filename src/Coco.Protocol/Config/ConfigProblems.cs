// SPDX-License-Identifier: Apache-2.0
namespace Coco.Protocol;

/// <summary>All mistakes of a configuration, so that they are reported together.</summary>
public sealed class ConfigProblems
{
    private readonly List<ConfigProblem> _errors = [];
    private readonly List<ConfigProblem> _warnings = [];

    /// <summary>What prevents the start.</summary>
    public IReadOnlyList<ConfigProblem> Errors => _errors;

    /// <summary>What is said at start, and is an error for <c>check-config --strict</c>.</summary>
    public IReadOnlyList<ConfigProblem> Warnings => _warnings;

    /// <summary>Adds an error.</summary>
    public void Error(string path, string found, string allowed) => _errors.Add(new ConfigProblem(path, found, allowed));

    /// <summary>Adds a warning.</summary>
    public void Warn(string path, string found, string allowed) => _warnings.Add(new ConfigProblem(path, found, allowed));
}

/// <summary>One mistake.</summary>
/// <param name="Path">The key, from the top, parts joined with dots.</param>
/// <param name="Found">What is there, in words; never the value of a secret.</param>
/// <param name="Allowed">What may be there.</param>
public sealed record ConfigProblem(string Path, string Found, string Allowed)
{
    /// <summary>One line.</summary>
    public override string ToString() => $"{(Path.Length == 0 ? "(top level)" : Path)}: {Found}; allowed: {Allowed}";
}
