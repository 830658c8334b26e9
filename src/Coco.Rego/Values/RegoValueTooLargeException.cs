// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>A value would have more than <see cref="RegoValue.MaxSize"/> parts. Evaluations turn it into a limit fault.</summary>
public sealed class RegoValueTooLargeException : Exception
{
    /// <summary>With the standing message.</summary>
    public RegoValueTooLargeException()
        : base($"value has more than {RegoValue.MaxSize} parts")
    {
    }

    /// <summary>With a message.</summary>
    public RegoValueTooLargeException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public RegoValueTooLargeException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
