// SPDX-License-Identifier: Apache-2.0
using System.Formats.Cbor;

namespace Coco.Tee.Cca;

/// <summary>Reads CBOR of tokens: strict conformance, depth bounded, every fault a refusal.</summary>
internal static class CborFields
{
    private const int Deepest = 16;

    /// <summary>Runs <paramref name="read"/> over all bytes; what the reader throws becomes a refusal, and so do bytes left over.</summary>
    public static Result<T> Read<T>(ReadOnlyMemory<byte> bytes, string what, Func<CborReader, Result<T>> read)
        where T : notnull
    {
        var reader = new CborReader(bytes, CborConformanceMode.Strict);
        try
        {
            Result<T> result = read(reader);
            if (result.Refusal is null && reader.BytesRemaining != 0)
            {
                return Refusal.Malformed(what, bytes.Length - reader.BytesRemaining, "bytes after the end");
            }

            return result;
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException or ArgumentException)
        {
            return Refusal.Malformed(what, bytes.Length - reader.BytesRemaining, e.Message);
        }
    }

    /// <summary>Moves over one value of any kind, at most 16 levels deep.</summary>
    public static void Skip(CborReader reader)
    {
        int start = reader.CurrentDepth;
        do
        {
            switch (reader.PeekState())
            {
                case CborReaderState.StartArray:
                    reader.ReadStartArray();
                    break;
                case CborReaderState.EndArray:
                    reader.ReadEndArray();
                    break;
                case CborReaderState.StartMap:
                    reader.ReadStartMap();
                    break;
                case CborReaderState.EndMap:
                    reader.ReadEndMap();
                    break;
                case CborReaderState.Tag:
                    reader.ReadTag();
                    continue;
                default:
                    reader.SkipValue();
                    break;
            }

            if (reader.CurrentDepth > Deepest)
            {
                throw new CborContentException("nested too deeply");
            }
        }
        while (reader.CurrentDepth > start || reader.PeekState() == CborReaderState.Tag);
    }

    /// <summary>Reads the next map key when it is an integer that fits 64 bits; moves over any other key and gives null.</summary>
    public static long? ReadKey(CborReader reader)
    {
        if (reader.PeekState() is CborReaderState.UnsignedInteger or CborReaderState.NegativeInteger)
        {
            return reader.ReadInt64();
        }

        if (reader.PeekState() != CborReaderState.TextString)
        {
            throw new CborContentException("a map key is neither an integer nor a text");
        }

        reader.ReadTextString();
        return null;
    }
}
