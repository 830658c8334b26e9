// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;

namespace Coco.Core.Tests.Json;

public sealed class CanonicalJsonTests
{
    private static string Transform(string json) => Encoding.UTF8.GetString(CanonicalJson.Transform(Encoding.UTF8.GetBytes(json)).Require());

    // RFC 8785 section 3.2.2 and 3.2.3.
    [Fact]
    public void Transform_RfcSample_IsTheRfcOutput()
    {
        const string Input = """
            {
              "numbers": [333333333.33333329, 1E30, 4.50,
                          2e-3, 0.000000000000000000000000001],
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            }
            """;

        Assert.Equal(
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
            Transform(Input));
    }

    // RFC 8785 section 3.2.3: the order of the members' names.
    [Fact]
    public void Transform_RfcSortSample_SortsByUtf16()
    {
        const string Input = """
            {"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
             "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}
            """;

        using JsonDocument output = JsonDocument.Parse(Transform(Input));

        Assert.Equal(
            ["Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign", "Emoji: Grinning Face", "Hebrew Letter Dalet With Dagesh"],
            output.RootElement.EnumerateObject().Select(p => p.Value.GetString()));
    }

    // RFC 8785 appendix B.
    [Theory]
    [InlineData(0x0000000000000000, "0")]
    [InlineData(0x8000000000000000, "0")]
    [InlineData(0x0000000000000001, "5e-324")]
    [InlineData(0x8000000000000001, "-5e-324")]
    [InlineData(0x7fefffffffffffff, "1.7976931348623157e+308")]
    [InlineData(0xffefffffffffffff, "-1.7976931348623157e+308")]
    [InlineData(0x4340000000000000, "9007199254740992")]
    [InlineData(0xc340000000000000, "-9007199254740992")]
    [InlineData(0x4430000000000000, "295147905179352830000")]
    [InlineData(0x44b52d02c7e14af5, "9.999999999999997e+22")]
    [InlineData(0x44b52d02c7e14af6, "1e+23")]
    [InlineData(0x44b52d02c7e14af7, "1.0000000000000001e+23")]
    [InlineData(0x444b1ae4d6e2ef4e, "999999999999999700000")]
    [InlineData(0x444b1ae4d6e2ef4f, "999999999999999900000")]
    [InlineData(0x444b1ae4d6e2ef50, "1e+21")]
    [InlineData(0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7")]
    [InlineData(0x3eb0c6f7a0b5ed8d, "0.000001")]
    [InlineData(0x41b3de4355555553, "333333333.3333332")]
    [InlineData(0x41b3de4355555554, "333333333.33333325")]
    [InlineData(0x41b3de4355555555, "333333333.3333333")]
    [InlineData(0x41b3de4355555556, "333333333.3333334")]
    [InlineData(0x41b3de4355555557, "333333333.33333343")]
    [InlineData(0xbecbf647612f3696, "-0.0000033333333333333333")]
    [InlineData(0x43143ff3c1cb0959, "1424953923781206.2")]
    public void FormatNumber_RfcAppendixB_IsTheRfcText(ulong bits, string expected) =>
        Assert.Equal(expected, CanonicalJson.FormatNumber(BitConverter.UInt64BitsToDouble(bits)));

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void FormatNumber_NotFinite_Throws(double value) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => CanonicalJson.FormatNumber(value));

    [Fact]
    public void FormatNumber_AnyDouble_ReadsBackTheSame() =>
        Gen.ULong.Select(BitConverter.UInt64BitsToDouble).Where(double.IsFinite).Sample(value =>
        {
            double back = double.Parse(CanonicalJson.FormatNumber(value), CultureInfo.InvariantCulture);
            Assert.True(back.Equals(value) || (value == 0 && back == 0));
        });

    [Theory]
    [InlineData("{\"a\":1,\"a\":2}")]
    [InlineData("{\"a\":1,\"\\u0061\":2}")]
    [InlineData("1e400")]
    [InlineData("[\"\\ud800\"]")]
    [InlineData("[\"\\udc00\"]")]
    [InlineData("{\"\\ud800x\":1}")]
    [InlineData("[1,]")]
    [InlineData("01")]
    [InlineData("NaN")]
    [InlineData("")]
    [InlineData("[1]x")]
    [InlineData("// x\n1")]
    [InlineData("\"\t\"")]
    public void Transform_NotIJson_Refused(string json) =>
        Assert.Equal(RefusalCode.Malformed, CanonicalJson.Transform(Encoding.UTF8.GetBytes(json)).Refusal?.Code);

    [Fact]
    public void Transform_InvalidUtf8_Refused() =>
        Assert.NotNull(CanonicalJson.Transform([(byte)'"', 0xC0, 0xAF, (byte)'"']).Refusal);

    [Fact]
    public void Parse_TooDeepOrTooLarge_Refused()
    {
        Assert.NotNull(HostileJson.Parse(new string('[', 65) + new string(']', 65)).Refusal);
        Assert.Null(HostileJson.Parse(new string('[', 64) + new string(']', 64)).Refusal);
        Assert.Equal(RefusalCode.TooLarge, HostileJson.Parse("\"aaaa\"", 5).Refusal?.Code);
    }

    [Fact]
    public void Write_NodeAndElement_Agree()
    {
        const string Text = """{"z":[1,2.50,-0,1e3,"a\u2028\u007f\ud83d\ude00<>&'+/"],"":null,"b":{"y":true,"x":false}}""";
        JsonElement element = HostileJson.Parse(Text).Require();

        byte[] expected = CanonicalJson.Write(element).Require();

        Assert.Equal(expected, CanonicalJson.Write(JsonNode.Parse(Text)).Require());
        Assert.Equal("{\"\":null,\"b\":{\"x\":false,\"y\":true},\"z\":[1,2.5,0,1000,\"a\u2028\u007f\ud83d\ude00<>&'+/\"]}", Encoding.UTF8.GetString(expected));
    }

    [Fact]
    public void Write_NodeOfDotNetValues_IsCanonical()
    {
        var node = new JsonObject { ["b"] = 1.50, ["a"] = new JsonArray(1, 2L, "x+y", true, null), ["c"] = ulong.MaxValue };

        Assert.Equal("{\"a\":[1,2,\"x+y\",true,null],\"b\":1.5,\"c\":18446744073709552000}", Encoding.UTF8.GetString(CanonicalJson.Write(node).Require()));
    }

    [Fact]
    public void Transform_Twice_IsTheSame() =>
        Gen.String.Array[0, 5].Sample(names =>
        {
            var node = new JsonObject();
            foreach (string name in names.Where(n => !n.Any(char.IsSurrogate)))
            {
                node[name] = name;
            }

            byte[] once = CanonicalJson.Write(node).Require();
            Assert.Equal(once, CanonicalJson.Transform(once).Require());
        });

    [Fact]
    public void Parse_MutatedJson_NeverThrows()
    {
        byte[] seed = Encoding.UTF8.GetBytes("""{"nonce":"+/A=","n":[1.5e-7,-0,{"x":"\ud83d\ude00\u0000"}],"t":true}""");
        Mutations.Sample(seed, bytes =>
        {
            if (HostileJson.Parse(bytes).TryGet(out JsonElement element, out _))
            {
                _ = CanonicalJson.Write(element);
                Walk(element);
            }
        });
    }

    private static void Walk(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty p in element.EnumerateObject())
                {
                    _ = p.Name;
                    Walk(p.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (JsonElement e in element.EnumerateArray())
                {
                    Walk(e);
                }

                break;
            case JsonValueKind.String:
                _ = element.GetString();
                break;
            default:
                break;
        }
    }
}
