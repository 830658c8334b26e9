// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco;

/// <summary>Key material or a secret resource: pinned, zeroed on dispose, never printed, compared in constant time.</summary>
/// <remarks>Not thread-safe against a concurrent <see cref="Dispose"/>; reading from several threads is safe.</remarks>
public sealed class Secret : IDisposable
{
    private readonly byte[] _bytes;
    private bool _disposed;

    private Secret(byte[] pinned) => _bytes = pinned;

    /// <summary>Length in bytes.</summary>
    public int Length => _bytes.Length;

    /// <summary>A copy of <paramref name="bytes"/>; the caller keeps and clears its own.</summary>
    public static Secret CopyOf(ReadOnlySpan<byte> bytes)
    {
        byte[] pinned = GC.AllocateUninitializedArray<byte>(bytes.Length, pinned: true);
        bytes.CopyTo(pinned);
        return new Secret(pinned);
    }

    /// <summary>A secret of <paramref name="length"/> bytes that <paramref name="fill"/> writes in place, so that no copy exists.</summary>
    public static Secret Create<TState>(int length, TState state, System.Buffers.SpanAction<byte, TState> fill)
    {
        ArgumentNullException.ThrowIfNull(fill);
        byte[] pinned = GC.AllocateArray<byte>(length, pinned: true);
        fill(pinned, state);
        return new Secret(pinned);
    }

    /// <summary>Fresh bytes of the system's random number generator.</summary>
    public static Secret Random(int length)
    {
        byte[] pinned = GC.AllocateUninitializedArray<byte>(length, pinned: true);
        RandomNumberGenerator.Fill(pinned);
        return new Secret(pinned);
    }

    /// <summary>The bytes. The name makes each use visible in review; do not copy them into something that lives on.</summary>
    /// <exception cref="ObjectDisposedException">The secret was zeroed.</exception>
    public ReadOnlySpan<byte> Reveal()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _bytes;
    }

    /// <summary>The bytes as memory, for APIs that are asynchronous. The same rule as <see cref="Reveal"/>.</summary>
    /// <exception cref="ObjectDisposedException">The secret was zeroed.</exception>
    public ReadOnlyMemory<byte> RevealMemory()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _bytes;
    }

    /// <summary>Equality in constant time (for equal lengths).</summary>
    public bool Matches(ReadOnlySpan<byte> other) => CryptographicOperations.FixedTimeEquals(Reveal(), other);

    /// <inheritdoc/>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_bytes);
        _disposed = true;
    }

    /// <summary>Always <c>[secret]</c>.</summary>
    public override string ToString() => "[secret]";
}
