// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Frozen;

namespace Coco.Tee.Launch;

/// <summary>The table of GUIDs at the end of an OVMF image, with which firmware tells a virtual machine monitor where things are.</summary>
/// <remarks>Source: kubernetes.md 4.5; OVMF, ResetVector. It ends 32 bytes before the end of the image and is read backwards.</remarks>
public sealed class FirmwareGuidTable
{
    /// <summary>Longest image that is read, in bytes.</summary>
    public const int MaxImageLength = 64 * 1024 * 1024;

    private const int BehindTable = 32;
    private const int EntryTail = 18;
    private const int MaxEntries = 64;

    private static readonly Guid Footer = new("96b582de-1fb2-45f7-baea-a366c55a082d");

    private readonly FrozenDictionary<Guid, ReadOnlyMemory<byte>> _entries;

    private FirmwareGuidTable(FrozenDictionary<Guid, ReadOnlyMemory<byte>> entries) => _entries = entries;

    /// <summary>The GUIDs that the table has.</summary>
    public IEnumerable<Guid> Guids => _entries.Keys;

    /// <summary>An entry's data; null when the table does not have it.</summary>
    public ReadOnlyMemory<byte>? Find(Guid guid) => _entries.TryGetValue(guid, out ReadOnlyMemory<byte> data) ? data : null;

    /// <summary>Reads the table of an image.</summary>
    public static Result<FirmwareGuidTable> Parse(ReadOnlyMemory<byte> image)
    {
        if (image.Length > MaxImageLength)
        {
            return new Refusal(RefusalCode.TooLarge, $"firmware image has {image.Length} bytes, more than {MaxImageLength}") { Field = "image" };
        }

        int end = image.Length - BehindTable;
        if (end < EntryTail || new Guid(image.Span.Slice(end - 16, 16)) != Footer)
        {
            return new Refusal(RefusalCode.Unsupported, "firmware image has no table of GUIDs") { Field = "GUIDed table", Offset = Math.Max(0, end - 16) };
        }

        int size = BinaryPrimitives.ReadUInt16LittleEndian(image.Span[(end - EntryTail)..]);
        if (size < EntryTail || size > end)
        {
            return Refusal.Malformed("GUIDed table", end - EntryTail, $"size {size}");
        }

        var entries = new Dictionary<Guid, ReadOnlyMemory<byte>>();
        int start = end - size;
        int at = end - EntryTail;
        while (at > start)
        {
            if (at - start < EntryTail)
            {
                return Refusal.Malformed("GUIDed table", at, "an entry is shorter than its own tail");
            }

            int length = BinaryPrimitives.ReadUInt16LittleEndian(image.Span[(at - EntryTail)..]);
            var guid = new Guid(image.Span.Slice(at - 16, 16));
            if (length < EntryTail || length > at - start)
            {
                return Refusal.Malformed("GUIDed table", at - EntryTail, $"entry of {length} bytes");
            }

            if (entries.Count == MaxEntries || !entries.TryAdd(guid, image.Slice(at - length, length - EntryTail)))
            {
                return Refusal.Malformed("GUIDed table", at - EntryTail, "too many entries, or one twice");
            }

            at -= length;
        }

        return new FirmwareGuidTable(entries.ToFrozenDictionary());
    }
}
