// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

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
}
