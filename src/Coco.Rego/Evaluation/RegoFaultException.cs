// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Evaluation;

/// <summary>Ends an evaluation; becomes a <see cref="RegoFault"/>.</summary>
internal sealed class RegoFaultException(string code, string message, RegoLocation? location) : Exception(message)
{
    internal string Code { get; } = code;

    internal RegoLocation? Location { get; } = location;
}
