// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using Coco.Tee.Intel;

namespace Coco.Tee.Tests.Intel;

public sealed class IntelQuoteTests
{
    [Theory]
    [InlineData(3, 0u, 0, 384)]
    [InlineData(4, 0u, 0, 384)]
    [InlineData(4, 0x81u, 0, 584)]
    [InlineData(5, 0u, 1, 384)]
    [InlineData(5, 0x81u, 2, 584)]
    [InlineData(5, 0x81u, 3, 648)]
    [InlineData(5, 0x81u, 4, 885)]
    public void Parse_EachVersionAndBody_GivesParts(int version, uint tee, ushort bodyType, int bodyLength)
    {
        byte[] bytes = Make(version, tee, bodyType, bodyLength);

        IntelQuote quote = IntelQuote.Parse(bytes).Require();

        Assert.Equal(version, quote.Version);
        Assert.Equal(bodyLength, (quote.TrustDomain?.Raw ?? quote.Enclave!.Raw).Length);
        Assert.Equal((version == 5 ? 54 : 48) + bodyLength, quote.SignedBytes.Length);
        Assert.Equal(5, quote.AuthenticationData.Length);
        Assert.Equal(CertificationDataType.PckChain, quote.CertificationType);
        Assert.Equal([1, 2, 3], quote.CertificationData.ToArray());
        Assert.Equal(7, quote.TrailingLength);
        Assert.Equal(64, quote.Signature.Length);
        Assert.Equal(quote.CertificationData.ToArray(), bytes.AsSpan(quote.CertificationDataOffset, 3).ToArray());
    }

    [Theory]
    [InlineData(3, 0u, 0, 384)]
    [InlineData(4, 0x81u, 0, 584)]
    [InlineData(5, 0x81u, 3, 648)]
    public void Parse_EveryTruncation_IsRefusedWithItsPlace(int version, uint tee, ushort bodyType, int bodyLength)
    {
        byte[] bytes = Make(version, tee, bodyType, bodyLength);
        for (int length = 0; length < bytes.Length - 7; length++)
        {
            Refusal? refusal = IntelQuote.Parse(bytes.AsMemory(0, length)).Refusal;
            Assert.Equal(RefusalCode.Malformed, refusal?.Code);
            Assert.NotNull(refusal!.Field);
            Assert.NotNull(refusal.Offset);
        }
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(0, 6)]
    [InlineData(2, 3)]
    [InlineData(4, 1)]
    public void Parse_VersionKeyOrTeeThatIsNotSupported_IsRefused(int offset, byte value)
    {
        byte[] bytes = Make(4, 0x81, 0, 584);
        bytes[offset] = value;

        Assert.Equal(RefusalCode.Unsupported, IntelQuote.Parse(bytes).Refusal?.Code);
    }

    [Fact]
    public void Parse_Version3OfATd_IsRefused() => Assert.Equal(RefusalCode.Unsupported, IntelQuote.Parse(Make(3, 0x81, 0, 584)).Refusal?.Code);

    [Theory]
    [InlineData(1, 0x81u, 384)]
    [InlineData(2, 0u, 584)]
    [InlineData(9, 0x81u, 584)]
    [InlineData(0, 0x81u, 584)]
    public void Parse_BodyTypeThatDoesNotFit_IsRefused(ushort type, uint tee, int length) =>
        Assert.Equal(RefusalCode.Unsupported, IntelQuote.Parse(Make(5, tee, type, length)).Refusal?.Code);

    [Fact]
    public void Parse_BodySizeThatIsNotTheTypes_IsRefused() => Assert.Equal("body size", IntelQuote.Parse(Make(5, 0x81, 3, 584)).Refusal?.Field);

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public void Parse_InnerSizesThatDoNotFillTheOuterSize_AreRefused(int difference)
    {
        byte[] bytes = Make(4, 0x81, 0, 584);
        int outer = 632 + 4 + 128 + 2;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(outer), BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(outer)) + difference);

        Assert.Equal(RefusalCode.Malformed, IntelQuote.Parse(bytes).Refusal?.Code);
    }

    [Fact]
    public void Parse_OuterCertificationDataOfAnotherType_IsRefused()
    {
        byte[] bytes = Make(4, 0x81, 0, 584);
        bytes[632 + 4 + 128] = 5;

        Assert.Equal(RefusalCode.Unsupported, IntelQuote.Parse(bytes).Refusal?.Code);
    }

    [Fact]
    public void Parse_MoreThanTheLimit_IsRefused() => Assert.Equal(RefusalCode.TooLarge, IntelQuote.Parse(new byte[IntelQuote.MaxLength + 1]).Refusal?.Code);

    [Fact]
    public void TdReport_OfAnotherTypeOrLength_IsRefused()
    {
        Assert.Equal(RefusalCode.Malformed, TdReport.Parse(new byte[1023]).Refusal?.Code);
        Assert.Equal("REPORTTYPE.TYPE", TdReport.Parse(new byte[1024]).Refusal?.Field);
    }

    [Theory]
    [InlineData("UpToDate", true)]
    [InlineData("uptodate", false)]
    [InlineData("SWHardeningNeeded", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void TcbStatus_Names_AreCaseSensitive(string? name, bool known) => Assert.Equal(known, TcbStatuses.TryParse(name, out _));

    private static byte[] Make(int version, uint tee, ushort bodyType, int bodyLength)
    {
        using var quote = new MemoryStream();
        byte[] header = new byte[48];
        BinaryPrimitives.WriteUInt16LittleEndian(header, (ushort)version);
        header[2] = 2;
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), tee);
        quote.Write(header);
        if (version == 5)
        {
            byte[] descriptor = new byte[6];
            BinaryPrimitives.WriteUInt16LittleEndian(descriptor, bodyType);
            BinaryPrimitives.WriteInt32LittleEndian(descriptor.AsSpan(2), bodyLength);
            quote.Write(descriptor);
        }

        quote.Write(new byte[bodyLength]);
        byte[] inner = [.. new byte[384 + 64], 5, 0, 9, 9, 9, 9, 9, 5, 0, 3, 0, 0, 0, 1, 2, 3];
        byte[] outer = version >= 4 ? [6, 0, .. BitConverter.GetBytes(inner.Length), .. inner] : inner;
        quote.Write(BitConverter.GetBytes(128 + outer.Length));
        quote.Write(new byte[128]);
        quote.Write(outer);
        quote.Write(new byte[7]);
        return quote.ToArray();
    }
}
