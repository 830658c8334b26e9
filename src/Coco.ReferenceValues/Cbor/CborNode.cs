// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Formats.Cbor;
using System.Numerics;

namespace Coco.ReferenceValues.Cbor;

/// <summary>A CBOR value that was read completely (RFC 8949), with bounds on depth and number of items.</summary>
internal sealed class CborNode
{
    private const int MaxDepth = 24;
    private const int MaxItems = 200_000;

    // Maps are looked into many times; a walk over the members each time would take the square of their count.
    private Dictionary<int, CborNode>? _byNumber;

    private CborNode(CborNodeKind kind)
    {
        Kind = kind;
    }

    public CborNodeKind Kind { get; }

    public BigInteger Number { get; private init; }

    public string Text { get; private init; } = string.Empty;

    public ReadOnlyMemory<byte> Bytes { get; private init; }

    public ImmutableArray<CborNode> Items { get; private init; } = [];

    public ImmutableArray<(CborNode Key, CborNode Value)> Members { get; private init; } = [];

    /// <summary>The tag's number, when it is a tag.</summary>
    public ulong Tag { get; private init; }

    /// <summary>What the tag stands before; the node itself when it is no tag.</summary>
    public CborNode Content => Kind == CborNodeKind.Tag ? Items[0] : this;

    /// <summary>Reads one value and nothing after it.</summary>
    public static Result<CborNode> Parse(ReadOnlyMemory<byte> bytes, string what)
    {
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Strict);
            int left = MaxItems;
            CborNode? node = Read(reader, 0, ref left);
            if (node is null)
            {
                return new Refusal(RefusalCode.TooLarge, $"{what} is nested deeper than {MaxDepth} or has more than {MaxItems} items");
            }

            return reader.BytesRemaining == 0 ? node : new Refusal(RefusalCode.Malformed, $"{reader.BytesRemaining} bytes follow the {what}");
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException or FormatException)
        {
            return new Refusal(RefusalCode.Malformed, $"{what} is not CBOR: {e.Message}");
        }
    }

    /// <summary>The member of a map with an integer key; null when there is none.</summary>
    public CborNode? this[int key]
    {
        get
        {
            if (_byNumber is null)
            {
                _byNumber = [];
                foreach ((CborNode k, CborNode value) in Members)
                {
                    if (k.Kind == CborNodeKind.Integer && k.Number >= int.MinValue && k.Number <= int.MaxValue)
                    {
                        _byNumber.TryAdd((int)k.Number, value);
                    }
                }
            }

            return _byNumber.GetValueOrDefault(key);
        }
    }

    private static CborNode? Read(CborReader reader, int depth, ref int left)
    {
        if (depth > MaxDepth || --left < 0)
        {
            return null;
        }

        switch (reader.PeekState())
        {
            case CborReaderState.UnsignedInteger:
                return new CborNode(CborNodeKind.Integer) { Number = reader.ReadUInt64() };
            case CborReaderState.NegativeInteger:
                return new CborNode(CborNodeKind.Integer) { Number = BigInteger.MinusOne - reader.ReadCborNegativeIntegerRepresentation() };
            case CborReaderState.ByteString or CborReaderState.StartIndefiniteLengthByteString:
                return new CborNode(CborNodeKind.Bytes) { Bytes = reader.ReadByteString() };
            case CborReaderState.TextString or CborReaderState.StartIndefiniteLengthTextString:
                return new CborNode(CborNodeKind.Text) { Text = reader.ReadTextString() };
            case CborReaderState.StartArray:
                {
                    reader.ReadStartArray();
                    var items = ImmutableArray.CreateBuilder<CborNode>();
                    while (reader.PeekState() != CborReaderState.EndArray)
                    {
                        if (Read(reader, depth + 1, ref left) is not { } item)
                        {
                            return null;
                        }

                        items.Add(item);
                    }

                    reader.ReadEndArray();
                    return new CborNode(CborNodeKind.Array) { Items = items.ToImmutable() };
                }

            case CborReaderState.StartMap:
                {
                    reader.ReadStartMap();
                    var members = ImmutableArray.CreateBuilder<(CborNode, CborNode)>();
                    while (reader.PeekState() != CborReaderState.EndMap)
                    {
                        if (Read(reader, depth + 1, ref left) is not { } key || Read(reader, depth + 1, ref left) is not { } value)
                        {
                            return null;
                        }

                        members.Add((key, value));
                    }

                    reader.ReadEndMap();
                    return new CborNode(CborNodeKind.Map) { Members = members.ToImmutable() };
                }

            case CborReaderState.Tag:
                {
                    ulong tag = (ulong)reader.ReadTag();
                    return Read(reader, depth + 1, ref left) is { } content ? new CborNode(CborNodeKind.Tag) { Tag = tag, Items = [content] } : null;
                }

            case CborReaderState.Boolean or CborReaderState.Null or CborReaderState.SimpleValue
                or CborReaderState.HalfPrecisionFloat or CborReaderState.SinglePrecisionFloat or CborReaderState.DoublePrecisionFloat:
                reader.SkipValue();
                return new CborNode(CborNodeKind.Other);
            default:
                throw new CborContentException("unexpected end");
        }
    }
}

/// <summary>The kinds of value.</summary>
internal enum CborNodeKind
{
    Integer,
    Bytes,
    Text,
    Array,
    Map,
    Tag,
    Other,
}
