// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>A value would nest deeper than <see cref="RegoValue.MaxDepth"/>. Evaluations turn it into a limit fault.</summary>
public sealed class RegoValueTooDeepException : Exception
{
    /// <summary>With the standing message.</summary>
    public RegoValueTooDeepException()
        : base($"value nests deeper than {RegoValue.MaxDepth} levels")
    {
    }

    /// <summary>With a message.</summary>
    public RegoValueTooDeepException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public RegoValueTooDeepException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
