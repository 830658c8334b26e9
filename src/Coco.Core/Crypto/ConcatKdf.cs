// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Coco;

/// <summary>The Concat key derivation function with SHA-256, as JOSE parametrises it (RFC 7518 section 4.6.2; NIST SP 800-56A section 5.8.1).</summary>
public static class ConcatKdf
{
    /// <summary>Fills <paramref name="key"/>, at most 32 bytes (one round).</summary>
    /// <param name="sharedSecret">Z, in the length of the curve's field.</param>
    /// <param name="algorithmId">The JOSE name that AlgorithmID holds.</param>
    /// <param name="partyUInfo">The decoded <c>apu</c>; empty when absent.</param>
    /// <param name="partyVInfo">The decoded <c>apv</c>; empty when absent.</param>
    /// <param name="key">Where the key goes; its length is part of what is hashed.</param>
    /// <exception cref="ArgumentException">More than 32 bytes are wanted.</exception>
    public static void Derive(ReadOnlySpan<byte> sharedSecret, string algorithmId, ReadOnlySpan<byte> partyUInfo, ReadOnlySpan<byte> partyVInfo, Span<byte> key)
    {
        ArgumentNullException.ThrowIfNull(algorithmId);
        if (key.Length > SHA256.HashSizeInBytes)
        {
            throw new ArgumentException("more than one round is not needed by any algorithm here", nameof(key));
        }

        int length = 4 + sharedSecret.Length + 4 + algorithmId.Length + 4 + partyUInfo.Length + 4 + partyVInfo.Length + 4;
        Span<byte> input = length <= 512 ? stackalloc byte[length] : new byte[length];
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt32BigEndian(input, 1);
        Span<byte> at = input[4..];
        sharedSecret.CopyTo(at);
        at = at[sharedSecret.Length..];
        BinaryPrimitives.WriteInt32BigEndian(at, algorithmId.Length);
        at = at[(4 + Encoding.ASCII.GetBytes(algorithmId, at[4..]))..];
        at = Put(partyUInfo, at);
        at = Put(partyVInfo, at);
        BinaryPrimitives.WriteInt32BigEndian(at, key.Length * 8);
        SHA256.HashData(input, digest);
        digest[..key.Length].CopyTo(key);
        CryptographicOperations.ZeroMemory(input);
        CryptographicOperations.ZeroMemory(digest);
    }

    private static Span<byte> Put(ReadOnlySpan<byte> value, Span<byte> at)
    {
        BinaryPrimitives.WriteInt32BigEndian(at, value.Length);
        value.CopyTo(at[4..]);
        return at[(4 + value.Length)..];
    }
}
