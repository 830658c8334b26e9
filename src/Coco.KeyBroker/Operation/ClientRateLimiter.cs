// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Net;

namespace Coco.KeyBroker;

/// <summary>A token bucket per client address (IPv6: per /64). Remembers a bounded number of addresses.</summary>
internal sealed class ClientRateLimiter(double perSecond, int burst, TimeProvider time)
{
    private const int MaxClients = 65536;
    private readonly ConcurrentDictionary<IPAddress, Bucket> _buckets = new();

    private sealed class Bucket
    {
        public double Tokens;
        public long At;
    }

    /// <summary>Whether the client may make one more request now.</summary>
    public bool TryTake(IPAddress? client)
    {
        if (perSecond <= 0 || client is null)
        {
            return true;
        }

        long now = time.GetTimestamp();
        Bucket bucket = _buckets.GetOrAdd(Group(client), static (_, state) => new Bucket { Tokens = state.burst, At = state.now }, (burst, now));
        lock (bucket)
        {
            bucket.Tokens = Math.Min(burst, bucket.Tokens + (time.GetElapsedTime(bucket.At, now).TotalSeconds * perSecond));
            bucket.At = now;
            if (bucket.Tokens < 1)
            {
                return false;
            }

            bucket.Tokens--;
        }

        if (_buckets.Count > MaxClients)
        {
            Forget(now);
        }

        return true;
    }

    // A full bucket says nothing that a new one would not.
    private void Forget(long now)
    {
        foreach ((IPAddress client, Bucket bucket) in _buckets)
        {
            if (bucket.Tokens + (time.GetElapsedTime(bucket.At, now).TotalSeconds * perSecond) >= burst)
            {
                _buckets.TryRemove(client, out _);
            }
        }

        if (_buckets.Count > 2 * MaxClients)
        {
            _buckets.Clear();
        }
    }

    private static IPAddress Group(IPAddress client)
    {
        if (client.IsIPv4MappedToIPv6)
        {
            return client.MapToIPv4();
        }

        if (client.AddressFamily != System.Net.Sockets.AddressFamily.InterNetworkV6)
        {
            return client;
        }

        Span<byte> bytes = stackalloc byte[16];
        client.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }
}
