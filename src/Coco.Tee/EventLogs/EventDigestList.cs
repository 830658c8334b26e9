// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;

namespace Coco.Tee.EventLogs;

/// <summary>The digests of one event, read from the log's bytes as they are enumerated. Their form was checked when the log was parsed.</summary>
public readonly struct EventDigestList
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly DigestLengths _lengths;

    internal EventDigestList(ReadOnlyMemory<byte> bytes, DigestLengths lengths)
    {
        _bytes = bytes;
        _lengths = lengths;
    }

    /// <summary>Begins at the first digest.</summary>
    public Enumerator GetEnumerator() => new(_bytes, _lengths);

    /// <summary>Steps through the digests.</summary>
    public struct Enumerator
    {
        private readonly DigestLengths _lengths;
        private ReadOnlyMemory<byte> _rest;

        internal Enumerator(ReadOnlyMemory<byte> rest, DigestLengths lengths)
        {
            _rest = rest;
            _lengths = lengths;
        }

        /// <summary>The digest that was stepped to.</summary>
        public EventDigest Current { get; private set; }

        /// <summary>Steps to the next one; false at the end.</summary>
        public bool MoveNext()
        {
            if (_rest.IsEmpty)
            {
                return false;
            }

            ushort algorithm = BinaryPrimitives.ReadUInt16LittleEndian(_rest.Span);
            int length = _lengths.Of(algorithm);
            Current = new EventDigest((TcgAlgorithm)algorithm, _rest.Slice(2, length));
            _rest = _rest[(2 + length)..];
            return true;
        }
    }
}

/// <summary>Which algorithms the first record of a log names, and how long their digests are.</summary>
internal sealed class DigestLengths
{
    private readonly List<(ushort Algorithm, ushort Length)> _named = [];

    /// <summary>The length of an algorithm's digests; 0 when the first record does not name it.</summary>
    public int Of(ushort algorithm)
    {
        foreach ((ushort named, ushort length) in _named)
        {
            if (named == algorithm)
            {
                return length;
            }
        }

        return 0;
    }

    /// <summary>Adds an algorithm.</summary>
    public void Add(ushort algorithm, ushort length) => _named.Add((algorithm, length));
}
