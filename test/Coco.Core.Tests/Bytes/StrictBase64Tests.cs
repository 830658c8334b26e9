// SPDX-License-Identifier: Apache-2.0
using CsCheck;

namespace Coco.Core.Tests.Bytes;

public sealed class StrictBase64Tests
{
    // RFC 4648 section 10.
    [Theory]
    [InlineData("", "")]
    [InlineData("f", "Zg==")]
    [InlineData("fo", "Zm8=")]
    [InlineData("foo", "Zm9v")]
    [InlineData("foob", "Zm9vYg==")]
    [InlineData("fooba", "Zm9vYmE=")]
    [InlineData("foobar", "Zm9vYmFy")]
    public void AllForms_RfcExamples_Decode(string plain, string text)
    {
        byte[] expected = System.Text.Encoding.ASCII.GetBytes(plain);
        string bare = text.TrimEnd('=');

        Assert.Equal(expected, StrictBase64.DecodeStandard(text).Require());
        Assert.Equal(expected, StrictBase64.DecodeUrl(bare).Require());
        Assert.Equal(expected, StrictBase64.DecodeUrlPadded(text).Require());
        Assert.Equal(expected, StrictBase64.DecodeLenient(text).Require());
        Assert.Equal(expected, StrictBase64.DecodeLenient(bare).Require());
        Assert.Equal(text, StrictBase64.EncodeStandard(expected));
        Assert.Equal(bare, StrictBase64.EncodeUrl(expected));
    }

    [Theory]
    [InlineData("Zg")]
    [InlineData("Zg=")]
    [InlineData("Zg===")]
    [InlineData("Zh==")]
    [InlineData("Zm9=")]
    [InlineData("Zm 9v")]
    [InlineData("Zm9v\n")]
    [InlineData(" Zm9v")]
    [InlineData("-_-_")]
    [InlineData("Zm9v=")]
    [InlineData("====")]
    [InlineData("=")]
    [InlineData("A")]
    [InlineData("Zg==Zg==")]
    [InlineData("Ä===")]
    public void DecodeStandard_OtherForms_Refused(string text) =>
        Assert.Equal(RefusalCode.Malformed, StrictBase64.DecodeStandard(text).Refusal?.Code);

    [Theory]
    [InlineData("Zg==")]
    [InlineData("Zh")]
    [InlineData("Zm9")]
    [InlineData("+/+/")]
    [InlineData("Zm9v\r\n")]
    [InlineData("Z")]
    [InlineData("Zm9vY")]
    public void DecodeUrl_OtherForms_Refused(string text) =>
        Assert.Equal(RefusalCode.Malformed, StrictBase64.DecodeUrl(text).Refusal?.Code);

    [Theory]
    [InlineData("-_+/")]
    [InlineData("Zh")]
    [InlineData("Zg=")]
    [InlineData("Zm9v\n")]
    public void DecodeLenient_MixedAlphabetsAndNonCanonical_Refused(string text) =>
        Assert.NotNull(StrictBase64.DecodeLenient(text).Refusal);

    [Fact]
    public void EveryForm_AnyBytes_RoundTrips() =>
        Gen.Byte.Array[0, 300].Sample(bytes =>
        {
            string standard = StrictBase64.EncodeStandard(bytes);
            string url = StrictBase64.EncodeUrl(bytes);
            Assert.Equal(bytes, StrictBase64.DecodeStandard(standard).Require());
            Assert.Equal(bytes, StrictBase64.DecodeUrl(url).Require());
            Assert.Equal(bytes, StrictBase64.DecodeLenient(standard).Require());
            Assert.Equal(bytes, StrictBase64.DecodeLenient(url).Require());
        });

    // One text, one value: what is accepted is what would have been written.
    [Fact]
    public void DecodeUrl_AnyText_AcceptsOnlyTheCanonicalText() =>
        Gen.Char["ABab01-_+/= \n"].Array[0, 12].Sample(chars =>
        {
            string text = new(chars);
            if (StrictBase64.DecodeUrl(text).TryGet(out byte[]? bytes, out _))
            {
                Assert.Equal(text, StrictBase64.EncodeUrl(bytes));
            }

            if (StrictBase64.DecodeStandard(text).TryGet(out bytes, out _))
            {
                Assert.Equal(text, StrictBase64.EncodeStandard(bytes));
            }
        });

    [Theory]
    [InlineData("0", false)]
    [InlineData("0g", false)]
    [InlineData("0x", false)]
    [InlineData(" 00", false)]
    [InlineData("", true)]
    [InlineData("00fFaB", true)]
    public void Hex_Decode_Strict(string text, bool accepted) => Assert.Equal(accepted, Hex.Decode(text).Refusal is null);
}
