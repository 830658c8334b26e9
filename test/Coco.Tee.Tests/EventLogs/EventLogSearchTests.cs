// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Coco.Tee.EventLogs;

namespace Coco.Tee.Tests.EventLogs;

public sealed class EventLogSearchTests
{
    private static readonly byte[][] Digests = [.. Enumerable.Range(0, 5).Select(i => SHA256.HashData([(byte)i]))];

    private static readonly ImmutableArray<(ReadOnlyMemory<byte>, string)> Events = [.. Digests.Select((d, i) => ((ReadOnlyMemory<byte>)d, $"event {i + 1}"))];

    [Theory]
    [InlineData("0 1 2 3 4", "")]
    [InlineData("0 1 3 4", "without event 3")]
    [InlineData("0 1 2", "when event 3 is the last one that is measured into it")]
    [InlineData("", "when nothing is measured into it")]
    [InlineData("0 1 1 2 3 4", "with event 2 twice")]
    [InlineData("0 2 1 3 4", "with event 2 and event 3 exchanged")]
    [InlineData("4 3 2 1 0", null)]
    public void Find_OtherEvents_AreNamed(string order, string? change)
    {
        byte[] value = [3, .. new byte[31]];
        foreach (string one in order.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            value = SHA256.HashData([.. value, .. Digests[int.Parse(one, System.Globalization.CultureInfo.InvariantCulture)]]);
        }

        Assert.Equal(change, EventLogSearch.Find(Events, [3, .. new byte[31]], TcgAlgorithm.Sha256, value));
    }

    [Fact]
    public void EventsOf_NoAction_CountsWhereItShould()
    {
        byte[] first = new byte[32 + 33];
        BinaryPrimitives.WriteUInt32LittleEndian(first.AsSpan(4), TcgEventType.NoAction);
        BinaryPrimitives.WriteUInt32LittleEndian(first.AsSpan(28), 33);
        BinaryPrimitives.WriteUInt32LittleEndian(first.AsSpan(56), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(first.AsSpan(60), (ushort)TcgAlgorithm.Sha256);
        BinaryPrimitives.WriteUInt16LittleEndian(first.AsSpan(62), 32);
        byte[] Record(uint type) => [1, 0, 0, 0, .. BitConverter.GetBytes(type), 1, 0, 0, 0, 0xB, 0, .. Digests[0], 0, 0, 0, 0];
        CcEventLog log = CcEventLog.Parse((byte[])[.. first, .. Record(TcgEventType.NoAction), .. Record(TcgEventType.Separator)]).Require();

        Assert.Equal("event 2 (EV_SEPARATOR)", Assert.Single(EventLogSearch.EventsOf(log, 1, TcgAlgorithm.Sha256, withNoAction: false)).Name);
        Assert.Equal(2, EventLogSearch.EventsOf(log, 1, TcgAlgorithm.Sha256, withNoAction: true).Length);
        Assert.Empty(EventLogSearch.EventsOf(log, 2, TcgAlgorithm.Sha256, withNoAction: true));
    }
}
