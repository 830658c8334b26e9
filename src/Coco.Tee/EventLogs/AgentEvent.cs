// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Text;

namespace Coco.Tee.EventLogs;

/// <summary>An event that the attestation agent measured at run time (AAEL): domain, operation and content.</summary>
/// <remarks>Source: tee-evidence.md 5. Written as <c>domain SP operation SP content</c> inside of a tagged event.</remarks>
/// <param name="Domain">Who reports; no space.</param>
/// <param name="Operation">What happened; no space.</param>
/// <param name="Content">Anything without a line feed.</param>
public sealed record AgentEvent(string Domain, string Operation, string Content)
{
    /// <summary>Id of the tagged event: <c>LEAA</c> in memory.</summary>
    public const uint TagId = 0x4141454C;

    /// <summary>An event whose parts have the form that they must have.</summary>
    public static Result<AgentEvent> Create(string domain, string operation, string content)
    {
        ArgumentNullException.ThrowIfNull(domain);
        ArgumentNullException.ThrowIfNull(operation);
        ArgumentNullException.ThrowIfNull(content);
        if (domain.Contains(' ', StringComparison.Ordinal) || operation.Contains(' ', StringComparison.Ordinal))
        {
            return new Refusal(RefusalCode.Malformed, "domain and operation may not contain a space: it would move where the event is split");
        }

        return content.Contains('\n', StringComparison.Ordinal) || domain.Contains('\n', StringComparison.Ordinal) || operation.Contains('\n', StringComparison.Ordinal)
            ? new Refusal(RefusalCode.Malformed, "an event may not contain a line feed")
            : new AgentEvent(domain, operation, content);
    }

    /// <summary>Splits a text at its first two spaces.</summary>
    public static Result<AgentEvent> Split(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int first = text.IndexOf(' ', StringComparison.Ordinal);
        int second = first < 0 ? -1 : text.IndexOf(' ', first + 1);
        return second < 0
            ? new Refusal(RefusalCode.Malformed, "the agent's event has no domain, operation and content")
            : new AgentEvent(text[..first], text[(first + 1)..second], text[(second + 1)..]);
    }

    /// <summary>The tagged event: id, length, text. This is what is measured.</summary>
    public byte[] ToTaggedEvent()
    {
        string text = $"{Domain} {Operation} {Content}";
        int length = Encoding.UTF8.GetByteCount(text);
        byte[] tagged = new byte[8 + length];
        BinaryPrimitives.WriteUInt32LittleEndian(tagged, TagId);
        BinaryPrimitives.WriteUInt32LittleEndian(tagged.AsSpan(4), (uint)length);
        Encoding.UTF8.GetBytes(text, tagged.AsSpan(8));
        return tagged;
    }

    /// <summary>The event's record as it stands in the log.</summary>
    /// <param name="register">Index of the register that is extended, as logs write it.</param>
    /// <param name="algorithm">The register's hash.</param>
    public byte[] ToRecord(uint register, TcgAlgorithm algorithm)
    {
        byte[] tagged = ToTaggedEvent();
        int digestLength = algorithm.DigestLength();
        byte[] record = new byte[12 + 2 + digestLength + 4 + tagged.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(record, register);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), TcgEventType.EventTag);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(12), (ushort)algorithm);
        algorithm.HashData(tagged, record.AsSpan(14));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(14 + digestLength), (uint)tagged.Length);
        tagged.CopyTo(record.AsSpan(18 + digestLength));
        return record;
    }
}
