// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins.GraphQl;

/// <summary>A GraphQL document that is malformed or not valid; never leaves the built-in functions.</summary>
internal sealed class GraphQlException(string message, int line = 0, int column = 0) : Exception(message)
{
    /// <summary>The message with its place, where it has one.</summary>
    public string Located => line == 0 ? Message : $"{Message} in GraphQL string at location {line}:{column}";
}
