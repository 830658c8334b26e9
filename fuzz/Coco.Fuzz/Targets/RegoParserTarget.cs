// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Rego;

namespace Coco.Fuzz.Targets;

/// <summary>Any text as a module: parsed, compiled, and formatted where it is one; formatting twice changes nothing.</summary>
public sealed class RegoParserTarget : IFuzzTarget
{
    /// <inheritdoc/>
    public string Name => "rego-parser";

    /// <inheritdoc/>
    public IReadOnlyList<byte[]> Seeds => RegoSources.All;

    /// <inheritdoc/>
    public void Run(ReadOnlySpan<byte> input)
    {
        string source = Encoding.UTF8.GetString(input);
        RegoCompilation compilation = new RegoCompiler().Add("fuzz.rego", source).Compile();
        if (compilation.Program is null && compilation.Errors.IsEmpty)
        {
            throw new InvalidOperationException("neither a program nor an error");
        }

        if (RegoFormatter.Format(source, "fuzz.rego").TryGet(out string? once, out _) && RegoFormatter.Format(once, "fuzz.rego").Require() != once)
        {
            throw new InvalidOperationException("formatting is not stable");
        }
    }
}
