// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Coco.KeyBroker;

/// <summary>The keys that seal session cookies, newest first. Immutable.</summary>
internal sealed class SessionKeyRing
{
    public SessionKeyRing(ImmutableArray<SessionKey> keys, long version)
    {
        if (keys.IsDefaultOrEmpty)
        {
            throw new ArgumentException("a ring has at least one key", nameof(keys));
        }

        Keys = keys;
        Version = version;
    }

    public ImmutableArray<SessionKey> Keys { get; }

    /// <summary>Version of the record in the store.</summary>
    public long Version { get; }

    public SessionKey Newest => Keys[0];

    public SessionKey? Find(uint id)
    {
        foreach (SessionKey key in Keys)
        {
            if (key.Id == id)
            {
                return key;
            }
        }

        return null;
    }
}

/// <summary>One key of a <see cref="SessionKeyRing"/>.</summary>
internal sealed record SessionKey(uint Id, Secret Key, DateTimeOffset MadeAt)
{
    /// <summary>Seals and opens with this key.</summary>
    public CookieCiphers Ciphers { get; } = new(Key);

    private readonly Secret _recordKey = RecordKey(Key);

    /// <summary>Code (32 bytes) that says: a replica with this key had the token for the session from its own attestation service.</summary>
    /// <param name="sessionId">32 hexadecimal digits.</param>
    /// <param name="compact">The token's compact text, ASCII.</param>
    public byte[] Authenticate(string sessionId, string compact)
    {
        byte[] input = new byte[sessionId.Length + compact.Length];
        Encoding.ASCII.GetBytes(sessionId, input);
        Encoding.ASCII.GetBytes(compact, input.AsSpan(sessionId.Length));
        return HMACSHA256.HashData(_recordKey.Reveal(), input);
    }

    // A key of its own, since cookies' keys are made from the ring's key in the same way.
    private static Secret RecordKey(Secret ringKey)
    {
        Span<byte> derived = stackalloc byte[32];
        HMACSHA256.HashData(ringKey.Reveal(), "coco kbs session record 1"u8, derived);
        Secret key = Secret.CopyOf(derived);
        CryptographicOperations.ZeroMemory(derived);
        return key;
    }
}
