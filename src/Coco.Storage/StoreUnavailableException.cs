// SPDX-License-Identifier: Apache-2.0
namespace Coco.Storage;

/// <summary>The store is down, full or damaged: nothing a peer did. Answered with 503 and Retry-After.</summary>
public sealed class StoreUnavailableException : Exception
{
    /// <summary>Says what could not be done, for the log: never a connection string, and never sent to a peer.</summary>
    public StoreUnavailableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
