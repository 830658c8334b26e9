// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Coco.Tee.EventLogs;

namespace Coco.Tee.Tests.EventLogs;

public sealed class CcEventLogTests
{
    private static readonly byte[] First =
    [
        .. Convert.FromHexString("0000000003000000000000000000000000000000000000000000000025000000"),
        .. new byte[16], 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0x0C, 0, 48, 0, 0x12, 0, 32, 0, 0,
    ];

    [Fact]
    public void Parse_HeaderAlone_HasNoEvents()
    {
        CcEventLog log = CcEventLog.Parse(First).Require();

        Assert.Empty(log.Events);
        Assert.Equal(First.Length, log.BytesUsed);
        Assert.Equal(new byte[48], log.Replay(1, TcgAlgorithm.Sha384));
    }

    [Theory]
    [InlineData(0xFF)]
    [InlineData(0x00)]
    public void Parse_EndMark_EndsTheLog(byte mark)
    {
        byte[] log = [.. First, .. Record(1, 4, [0, 0, 0, 0]), .. Enumerable.Repeat(mark, 8), 1, 2, 3];

        CcEventLog parsed = CcEventLog.Parse(log).Require();

        Assert.Single(parsed.Events);
        Assert.Equal(log.Length - 11, parsed.BytesUsed);
    }

    [Fact]
    public void Parse_EveryTruncation_IsRefusedOrLosesWholeEvents()
    {
        byte[] log = [.. First, .. Record(1, 4, [0, 0, 0, 0]), .. Record(2, 6, new AgentEvent("a", "b", "c").ToTaggedEvent())];
        for (int length = 0; length < log.Length; length++)
        {
            if (CcEventLog.Parse(log.AsMemory(0, length)).TryGet(out CcEventLog? parsed, out Refusal? refusal))
            {
                Assert.Equal(length, parsed.BytesUsed);
                Assert.True(parsed.Events.Count < 2);
            }
            else
            {
                Assert.Equal(RefusalCode.Malformed, refusal.Code);
                Assert.NotNull(refusal.Offset);
            }
        }
    }

    [Fact]
    public void Parse_UnknownEventType_IsRefused() => Assert.Equal("event type", CcEventLog.Parse((byte[])[.. First, .. Record(1, 0x13, [])]).Refusal?.Field);

    [Fact]
    public void Parse_AlgorithmThatTheFirstRecordDoesNotName_IsRefused()
    {
        byte[] record = Record(1, 4, []);
        record[12] = 0x0B;

        Assert.Equal("digest algorithm", CcEventLog.Parse((byte[])[.. First, .. record]).Refusal?.Field);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(62)]
    public void Parse_HostileCountOrLength_IsRefused(int offset)
    {
        byte[] record = Record(1, 4, [1, 2, 3, 4]);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(offset), 0xFFFFFFF0);

        Assert.Equal(RefusalCode.Malformed, CcEventLog.Parse((byte[])[.. First, .. record]).Refusal?.Code);
    }

    [Fact]
    public void Parse_FirstRecordOfAnotherSize_IsRefused()
    {
        byte[] first = [.. First, 0];
        first[28]++;

        Assert.Equal("Unexpected data size consumed for detecting digests", CcEventLog.Parse(first).Refusal?.Detail.Split(": ")[1]);
    }

    [Fact]
    public void Parse_DigestLengthThatIsNotTheAlgorithms_IsRefused()
    {
        byte[] first = [.. First];
        first[62] = 4;

        Assert.Equal("digestSize", CcEventLog.Parse(first).Refusal?.Field);
    }

    [Fact]
    public void Parse_MoreThan4096Events_IsRefused()
    {
        byte[] record = Record(1, 4, []);
        byte[] log = [.. First, .. Enumerable.Repeat(record, CcEventLog.MaxEvents + 1).SelectMany(r => r)];

        Assert.Equal(RefusalCode.TooLarge, CcEventLog.Parse(log).Refusal?.Code);
    }

    [Fact]
    public void Replay_ExtendsInOrderAndPerRegister()
    {
        byte[] log = [.. First, .. Record(1, 4, [1]), .. Record(2, 4, [2]), .. Record(1, 4, [3])];
        CcEventLog parsed = CcEventLog.Parse(log).Require();
        byte[] value = new byte[48];
        foreach (byte data in (byte[])[1, 3])
        {
            byte[] digest = System.Security.Cryptography.SHA384.HashData((byte[])[data]);
            value = System.Security.Cryptography.SHA384.HashData((byte[])[.. value, .. digest]);
        }

        Assert.Equal(value, parsed.Replay(1, TcgAlgorithm.Sha384));
        Assert.Null(parsed.CheckReplay(1, TcgAlgorithm.Sha384, value));
        Assert.Equal(RefusalCode.Mismatch, parsed.CheckReplay(3, TcgAlgorithm.Sha384, value)?.Code);
    }

    [Fact]
    public void ToClaims_Sha1Digest_IsRefused()
    {
        byte[] first = [.. First];
        first[60] = 4;
        first[62] = 20;
        byte[] record = [1, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 4, 0, .. new byte[20], 0, 0, 0, 0];

        Assert.Equal(RefusalCode.Unsupported, CcEventLog.Parse((byte[])[.. first, .. record]).Require().ToClaims().Refusal?.Code);
    }

    [Theory]
    [InlineData(0x1u, "C3", null)]
    [InlineData(0x5u, "61626300", """{"string":"abc\u0000"}""")]
    [InlineData(0xAu, "61101B62", """{"string":"a b"}""")]
    [InlineData(0xAu, "C3", """{"string":""}""")]
    [InlineData(0x8000000Au, "05616263640000", """{"string":"abcd"}""")]
    [InlineData(0x8000000Au, "00", null)]
    [InlineData(0x8000000Au, "05", null)]
    [InlineData(0xDu, "2E006C0069006E0000000000", """{"string":"lin\u0000"}""")]
    [InlineData(0xDu, "2E00", null)]
    [InlineData(0xDu, "2E", null)]
    [InlineData(0xDu, "666F6F0062", """{"string":"foo"}""")]
    [InlineData(0xDu, "C3C300", """{"string":"c3c300"}""")]
    [InlineData(0x4u, "00000000", "{}")]
    [InlineData(0x6u, "ed223b8f04000000610062C3", "{\"string\":\"ab\uFFFD\"}")]
    [InlineData(0x6u, "4c45414103000000612062", null)]
    [InlineData(0x6u, "4c4541410500000061206220" + "63", """{"string":"a b c","unicode_name":"AAEL","data":{"domain":"a","operation":"b","content":"c"}}""")]
    [InlineData(0x6u, "4c454141070000006120622020" + "3720", """{"string":"a b  7 ","unicode_name":"AAEL","data":{"domain":"a","operation":"b","content":7}}""")]
    [InlineData(0x6u, "0000000005000000", null)]
    [InlineData(0x80000001u, "61dfe48bca93d211aa0d00e098032b8c0200000000000000010000000000000050004b0007", """{"unicode_name":"PK","unicode_name_length":2,"variable_data":"Bw==","variable_data_length":1,"variable_name":"61dfe48b-ca93-d211-aa0d-00e098032b8c"}""")]
    [InlineData(0x80000001u, "61dfe48bca93d211aa0d00e098032b8cffffffffffffffff010000000000000050004b0007", null)]
    [InlineData(0x80000001u, "61dfe48bca93d211aa0d00e098032b8c0100000000000000000000000000000000D8", null)]
    [InlineData(0x80000003u, "0000000000000000000000000000000000000000000000000000000000000000", "{}")]
    [InlineData(0x80000003u, "0000000000000000000000000000000000000000000000000300000000000000000000", null)]
    [InlineData(0x80000003u, "0000000000000000000000000000000000000000000000000a00000000000000010106000002" + "7FFF0400", """{"device_paths":["Pci(0,2)"]}""")]
    [InlineData(0x80000003u, "0000000000000000000000000000000000000000000000000a00000000000000010103000002" + "7FFF0400", null)]
    public void ToClaims_EventData_ReadAsTheTypeSays(uint type, string data, string? expected)
    {
        CcEventLog log = CcEventLog.Parse((byte[])[.. First, .. Record(1, type, Convert.FromHexString(data))]).Require();

        Result<JsonArray> claims = log.ToClaims();

        if (expected is null)
        {
            Assert.Equal(RefusalCode.Malformed, claims.Refusal?.Code);
        }
        else
        {
            JsonNode details = claims.Require()[0]!["details"]!;
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), details), details.ToJsonString());
        }
    }

    [Theory]
    [InlineData(1, 1, "0002", "Pci(0,2)")]
    [InlineData(1, 1, "00", "Path(1,1,00)")]
    [InlineData(2, 1, "d041030a00000000", "ACPI(PNP0A03,0)")]
    [InlineData(3, 5, "0100", "USB(1,0)")]
    [InlineData(3, 11, "525400123456" + "0000000000000000000000000000000000000000000000000000" + "01", "Mac(525400123456,0x01)")]
    [InlineData(3, 11, "5254", "Path(3,11,5254)")]
    [InlineData(3, 12, "0100007f0200a8c0000000000600" + "01" + "00000000" + "00000000", "IPv4(192.168.0.2,TCP,Static,127.0.0.1)")]
    [InlineData(3, 12, "0100007f0200a8c0000000001100" + "00" + "01000000" + "02000000", "IPv4(192.168.0.2,UDP,DHCP,127.0.0.1,1,2)")]
    [InlineData(3, 0x15, "00010203040506070001020304050607", "FibreEx(0x0001020304050607,0x0001020304050607)")]
    [InlineData(4, 1, "0f000000002800000000000000500300000000005e27f1007553d5439eb5de2add4c99320202", "HD(15,GPT,00F1275E-5375-43D5-9EB5-DE2ADD4C9932,0x2800,0x35000)")]
    [InlineData(4, 1, "00000000000000000000000000000000000000000000000000000000431202a0000000000101", "HD(0,MBR,0x00000000)")]
    [InlineData(4, 1, "00000000000000000000000000000000000000000000000000000000431202a0000000000301", "Path(4,1,00000000000000000000000000000000000000000000000000000000431202a0000000000301)")]
    [InlineData(4, 3, "f8d1c555cd04b5468a20e56cbb3052d0AB", "VenMedia(55C5D1F8-04CD-46B5-8A20-E56CBB3052D0,ab)")]
    [InlineData(4, 4, "6b00650072006e0065006c000000", "File(kernel)")]
    [InlineData(5, 1, "8000000041424300", "BBS(DEV,ABC,0)")]
    [InlineData(5, 1, "F0FF000000", "BBS(65520,,0)")]
    [InlineData(9, 9, "AB", "Path(9,9,ab)")]
    public void DevicePath_Node_AsText(byte type, byte subtype, string data, string expected) =>
        Assert.Equal(expected, DevicePath.Format(type, subtype, Convert.FromHexString(data)));

    [Theory]
    [InlineData(TcgAlgorithm.Sha256, "46df8dacf00a07d34a83cdf56d7978697790787cf2ba1432ef7c38f22cd96351")]
    [InlineData(TcgAlgorithm.Sha384, "dad5f0e226318ffa9839b75a472c6aa7fdb5834949d0a0a22990cf04d5692440fb00f3aa0609db7e49cd8d793f670d02")]
    [InlineData(TcgAlgorithm.Sm3, "17c21d43a57c0540f8125fac3dd0f19a0a08457f1cb3cbea93f159dbd346f61a")]
    public void AgentEvent_KnownAnswer(TcgAlgorithm algorithm, string expected)
    {
        AgentEvent one = AgentEvent.Create("domain", "operation", "content").Require();
        byte[] digest = new byte[algorithm.DigestLength()];

        algorithm.HashData(one.ToTaggedEvent(), digest);

        Assert.Equal("4c45414118000000646f6d61696e206f7065726174696f6e20636f6e74656e74", Convert.ToHexStringLower(one.ToTaggedEvent()));
        Assert.Equal(expected, Convert.ToHexStringLower(digest));
    }

    [Fact]
    public void AgentEvent_Record_IsReadBack()
    {
        AgentEvent one = AgentEvent.Create("domain", "operation", "content").Require();

        CcEvent read = Assert.Single(CcEventLog.Parse((byte[])[.. First, .. one.ToRecord(4, TcgAlgorithm.Sha384)]).Require().Events);

        Assert.Equal(4u, read.Register);
        Assert.True(read.DigestsMatchData().Require());
    }

    [Theory]
    [InlineData("a b", "c", "d")]
    [InlineData("a", "b c", "d")]
    [InlineData("a", "b", "c\nd")]
    public void AgentEvent_PartThatMovesTheSplit_IsRefused(string domain, string operation, string content) =>
        Assert.Equal(RefusalCode.Malformed, AgentEvent.Create(domain, operation, content).Refusal?.Code);

    [Theory]
    [InlineData(0u, 4u, 0u)]
    [InlineData(1u, 1u, 1u)]
    [InlineData(7u, 1u, 1u)]
    [InlineData(6u, 2u, 2u)]
    [InlineData(8u, 3u, 3u)]
    [InlineData(15u, 3u, 3u)]
    [InlineData(17u, 4u, 4u)]
    public void MeasurementRegisters_OfAPcr(uint pcr, uint tdx, uint csv) => Assert.Equal((tdx, csv), (MeasurementRegisters.ForTdx(pcr), MeasurementRegisters.ForCsv(pcr)));

    [Fact]
    public void Trim_CutsAtTheEndMark_AndDemandsOne()
    {
        byte[] log = [.. First, .. Record(1, 4, [1])];

        Assert.Equal(log, CcelTrimming.Trim((byte[])[.. log, .. Enumerable.Repeat((byte)0xFF, 100)]).Require().ToArray());
        Assert.Equal("invalid ccel: no end flag", CcelTrimming.Trim(log).Refusal?.Detail);
    }

    private static byte[] Record(uint register, uint type, byte[] data)
    {
        byte[] record = new byte[12 + 2 + 48 + 4 + data.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(record, register);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), type);
        record[8] = 1;
        record[12] = 0x0C;
        System.Security.Cryptography.SHA384.HashData(data, record.AsSpan(14));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(62), (uint)data.Length);
        data.CopyTo(record, 66);
        return record;
    }
}
