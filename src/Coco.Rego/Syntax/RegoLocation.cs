// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>A place in a source.</summary>
/// <param name="File">The name under which the source was given.</param>
/// <param name="Row">Line, counted from 1.</param>
/// <param name="Column">Character in the line, counted from 1.</param>
public readonly record struct RegoLocation(string File, int Row, int Column)
{
    /// <inheritdoc/>
    public override string ToString() => $"{File}:{Row}:{Column}";
}
