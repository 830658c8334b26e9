// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>Something wrong with a module.</summary>
/// <param name="Code">One of <see cref="RegoErrorCodes"/>.</param>
/// <param name="Message">What is wrong, with the construct it concerns.</param>
/// <param name="Location">Where.</param>
public sealed record RegoDiagnostic(string Code, string Message, RegoLocation Location)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Location}: {Code}: {Message}";
}
