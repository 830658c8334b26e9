// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Rego;

/// <summary>Thrown by a host function that does not have what it was asked for: the evaluation ends with <see cref="RegoOutcome.NeedsData"/>.</summary>
public sealed class RegoNeedsDataException : Exception
{
    /// <summary>Names what is missing.</summary>
    public RegoNeedsDataException(params ReadOnlySpan<string> names)
        : base("data is needed") => Names = [.. names];

    /// <summary>Without names.</summary>
    public RegoNeedsDataException()
        : this([])
    {
    }

    /// <summary>With a name.</summary>
    public RegoNeedsDataException(string message)
        : this([message])
    {
    }

    /// <summary>With a name and a cause.</summary>
    public RegoNeedsDataException(string message, Exception innerException)
        : base(message, innerException) => Names = [message];

    /// <summary>What is missing.</summary>
    public ImmutableArray<string> Names { get; }
}
