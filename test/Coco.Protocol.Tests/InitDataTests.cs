// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Coco.Protocol.Tests;

public sealed class InitDataTests
{
    // kbs-examples.md 4.
    private const string Example = "version = \"0.1.0\"\nalgorithm = \"sha384\"\n\n[data]\n\"aa.toml\" = '''\n[token_configs]\n[token_configs.kbs]\nurl = \"http://192.0.2.10:8080\"\n'''\n\"workload-id\" = \"payroll-7\"\n";

    [Fact]
    public void Parse_Example_HasDigestAndClaimsOfTheExample()
    {
        InitData data = InitData.Parse(Example).Require();

        Assert.Equal("5b19ac2faab4496dc076896f2988133a68ebd7526ba4d63a7a5e9d7a93c2926fa71426d0254733db693a5131f094b770", Hex.Encode(data.Digest()));
        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse("""{"aa.toml":{"token_configs":{"kbs":{"url":"http://192.0.2.10:8080"}}},"workload-id":"payroll-7"}"""),
            data.ToClaims()));
        Assert.Null(data.CheckForAgent());
    }

    [Theory]
    [InlineData("algorithm=\"sha256\"\n[data]\n")]
    [InlineData("version=\"0.1.0\"\n[data]\n")]
    [InlineData("version=\"0.1.0\"\nalgorithm=\"sha256\"\n")]
    [InlineData("version=\"0.1.0\"\nalgorithm=\"sha-256\"\n[data]\n")]
    [InlineData("version=\"0.1.0\"\nalgorithm=\"SHA256\"\n[data]\n")]
    [InlineData("version=1\nalgorithm=\"sha256\"\n[data]\n")]
    [InlineData("version=\"0.1.0\"\nalgorithm=\"sha256\"\ndata=\"x\"\n")]
    [InlineData("version=\"0.1.0\"\nalgorithm=\"sha256\"\n[data]\nx=1\n")]
    [InlineData("version=\"0.1.0\"\nalgorithm=\"sha256\"\n[data]\nx=[\"a\"]\n")]
    [InlineData("version=\"0.1.0\"\nversion=\"0.1.0\"\nalgorithm=\"sha256\"\n[data]\n")]
    [InlineData("{\"version\":\"0.1.0\"}")]
    [InlineData("\uFEFF\uFFFF = ")]
    public void Parse_NotADocument_Refused(string text) => Assert.NotNull(InitData.Parse(text).Refusal);

    [Theory]
    [InlineData("policy_data := {\"a\":1}", true)]
    [InlineData("package p\npolicy_data := {\"a\":[1,2]}\n", true)]
    [InlineData("policy_data := {\"a\":1} # more", false)]
    [InlineData("policy_data := {a:1}", false)]
    [InlineData("package p", false)]
    public void ToClaims_Policy_ReplacedOnlyWhenTheDataIsJsonToTheEnd(string policy, bool replaced)
    {
        InitData data = InitData.Parse("version='0.1.0'\nalgorithm='sha256'\n[data]\n\"policy.rego\"='''" + policy + "'''").Require();

        JsonObject claims = data.ToClaims();

        Assert.Equal(replaced, claims.ContainsKey("agent_policy_claims"));
        Assert.Equal(!replaced, claims.ContainsKey("policy.rego"));
    }

    [Fact]
    public void CheckForAgent_Sm3OrOtherVersion_Refused()
    {
        Assert.NotNull(InitData.Parse("version='0.1.0'\nalgorithm='sm3'\n[data]\n").Require().CheckForAgent());
        Assert.NotNull(InitData.Parse("version='0.2.0'\nalgorithm='sha256'\n[data]\n").Require().CheckForAgent());
    }

    [Fact]
    public void Package_AnnotationAndDisk_RoundTrip()
    {
        byte[] document = Encoding.UTF8.GetBytes(Example);

        Assert.Equal(document, InitDataPackage.FromAnnotation(InitDataPackage.ToAnnotation(document)).Require());
        byte[] disk = InitDataPackage.ToDisk(document);
        Assert.Equal(0, disk.Length % 512);
        Assert.Equal(document, InitDataPackage.FromDisk(disk).Require());
    }

    [Fact]
    public void FromAnnotation_EveryCutAndABomb_Refused()
    {
        byte[] gzip = StrictBase64.DecodeStandard(InitDataPackage.ToAnnotation(Encoding.UTF8.GetBytes(Example))).Require();
        for (int length = 0; length < gzip.Length; length++)
        {
            Assert.NotNull(InitDataPackage.FromAnnotation(StrictBase64.EncodeStandard(gzip.AsSpan(0, length))).Refusal);
        }

        string bomb = InitDataPackage.ToAnnotation(new byte[8 << 20]);
        Assert.Equal(RefusalCode.TooLarge, InitDataPackage.FromAnnotation(bomb).Refusal?.Code);
    }

    [Fact]
    public void Parse_Mutated_NeverThrows()
    {
        Mutations.Sample(Encoding.UTF8.GetBytes(Example), bytes =>
        {
            if (InitData.Parse(bytes).TryGet(out InitData? data, out _))
            {
                _ = data.ToClaims();
                _ = data.Digest();
            }
        });
        Mutations.Sample(InitDataPackage.ToDisk(Encoding.UTF8.GetBytes(Example)), bytes => _ = InitDataPackage.FromDisk(bytes));
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a=")]
    [InlineData("[[")]
    public void Toml_VeryDeep_RefusedWithoutExhaustingTheStack(string open)
    {
        string deep = "x = " + string.Concat(Enumerable.Repeat(open, 100_000));

        Assert.Equal(RefusalCode.TooLarge, TomlJson.Parse(deep).Refusal?.Code);
    }

    [Theory]
    [InlineData("a = \"[[[\" # [[[[\nb = '''[''''\nc = \"\"\"[\\\"\"\"\"")]
    public void Toml_BracketsInStrings_AreNoNesting(string text)
    {
        JsonObject json = TomlJson.Parse(text).Require();

        Assert.Equal("[[[", json["a"]!.GetValue<string>());
        Assert.Equal("['", json["b"]!.GetValue<string>());
        Assert.Equal("[\"", json["c"]!.GetValue<string>());
    }

    [Theory]
    [InlineData(67)]
    [InlineData(20_000)]
    [InlineData(100_000)]
    public void Toml_DottedDeep_RefusedWithoutExhaustingTheStack(int depth)
    {
        string keys = string.Join('.', Enumerable.Repeat("a", depth));

        Assert.NotNull(TomlJson.Parse("[" + keys + "]\nx=1").Refusal);
        Assert.NotNull(TomlJson.Parse(keys + " = 1").Refusal);
        Assert.NotNull(TomlJson.Parse("[[" + keys + "]]\nx=1").Refusal);
    }

    [Theory]
    [InlineData("a=1\na=2")]
    [InlineData("[a]\nx=1\n[a]\ny=1")]
    [InlineData("a={x=1,x=2}")]
    [InlineData("[[a]]\n[a]")]
    [InlineData("a=[]\n[[a]]")]
    [InlineData("[a]\nb.c=1\nb.c=2")]
    [InlineData("a.b=1\n[a]\nb=2")]
    [InlineData("\"a\"=1\n'a'=2")]
    public void Toml_DuplicateKeys_Refused(string text) => Assert.Equal(RefusalCode.Malformed, TomlJson.Parse(text).Refusal?.Code);

    [Fact]
    public void Toml_AllKinds_HaveTheirJson()
    {
        const string Text = """
            i = -7
            h = 0xff
            f = 1.5
            b = true
            d = 1979-05-27T07:32:00Z
            a = [1, "x", [true]]
            t = {x = 1, y.z = 2}
            [[list]]
            n = 1
            [[list]]
            n = 2
            """;

        Assert.Equal(
            """{"i":-7,"h":255,"f":1.5,"b":true,"d":"1979-05-27T07:32:00Z","a":[1,"x",[true]],"t":{"x":1,"y":{"z":2}},"list":[{"n":1},{"n":2}]}""",
            TomlJson.Parse(Text).Require().ToJsonString());
        Assert.NotNull(TomlJson.Parse("x = inf").Refusal);
        Assert.NotNull(TomlJson.Parse("x = 99999999999999999999").Refusal);
    }

    [Fact]
    public void Fit_DigestAndRegister_PadsOrCutsAtTheEnd()
    {
        byte[] digest = SHA384.HashData("x"u8);

        Assert.Equal(digest[..32], InitData.Fit(digest, 32));
        Assert.Equal([.. digest, .. new byte[16]], InitData.Fit(digest, 64));
    }
}
