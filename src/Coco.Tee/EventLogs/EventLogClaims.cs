// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Tee.EventLogs;

/// <summary>Writes the claim <c>uefi_event_logs</c> (attestation-service.md 7.2).</summary>
/// <remarks>
/// Written as text and handed out as an array over that text: a node for each member of each event would cost several times the memory, and most
/// policies look at few of them.
/// </remarks>
internal static class EventLogClaims
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static Result<JsonArray> Write(CcEventLog log)
    {
        using var buffer = new PooledBuffer(256 + (log.BytesUsed * 4));
        using var writer = new Utf8JsonWriter(buffer, Options);
        writer.WriteStartArray();
        Span<char> hex = stackalloc char[2 * TcgAlgorithms.MaxDigestLength];
        foreach (CcEvent one in log.Events)
        {
            writer.WriteStartObject();
            writer.WriteStartObject("details"u8);
            if (EventDetails.Write(writer, one) is { } refusal)
            {
                return refusal;
            }

            writer.WriteEndObject();
            if (!one.DigestsMatchData().TryGet(out bool matches, out refusal))
            {
                return refusal;
            }

            writer.WriteBoolean("digest_matches_event"u8, matches);
            writer.WriteStartArray("digests"u8);
            foreach (EventDigest digest in one.Digests)
            {
                writer.WriteStartObject();
                writer.WriteString("alg"u8, digest.Algorithm.ToName());
                Convert.TryToHexStringLower(digest.Value.Span, hex, out int written);
                writer.WriteString("digest"u8, hex[..written]);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteBase64String("event"u8, one.Data.Span);
            writer.WriteNumber("index"u8, one.Register);
            writer.WriteString("type_name"u8, one.TypeName);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.Flush();
        return (JsonArray)JsonNode.Parse(buffer.WrittenSpan)!;
    }

    /// <summary>A buffer whose arrays are the pool's. For one use by one thread.</summary>
    private sealed class PooledBuffer(int initial) : IBufferWriter<byte>, IDisposable
    {
        private byte[] _array = ArrayPool<byte>.Shared.Rent(initial);
        private int _written;

        public ReadOnlySpan<byte> WrittenSpan => _array.AsSpan(0, _written);

        public void Advance(int count) => _written += count;

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            Grow(sizeHint);
            return _array.AsMemory(_written);
        }

        public Span<byte> GetSpan(int sizeHint = 0)
        {
            Grow(sizeHint);
            return _array.AsSpan(_written);
        }

        public void Dispose()
        {
            ArrayPool<byte>.Shared.Return(_array);
            _array = [];
            _written = 0;
        }

        private void Grow(int sizeHint)
        {
            if (_array.Length - _written >= Math.Max(sizeHint, 256))
            {
                return;
            }

            byte[] larger = ArrayPool<byte>.Shared.Rent(checked(Math.Max(2 * _array.Length, _written + Math.Max(sizeHint, 256))));
            WrittenSpan.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_array);
            _array = larger;
        }
    }
}
