// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Coco.Tee.Snp;

/// <summary>The certificate table that a host gives with an extended report, or configfs-tsm as <c>auxblob</c>.</summary>
/// <remarks>
/// Source: GHCB specification (publication 56421), section "SNP Extended Guest Request": entries of 24 bytes (GUID in printed order, offset,
/// length), an all-zero entry, then the data. The data may be PEM text (a real auxblob holds that).
/// </remarks>
public static class SnpCertificateTable
{
    private const int EntryLength = 24;
    private const int MaximumEntries = 64;
    private const int MaximumLength = 1024 * 1024;

    /// <summary>Reads the entries in their order.</summary>
    public static Result<ImmutableArray<SnpCertificateEntry>> Parse(ReadOnlyMemory<byte> table)
    {
        if (table.Length > MaximumLength)
        {
            return new Refusal(RefusalCode.TooLarge, $"certificate table of {table.Length} bytes, at most {MaximumLength} are read");
        }

        var found = new List<(uint Start, SnpCertificateEntry Entry)>();
        var reader = new ByteReader(table.Span);
        while (true)
        {
            int at = reader.Offset;
            if (!reader.TryRead(16, out ReadOnlySpan<byte> id)
                || !reader.TryReadUInt32LittleEndian(out uint offset)
                || !reader.TryReadUInt32LittleEndian(out uint length))
            {
                return Refusal.Malformed("certificate table", at, "ends without an all-zero entry");
            }

            if (!id.ContainsAnyExcept((byte)0))
            {
                return offset != 0 || length != 0
                    ? Refusal.Malformed("certificate table", at, "the last entry is not all zero")
                    : BeginsInside(found, reader.Offset)
                        ? Refusal.Malformed("certificate table", at, "an entry's data lie inside the list of entries")
                        : found.Select(e => e.Entry).ToImmutableArray();
            }

            if (found.Count == MaximumEntries)
            {
                return new Refusal(RefusalCode.TooLarge, $"certificate table has more than {MaximumEntries} entries");
            }

            if (offset > table.Length || length > table.Length - offset)
            {
                return Refusal.Malformed("certificate table", at + 16, $"entry of {length} bytes at {offset} lies outside the {table.Length} bytes of the table");
            }

            var guid = new Guid(id, bigEndian: true);
            found.Add((offset, new SnpCertificateEntry(SnpCertificateEntry.TypeOf(guid), guid, table.Slice((int)offset, (int)length))));
        }
    }

    /// <summary>Writes a table.</summary>
    public static byte[] Write(IReadOnlyList<SnpCertificateEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        int head = EntryLength * (entries.Count + 1);
        byte[] table = new byte[head + entries.Sum(e => e.Data.Length)];
        int data = head;
        for (int i = 0; i < entries.Count; i++)
        {
            Span<byte> entry = table.AsSpan(i * EntryLength, EntryLength);
            entries[i].Id.TryWriteBytes(entry, bigEndian: true, out _);
            BinaryPrimitives.WriteInt32LittleEndian(entry[16..], data);
            BinaryPrimitives.WriteInt32LittleEndian(entry[20..], entries[i].Data.Length);
            entries[i].Data.Span.CopyTo(table.AsSpan(data));
            data += entries[i].Data.Length;
        }

        return table;
    }

    private static bool BeginsInside(List<(uint Start, SnpCertificateEntry Entry)> entries, int headLength) =>
        entries.Exists(e => e.Entry.Data.Length > 0 && e.Start < headLength);
}
