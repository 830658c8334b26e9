// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Coco.Rego;

namespace Coco.Cli.Rego;

/// <summary>Options that the commands about policies share, and what they give.</summary>
internal sealed class PolicyOptions
{
    private readonly Option<string[]> _data = new("--data", "-d")
    {
        Description = "Policy (.rego) or data (.json, .yaml) file, or a directory of them; may be given several times",
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string?> _input = new("--input", "-i") { Description = "File with the input in JSON or YAML; - is standard input" };

    private readonly Option<bool> _standardInput = new("--stdin-input", "-I") { Description = "Read the input from standard input" };

    private readonly Option<string?> _referenceValues = new("--reference-values")
    {
        Description = "JSON object from name to value: what query_reference_value answers",
    };

    private readonly Option<bool> _strict = new("--strict-builtin-errors", "-S") { Description = "An error of a built-in function ends the evaluation" };

    private readonly Option<bool> _v0 = new("--v0-compatible") { Description = "Read all modules as v0" };

    private readonly Option<bool> _network = new("--allow-net") { Description = "Let policies resolve names (net.lookup_ip_addr)" };

    private readonly Option<long> _steps = new("--max-steps")
    {
        Description = "Steps after which an evaluation is ended",
        DefaultValueFactory = _ => 100_000_000,
    };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command, bool withInput)
    {
        command.Options.Add(_data);
        command.Options.Add(_referenceValues);
        command.Options.Add(_strict);
        command.Options.Add(_v0);
        command.Options.Add(_network);
        command.Options.Add(_steps);
        if (withInput)
        {
            command.Options.Add(_input);
            command.Options.Add(_standardInput);
        }
    }

    /// <summary>Reads and compiles the modules of the command line.</summary>
    /// <exception cref="CommandFailedException">A file cannot be read, or a module does not compile.</exception>
    public async Task<PolicySet> LoadAsync(ParseResult result, IEnumerable<string>? paths = null, CancellationToken ct = default)
    {
        var files = await PolicyFiles.ReadAsync(paths ?? result.GetValue(_data) ?? [], ct).ConfigureAwait(false);
        var options = RegoCompileOptions.Default with
        {
            Version = result.GetValue(_v0) ? RegoVersion.V0 : RegoVersion.V1OrV0,
            Grants = RegoGrants.Clock | RegoGrants.Random | RegoGrants.Runtime | (result.GetValue(_network) ? RegoGrants.NameResolution : RegoGrants.None),
            Data = files.Data,
        };
        var compiler = new RegoCompiler(options);
        foreach (var (name, source) in files.Modules)
        {
            compiler.Add(name, source);
        }

        return new PolicySet(files, compiler.Compile());
    }

    /// <summary>What an evaluation is given.</summary>
    public async Task<RegoRequest> RequestAsync(ParseResult result, PolicySet policies, Action<string>? print, CancellationToken ct)
    {
        var references = await ReferencesAsync(result, ct).ConfigureAwait(false);
        return new RegoRequest
        {
            Input = await InputAsync(result, ct).ConfigureAwait(false),
            Data = policies.Files.Data,
            StrictBuiltinErrors = result.GetValue(_strict),
            Limits = RegoLimits.Default with { MaxSteps = result.GetValue(_steps), MaxValues = result.GetValue(_steps) },
            Functions = new Dictionary<string, RegoHostFunction>(StringComparer.Ordinal)
            {
                ["query_reference_value"] = arguments => references.Lookup(arguments[0]) ?? RegoValue.Null,
            },
            Host = new RegoHost { Print = print, LookupAddresses = Resolve, Runtime = RegoObject.Empty },
            Cancellation = ct,
        };
    }

    private static IReadOnlyList<string>? Resolve(string name)
    {
        try
        {
            return [.. Dns.GetHostAddresses(name).Select(static address => address.ToString()).Distinct(StringComparer.Ordinal)];
        }
        catch (SocketException)
        {
            return null;
        }
    }

    private async Task<RegoValue?> InputAsync(ParseResult result, CancellationToken ct)
    {
        var path = result.GetValue(_input);
        if (result.GetValue(_standardInput) || path == "-")
        {
            return PolicyFiles.ParseDocument("standard input", await Console.In.ReadToEndAsync(ct).ConfigureAwait(false));
        }

        return path is null ? null : PolicyFiles.ParseDocument(path, await File.ReadAllTextAsync(path, ct).ConfigureAwait(false));
    }

    private async Task<KnownReferences> ReferencesAsync(ParseResult result, CancellationToken ct)
    {
        if (result.GetValue(_referenceValues) is not { } path)
        {
            return new KnownReferences(RegoObject.Of());
        }

        return PolicyFiles.ParseDocument(path, await File.ReadAllTextAsync(path, ct).ConfigureAwait(false)) is RegoObject members
            ? new KnownReferences(members)
            : throw new CommandFailedException($"{path}: reference values are an object");
    }

    private sealed record KnownReferences(RegoObject Members)
    {
        public RegoValue? Lookup(RegoValue name) => Members.TryGetValue(name, out var value) ? value : null;
    }
}
