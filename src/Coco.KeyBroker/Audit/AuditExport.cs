// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Coco.Protocol;
using Coco.Storage;

namespace Coco.KeyBroker;

/// <summary>Reads the audit chain out of a store: to check it, or as JSON lines for another place.</summary>
public static class AuditExport
{
    /// <summary>Checks the chain in a store against the store's own key, or against <paramref name="publicKeyPem"/> when an administrator kept that elsewhere.</summary>
    public static async ValueTask<Result<AuditSummary>> VerifyAsync(IStoreProvider stores, string? publicKeyPem, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(stores);
        string? pem = publicKeyPem ?? await FindPublicKeyAsync(stores, ct);
        if (pem is not null)
        {
            return await AuditVerifier.VerifyAsync(ReadLinesAsync(stores, ct), pem, ct);
        }

        await foreach (string _ in ReadLinesAsync(stores, ct))
        {
            return new Refusal(RefusalCode.NotFound, "there is no key to check the heads with");
        }

        return new AuditSummary(0, 0, AuditChain.Nothing, null);
    }

    /// <summary>The chain as JSON lines: events, heads between them, and as last line the head that the store keeps apart.</summary>
    public static IAsyncEnumerable<string> ReadLinesAsync(IStoreProvider stores, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(stores);
        return ReadLinesAsync(new KeyBrokerStores(stores), ct);
    }

    /// <summary>The PEM public key that heads are signed with; null before the first event. Keep a copy where nobody who can write the store can write.</summary>
    public static ValueTask<string?> FindPublicKeyAsync(IStoreProvider stores, CancellationToken ct) => AuditKey.FindPublicPemAsync(new KeyBrokerStores(stores), ct);

    internal static async IAsyncEnumerable<string> ReadLinesAsync(KeyBrokerStores stores, [EnumeratorCancellation] CancellationToken ct)
    {
        IKeyValueStore store = await stores.AuditAsync(ct);

        // Before the segments are: what is written meanwhile is then not taken for cut off.
        StoredValue? head = await store.GetAsync(AuditChain.HeadKey, ct);
        long last = 0;
        long anchored = 0;
        if (await store.GetAsync(AuditChain.AnchorKey, ct) is { } anchor)
        {
            string line = Encoding.UTF8.GetString(anchor.Value.Span);
            anchored = NumberOf(line, "anchor"u8) ?? 0;
            yield return line;
        }

        await foreach (string key in store.ListAsync(AuditChain.SegmentPrefix, ct))
        {
            // What was given up and not yet removed does not belong to the chain any more.
            if (string.CompareOrdinal(key, AuditChain.SegmentKey(anchored + 1)) < 0)
            {
                continue;
            }

            if (await store.GetAsync(key, ct) is not { } segment)
            {
                continue;
            }

            foreach (string line in Encoding.UTF8.GetString(segment.Value.Span).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                last = NumberOf(line, "seq"u8) ?? last;
                yield return line;
            }
        }

        // One that is behind is what a crash between the two writes leaves.
        if (head is { } kept)
        {
            string line = Encoding.UTF8.GetString(kept.Value.Span);
            if (!(NumberOf(line, "head"u8) < last))
            {
                yield return line;
            }
        }
    }

    private static long? NumberOf(string line, ReadOnlySpan<byte> member) =>
        HostileJson.ParseObject(Encoding.UTF8.GetBytes(line)).TryGet(out JsonElement record, out _)
        && record.TryGetProperty(member, out JsonElement number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt64(out long value)
            ? value
            : null;
}
