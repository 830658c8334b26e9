// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.SecureExecution;

/// <summary>The header of an IBM Secure Execution boot image: of it, attestation needs the four tags.</summary>
/// <remarks>Source: tee-evidence.md 10.2. Big-endian.</remarks>
public sealed class SeImageHeader
{
    /// <summary>Length of PLD, ALD, TLD and tag together.</summary>
    public const int TagsSize = 64 + 64 + 64 + 16;

    private const int FixedSize = 0x1A0;
    private const int DigestsAt = 0xE0;
    private const uint Version1 = 0x100;
    private const int Longest = 1 << 20;

    private SeImageHeader(byte[] tags) => Tags = tags;

    /// <summary>Page list digest, address list digest, tweak list digest (64 bytes each), and the header's own tag (16).</summary>
    public ReadOnlyMemory<byte> Tags { get; }

    /// <summary>Reads a header, or an image that begins with one.</summary>
    public static Result<SeImageHeader> Parse(ReadOnlyMemory<byte> bytes)
    {
        var reader = new ByteReader(bytes.Span);
        if (!reader.TryRead(8, out ReadOnlySpan<byte> magic) || !magic.SequenceEqual("IBMSecEx"u8))
        {
            return Refusal.Malformed("SE header.magic", 0, "not IBMSecEx");
        }

        if (!reader.TryReadUInt32BigEndian(out uint version) || version != Version1)
        {
            return new Refusal(RefusalCode.Unsupported, $"SE header.version: 0x{version:x}") { Field = "SE header.version", Offset = 8 };
        }

        if (!reader.TryReadUInt32BigEndian(out uint size) || size < FixedSize + 16 || size > Longest || size > bytes.Length)
        {
            return Refusal.Malformed("SE header.size", 12, "less than a header, or more than there is");
        }

        ReadOnlySpan<byte> span = bytes.Span;
        return new SeImageHeader([.. span.Slice(DigestsAt, 192), .. span.Slice((int)size - 16, 16)]);
    }
}
