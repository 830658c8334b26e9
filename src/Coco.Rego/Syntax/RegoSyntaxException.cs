// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Syntax;

/// <summary>Leaves the parser of one rule; never leaves the room.</summary>
internal sealed class RegoSyntaxException(string message, int offset) : Exception(message)
{
    internal int Offset { get; } = offset;
}
