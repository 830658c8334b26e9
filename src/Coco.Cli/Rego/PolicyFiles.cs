// SPDX-License-Identifier: Apache-2.0
using Coco.Rego;

namespace Coco.Cli.Rego;

/// <summary>Policies and data that were read from files.</summary>
/// <param name="Modules">Name and text of each module.</param>
/// <param name="Data">All data merged; a file in a directory that was named stands below the path of its directory.</param>
internal sealed record PolicyFiles(IReadOnlyList<(string Name, string Source)> Modules, RegoObject Data)
{
    private static readonly RegoProgram Empty = new RegoCompiler().Compile().Program!;

    /// <summary>Reads files, and directories with all that is in them.</summary>
    /// <exception cref="CommandFailedException">A path does not exist or holds something else.</exception>
    public static async Task<PolicyFiles> ReadAsync(IEnumerable<string> paths, CancellationToken ct)
    {
        var modules = new List<(string Name, string Source)>();
        var data = RegoObject.Of();
        foreach (var path in paths)
        {
            if (!Directory.Exists(path))
            {
                data = await AddAsync(path, [], modules, data, ct).ConfigureAwait(false);
                continue;
            }

            foreach (var file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            {
                if (Path.GetExtension(file) is ".rego" or ".json" or ".yaml" or ".yml")
                {
                    var below = Path.GetRelativePath(path, Path.GetDirectoryName(file)!);
                    string[] prefix = below == "." ? [] : below.Split(Path.DirectorySeparatorChar);
                    data = await AddAsync(file, prefix, modules, data, ct).ConfigureAwait(false);
                }
            }
        }

        return new PolicyFiles(modules, data);
    }

    /// <summary>Reads JSON, or YAML where it is not JSON.</summary>
    /// <exception cref="CommandFailedException">The text is neither.</exception>
    public static RegoValue ParseDocument(string name, string text)
    {
        if (RegoValue.ParseJson(text).TryGet(out var value, out var refusal))
        {
            return value;
        }

        if (Path.GetExtension(name) == ".json")
        {
            throw new CommandFailedException($"{name}: {refusal.Detail}");
        }

        var evaluation = Empty.EvaluateQuery("document := yaml.unmarshal(input)", new RegoRequest { Input = text, StrictBuiltinErrors = true });
        return evaluation.Value is RegoArray { Count: 1 } solutions && solutions[0] is RegoObject bindings && bindings.Get("document") is { } document
            ? document
            : throw new CommandFailedException($"{name}: {evaluation.Fault?.Message ?? refusal.Detail}");
    }

    private static async Task<RegoObject> AddAsync(
        string file, string[] prefix, List<(string Name, string Source)> modules, RegoObject data, CancellationToken ct)
    {
        var text = await File.ReadAllTextAsync(file, ct).ConfigureAwait(false);
        if (Path.GetExtension(file) == ".rego")
        {
            modules.Add((file, text));
            return data;
        }

        if (Path.GetExtension(file) is not (".json" or ".yaml" or ".yml"))
        {
            throw new CommandFailedException($"{file}: a policy ends in .rego, data in .json or .yaml");
        }

        var document = ParseDocument(file, text);
        foreach (var name in prefix.Reverse())
        {
            document = RegoObject.Of((name, document));
        }

        return document is RegoObject members ? Merge(file, data, members) : throw new CommandFailedException($"{file}: data is an object");
    }

    private static RegoObject Merge(string file, RegoObject left, RegoObject right)
    {
        var result = left;
        for (var i = 0; i < right.Count; i++)
        {
            var (key, value) = (right.Keys[i], right.Values[i]);
            if (left.TryGetValue(key, out var present))
            {
                value = present is RegoObject a && value is RegoObject b
                    ? Merge(file, a, b)
                    : throw new CommandFailedException($"{file}: {key} is in the data already");
            }

            result = result.With(key, value);
        }

        return result;
    }
}
