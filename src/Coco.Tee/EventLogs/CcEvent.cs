// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.EventLogs;

/// <summary>One digest of an event.</summary>
/// <param name="Algorithm">Algorithm.</param>
/// <param name="Value">The digest: a slice of the log.</param>
public readonly record struct EventDigest(TcgAlgorithm Algorithm, ReadOnlyMemory<byte> Value);

/// <summary>One measured event (TCG_PCR_EVENT2). A view of the log's bytes: logs have thousands of them.</summary>
public readonly struct CcEvent
{
    internal CcEvent(uint register, uint type, EventDigestList digests, ReadOnlyMemory<byte> data, int offset)
    {
        Register = register;
        Type = type;
        Digests = digests;
        Data = data;
        Offset = offset;
    }

    /// <summary>Index of the register that it extended: of a PCR, or of a measurement register (TDX: 0 MRTD, 1 to 4 RTMR0 to RTMR3).</summary>
    public uint Register { get; }

    /// <summary>Event type; one that <see cref="TcgEventType.ToName"/> knows.</summary>
    public uint Type { get; }

    /// <summary>The digests, in the order of the log.</summary>
    public EventDigestList Digests { get; }

    /// <summary>The event data: a slice of the log.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>Offset of the record in the log.</summary>
    public int Offset { get; }

    /// <summary>The type's name in claims.</summary>
    public string TypeName => TcgEventType.ToName(Type) ?? throw new InvalidOperationException("internal: an event of an unknown type");

    /// <summary>
    /// Whether every digest is that of the event data. Legitimately false where the data only label what was measured. A refusal for an
    /// algorithm that is not computed here.
    /// </summary>
    public Result<bool> DigestsMatchData()
    {
        Span<byte> digest = stackalloc byte[TcgAlgorithms.MaxDigestLength];
        bool all = true;
        foreach (EventDigest one in Digests)
        {
            if (!one.Algorithm.IsComputed())
            {
                return new Refusal(RefusalCode.Unsupported, $"event at offset {Offset}: a digest of {one.Algorithm.ToName()} proves nothing")
                {
                    Field = "digest",
                    Offset = Offset,
                };
            }

            // Every digest is looked at, so that an unusable algorithm is found whatever stands before it.
            all = all && digest[..one.Algorithm.HashData(Data.Span, digest)].SequenceEqual(one.Value.Span);
        }

        return all;
    }
}
