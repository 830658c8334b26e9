// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Coco.Rego.Compilation;
using Coco.Rego.Syntax;

namespace Coco.Rego;

/// <summary>Compiles several modules into one program. Not thread-safe.</summary>
/// <param name="options">How modules are read; null for the defaults.</param>
public sealed class RegoCompiler(RegoCompileOptions? options = null)
{
    private readonly RegoCompileOptions _options = options ?? RegoCompileOptions.Default;
    private readonly List<(string Name, string Source)> _sources = [];
    private readonly List<Module> _modules = [];
    private readonly List<RegoDiagnostic> _errors = [];

    /// <summary>Adds a module; what is wrong with its text is told by <see cref="Compile"/>.</summary>
    /// <param name="name">Names the module in errors: a file name.</param>
    /// <param name="source">The text.</param>
    public RegoCompiler Add(string name, string source)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(source);
        _sources.Add((name, source));
        ParseOutcome outcome = Parser.ParseModule(name, source, _options.Version, _options.MaxSourceLength);
        if (outcome.Module is not null)
        {
            _modules.Add(outcome.Module);
        }

        _errors.AddRange(outcome.Errors);
        return this;
    }

    /// <summary>Compiles all modules that were added.</summary>
    public RegoCompilation Compile()
    {
        if (_errors.Count > 0)
        {
            return new RegoCompilation(null, Sorted(_errors));
        }

        var builder = new ProgramBuilder(_options, _modules);
        bool built;
        try
        {
            built = builder.Build();
        }
        catch (InsufficientExecutionStackException)
        {
            return new RegoCompilation(null, [new RegoDiagnostic(RegoErrorCodes.Compile, "source nests too deeply", new RegoLocation(_sources[0].Name, 1, 1))]);
        }
        catch (Exception e) when (e is RegoValueTooDeepException or RegoValueTooLargeException)
        {
            return new RegoCompilation(null, [new RegoDiagnostic(RegoErrorCodes.Compile, e.Message, new RegoLocation(_sources[0].Name, 1, 1))]);
        }

        return built ? new RegoCompilation(new RegoProgram(builder, Hash()), []) : new RegoCompilation(null, Sorted(builder.Errors));
    }

    private static ImmutableArray<RegoDiagnostic> Sorted(IEnumerable<RegoDiagnostic> errors) =>
        [.. errors.Distinct().OrderBy(static e => e.Location.File, StringComparer.Ordinal).ThenBy(static e => e.Location.Row).ThenBy(static e => e.Location.Column)];

    private string Hash()
    {
        if (_sources.Count == 1)
        {
            return Convert.ToHexStringLower(SHA384.HashData(Encoding.UTF8.GetBytes(_sources[0].Source)));
        }

        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);
        foreach ((_, string source) in _sources)
        {
            hash.AppendData(SHA384.HashData(Encoding.UTF8.GetBytes(source)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
