// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections;

namespace Coco.Tee.EventLogs;

/// <summary>The events of a log, read from its bytes when they are asked for: a log has thousands, and few readers need all of one.</summary>
public readonly struct CcEventList : IReadOnlyList<CcEvent>
{
    private const int HeadLength = 12;
    private const int SizeLength = 4;

    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly DigestLengths _lengths;
    private readonly CcEventPlace[] _places;

    internal CcEventList(ReadOnlyMemory<byte> bytes, DigestLengths lengths, CcEventPlace[] places)
    {
        _bytes = bytes;
        _lengths = lengths;
        _places = places;
    }

    /// <inheritdoc/>
    public int Count => _places.Length;

    /// <inheritdoc/>
    public CcEvent this[int index]
    {
        get
        {
            CcEventPlace place = _places[index];
            ReadOnlySpan<byte> head = _bytes.Span.Slice(place.Start, HeadLength);
            int digestsAt = place.Start + HeadLength;
            return new CcEvent(
                BinaryPrimitives.ReadUInt32LittleEndian(head),
                BinaryPrimitives.ReadUInt32LittleEndian(head[4..]),
                new EventDigestList(_bytes[digestsAt..(place.Data - SizeLength)], _lengths),
                _bytes.Slice(place.Data, place.DataLength),
                place.Start);
        }
    }

    /// <summary>Begins at the first event.</summary>
    public Enumerator GetEnumerator() => new(this);

    IEnumerator<CcEvent> IEnumerable<CcEvent>.GetEnumerator() => GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Steps through the events.</summary>
    public struct Enumerator : IEnumerator<CcEvent>
    {
        private readonly CcEventList _list;
        private int _at;

        internal Enumerator(CcEventList list)
        {
            _list = list;
            _at = -1;
        }

        /// <inheritdoc/>
        public readonly CcEvent Current => _list[_at];

        readonly object IEnumerator.Current => Current;

        /// <inheritdoc/>
        public bool MoveNext() => ++_at < _list.Count;

        /// <inheritdoc/>
        public void Reset() => _at = -1;

        /// <inheritdoc/>
        public readonly void Dispose()
        {
        }
    }
}

/// <summary>Where an event stands in a log whose form was checked.</summary>
/// <param name="Start">Offset of the record.</param>
/// <param name="Data">Offset of the event data.</param>
/// <param name="DataLength">Their length.</param>
internal readonly record struct CcEventPlace(int Start, int Data, int DataLength);
