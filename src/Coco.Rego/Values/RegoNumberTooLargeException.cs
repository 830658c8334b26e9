// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>A number would have more than <see cref="RegoNumber.MaxDigits"/> digits. Evaluations turn it into a limit fault.</summary>
public sealed class RegoNumberTooLargeException : ArithmeticException
{
    /// <summary>With the standing message.</summary>
    public RegoNumberTooLargeException()
        : base($"number has more than {RegoNumber.MaxDigits} digits")
    {
    }

    /// <summary>With a message.</summary>
    public RegoNumberTooLargeException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public RegoNumberTooLargeException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
