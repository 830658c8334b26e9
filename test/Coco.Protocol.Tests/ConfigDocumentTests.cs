// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Protocol.Tests;

public sealed class ConfigDocumentTests
{
    private const string Toml = "x = 1\n[http_server]\nsockets = [\"127.0.0.1:8080\"]\ninsecure_http = false\n[[plugins]]\nname = \"resource\"\n[[plugins]]\nname = \"pkcs11\"\npin = \"1234\"\n";
    private const string Json = """{"x":1,"http_server":{"sockets":["127.0.0.1:8080"],"insecure_http":false},"plugins":[{"name":"resource"},{"name":"pkcs11","pin":"1234"}]}""";
    private const string Yaml = "x: 1\nhttp_server:\n  sockets: ['127.0.0.1:8080']\n  insecure_http: false\nplugins:\n  - name: resource\n  - name: pkcs11\n    pin: \"1234\"\n";

    private static ConfigDocument Read(string text, ConfigSyntax syntax) => ConfigDocument.Parse(Encoding.UTF8.GetBytes(text), syntax).Require();

    [Fact]
    public void Parse_ThreeSyntaxes_GiveTheSameTree()
    {
        Assert.Equal(Json, Read(Toml, ConfigSyntax.Toml).Root.ToJsonString());
        Assert.Equal(Json, Read(Json, ConfigSyntax.Json).Root.ToJsonString());
        Assert.Equal(Json, Read(Yaml, ConfigSyntax.Yaml).Root.ToJsonString());
    }

    [Theory]
    [InlineData("a.toml", ConfigSyntax.Toml)]
    [InlineData("/etc/a.JSON", ConfigSyntax.Json)]
    [InlineData("a.yml", ConfigSyntax.Yaml)]
    [InlineData("a.yaml", ConfigSyntax.Yaml)]
    [InlineData("kbs-config", ConfigSyntax.Toml)]
    public void SyntaxOf_Extension_Decides(string path, ConfigSyntax syntax) => Assert.Equal(syntax, ConfigDocument.SyntaxOf(path));

    [Theory]
    [InlineData("a: &x 1\nb: *x")]
    [InlineData("a: !!str 1")]
    [InlineData("a: 1\na: 2")]
    [InlineData("? [a]\n: 1")]
    [InlineData("<<: {a: 1}")]
    [InlineData("a: 1\n---\nb: 2")]
    [InlineData("[1]")]
    [InlineData("a: [1")]
    [InlineData("a: \"\\z\"")]
    [InlineData("\t- x")]
    public void Yaml_WhatIsNotAccepted_Refused(string text) => Assert.NotNull(ConfigDocument.Parse(Encoding.UTF8.GetBytes(text), ConfigSyntax.Yaml).Refusal);

    [Fact]
    public void Yaml_Scalars_FollowTheCoreSchema() => Assert.Equal(
        """{"a":null,"b":null,"c":true,"d":"yes","e":-7,"f":255,"g":1.5,"h":"1.2.3","i":"127.0.0.1:80","j":"null","k":"0o7","l":"-","m":null}""",
        Read("a:\nb: ~\nc: True\nd: yes\ne: -7\nf: 0xff\ng: 1.5\nh: 1.2.3\ni: 127.0.0.1:80\nj: 'null'\nk: 0o7\nl: '-'\nm: null", ConfigSyntax.Yaml).Root.ToJsonString());

    [Fact]
    public void Yaml_VeryDeep_Refused()
    {
        Assert.NotNull(ConfigDocument.Parse(Encoding.UTF8.GetBytes("a: " + new string('[', 5000)), ConfigSyntax.Yaml).Refusal);
        Assert.NotNull(ConfigDocument.Parse(Encoding.UTF8.GetBytes("a: " + string.Concat(Enumerable.Repeat("{b: ", 5000))), ConfigSyntax.Yaml).Refusal);
    }

    [Fact]
    public void ApplyEnvironment_PrefixedNames_Overlay()
    {
        ConfigDocument document = Read(Toml, ConfigSyntax.Toml);
        Dictionary<string, string> variables = new()
        {
            ["COCO_KBS__HTTP_SERVER__INSECURE_HTTP"] = "true",
            ["COCO_KBS__HTTP_SERVER__PAYLOAD_REQUEST_SIZE"] = "4",
            ["COCO_KBS__PLUGINS__1__PIN"] = "5678",
            ["COCO_KBS__HTTP_SERVER__SOCKETS"] = "[\"[::]:9\"]",
            ["COCO_AS__X"] = "2",
            ["PATH"] = "/bin",
        };

        Assert.Null(document.ApplyEnvironment(variables, "COCO_KBS__"));

        Assert.Equal(
            """{"x":1,"http_server":{"sockets":["[::]:9"],"insecure_http":true,"payload_request_size":4},"plugins":[{"name":"resource"},{"name":"pkcs11","pin":"5678"}]}""",
            document.Root.ToJsonString());
    }

    [Theory]
    [InlineData("http_server.insecure_http=true", "http_server.insecure_http", "true")]
    [InlineData("new.deep.key=text=with=signs", "new.deep.key", "\"text=with=signs\"")]
    [InlineData("x=", "x", "\"\"")]
    [InlineData("x=null", "x", null)]
    [InlineData("x=1.5.2", "x", "\"1.5.2\"")]
    [InlineData("x={\"a\":[1]}", "x", "{\"a\":[1]}")]
    public void ApplySetting_Values_AreJsonOrText(string setting, string path, string? json)
    {
        ConfigDocument document = Read(Toml, ConfigSyntax.Toml);

        Assert.Null(document.ApplySetting(setting));

        System.Text.Json.Nodes.JsonNode? node = document.Root;
        foreach (string part in path.Split('.'))
        {
            node = node![part];
        }

        Assert.Equal(json, node?.ToJsonString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("=1")]
    [InlineData("a..b=1")]
    [InlineData(".a=1")]
    [InlineData("a.=1")]
    [InlineData("\"a=1")]
    [InlineData("\"a\"b=1")]
    [InlineData("x.y=1")]
    [InlineData("plugins.7.name=1")]
    [InlineData("plugins.name=1")]
    public void ApplySetting_BadSettings_Refused(string setting) => Assert.NotNull(Read(Toml, ConfigSyntax.Toml).ApplySetting(setting));

    [Fact]
    public void ApplySetting_QuotedPart_MayHoldDots()
    {
        var document = new ConfigDocument();

        Assert.Null(document.ApplySetting("a.\"b.c\".d=1"));

        Assert.Equal("""{"a":{"b.c":{"d":1}}}""", document.Root.ToJsonString());
    }

    [Fact]
    public void Section_Mistakes_AreGatheredWithTheirPaths()
    {
        var problems = new ConfigProblems();
        ConfigSection top = Read("a = 1\nflag = \"yes\"\nport = 70000\nmode = \"x\"\nlist = [\"a\", 2]\n[t]\nk = true\nk_old = true\nextra = 1\n[[s]]\nn = 1\n", ConfigSyntax.Toml).AsSection(problems);

        Assert.Null(top.Text("a"));
        Assert.Null(top.Flag("flag"));
        Assert.Null(top.Number("port", 1, 65535));
        Assert.Null(top.Choice("mode", "a", "b"));
        Assert.Equal(["a"], top.Texts("list"));
        Assert.Equal("", top.RequireText("missing"));
        ConfigSection inner = top.Section("t")!;
        Assert.True(inner.Flag("k", "k_old"));
        inner.CheckUnknownKeys(isError: true);
        Assert.Equal(1, Assert.Single(top.Sections("s")).Number("n"));
        top.CheckUnknownKeys(isError: false);

        Assert.Equal(["a", "flag", "port", "mode", "list[1]", "missing", "t.k_old", "t.extra"], problems.Errors.Select(e => e.Path));
        Assert.Empty(problems.Warnings);
        Assert.Equal("port: the number 70000; allowed: a whole number from 1 to 65535", problems.Errors[2].ToString());
    }

    [Fact]
    public void Parse_MutatedFiles_NeverThrow()
    {
        foreach ((string text, ConfigSyntax syntax) in ((string, ConfigSyntax)[])[(Toml, ConfigSyntax.Toml), (Json, ConfigSyntax.Json), (Yaml, ConfigSyntax.Yaml)])
        {
            Mutations.Sample(Encoding.UTF8.GetBytes(text), bytes => _ = ConfigDocument.Parse(bytes, syntax));
        }
    }
}
