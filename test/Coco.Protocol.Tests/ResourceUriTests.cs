// SPDX-License-Identifier: Apache-2.0
using CsCheck;

namespace Coco.Protocol.Tests;

public sealed class ResourceUriTests
{
    private const string Invalid = "invalid kbs resource uri, should be kbs://<addr-of-kbs>/<repo>/<type>/<tag>";

    // kbs.md 1.2, by number.
    [Theory]
    [InlineData("kbs:///alice/cosign-key/213", "resource", "", "alice|cosign-key|213", null)]
    [InlineData("kbs:///repo/type/tag?param1=value1&param2=value2", "resource", "", "repo|type|tag", "param1=value1&param2=value2")]
    [InlineData("kbs+pkcs11:///repo/type/tag", "pkcs11", "", "repo|type|tag", null)]
    [InlineData("kbs+myplugin:///a/b/c", "myplugin", "", "a|b|c", null)]
    [InlineData("kbs+custom://example.com:8080/repo/type/tag", "custom", "example.com:8080", "repo|type|tag", null)]
    [InlineData("kbs+resource:///repo/type/tag", "resource", "", "repo|type|tag", null)]
    [InlineData("kbs://127.0.0.1:8081/alice/cosign-key/213", "resource", "127.0.0.1:8081", "alice|cosign-key|213", null)]
    [InlineData("kbs://127.0.0.1/alice/cosign-key/213", "resource", "127.0.0.1", "alice|cosign-key|213", null)]
    [InlineData("kbs:///repo/nested/type/tag/extra", "resource", "", "repo|nested|type|tag|extra", null)]
    [InlineData("kbs:///", "resource", "", "", null)]
    [InlineData("KBS:///a/b/c", "resource", "", "a|b|c", null)]
    [InlineData("kbs+PKCS11:///a/b/c", "pkcs11", "", "a|b|c", null)]
    [InlineData("kbs:///a/../b/c", "resource", "", "b|c", null)]
    [InlineData("kbs:///a/%2e%2e/b/c", "resource", "", "b|c", null)]
    [InlineData("kbs:///a b/c/d", "resource", "", "a%20b|c|d", null)]
    [InlineData("kbs:///a//c", "resource", "", "a||c", null)]
    [InlineData("kbs:///a/b/c/", "resource", "", "a|b|c|", null)]
    [InlineData("kbs:/a/b/c", "resource", "", "a|b|c", null)]
    [InlineData("kbs://[::1]:8080/a/b/c", "resource", "[::1]:8080", "a|b|c", null)]
    [InlineData("kbs://user:pw@host:1/a/b/c#f", "resource", "host:1", "a|b|c", null)]
    [InlineData("kbs+kbs+x:///a", "x", "", "a", null)]
    [InlineData("kbs:///a?", "resource", "", "a", "")]
    [InlineData("kbs://Host/a", "resource", "Host", "a", null)]
    [InlineData("kbs:///a\\b/c", "resource", "", "a\\b|c", null)]
    [InlineData("kbs:///a/.%2E", "resource", "", "", null)]
    [InlineData("kbs:///%41/ä", "resource", "", "%41|%C3%A4", null)]
    [InlineData("kbs://[2001:DB8:0:0:1:0:0:1]/a", "resource", "[2001:db8::1:0:0:1]", "a", null)]
    [InlineData("kbs://[::ffff:1.2.3.4]/a", "resource", "[::ffff:102:304]", "a", null)]
    public void Parse_Accepted_HasTheseParts(string text, string plugin, string address, string segments, string? query)
    {
        ResourceUri uri = ResourceUri.Parse(text).Require();

        Assert.Equal(plugin, uri.Plugin);
        Assert.Equal(address, uri.KbsAddress);
        Assert.Equal(segments.Split('|'), uri.Segments);
        Assert.Equal(query, uri.Query);
        Assert.Equal(uri, ResourceUri.Parse(uri.ToString()).Require());
    }

    [Theory]
    [InlineData("http:///repo/type/tag", "scheme must be kbs or kbs+<plugin>")]
    [InlineData("kbs+:///repo/type/tag", "scheme kbs+ requires a plugin name, e.g. kbs+pkcs11")]
    [InlineData("kbs://host", Invalid)]
    [InlineData("kbs://h:99999/a/b/c", Invalid)]
    [InlineData("kbs", Invalid)]
    [InlineData("", Invalid)]
    [InlineData("kbs+a_b:///x/y/z", Invalid)]
    [InlineData("kbs:a/b/c", Invalid)]
    [InlineData("kbs://h:x/a", Invalid)]
    [InlineData("kbs://:80/a", Invalid)]
    [InlineData("kbs://user@/a", Invalid)]
    [InlineData("kbs://[::1/a", Invalid)]
    [InlineData("kbs://a b/c", Invalid)]
    [InlineData("kbs://[::1%25lo]/a", Invalid)]
    public void Parse_Rejected_HasTheKnownText(string text, string expected) =>
        Assert.Equal(expected, ResourceUri.Parse(text).Refusal?.Detail);

    [Theory]
    [InlineData("kbs:///a/b/c", true)]
    [InlineData("kbs:///repo/nested/type/tag/extra", false)]
    [InlineData("kbs:///", false)]
    [InlineData("kbs:///a/../b/c", false)]
    [InlineData("kbs:///a b/c/d", false)]
    [InlineData("kbs:///a//c", false)]
    [InlineData("kbs:///a/b/c/", false)]
    [InlineData("kbs+pkcs11:///a/b/c", false)]
    [InlineData("kbs:///a/%2f/c", false)]
    public void ToResourcePath_OnlyThreePlainSegments(string text, bool accepted) =>
        Assert.Equal(accepted, ResourceUri.Parse(text).Require().ToResourcePath().Refusal is null);

    [Fact]
    public void ToString_ResourcePlugin_IsWrittenAsKbs()
    {
        Assert.Equal("kbs:///repo/type/tag", ResourceUri.Parse("kbs+resource:///repo/type/tag").Require().ToString());
        Assert.Equal(ResourceUri.Parse("kbs:///a/b/c").Require(), ResourceUri.Parse("kbs+resource:///a/b/c").Require());
        Assert.Equal("/kbs/v0/pkcs11/a/b?x=1", ResourceUri.Parse("kbs+pkcs11://h/a/b?x=1").Require().HttpPath);
    }

    [Theory]
    [InlineData("kbs:///a/b/c", "https://h:8081", "https://h:8081/kbs/v0/resource/a/b/c")]
    [InlineData("kbs://h:8081/a/b/c", "https://h:8081/", "https://h:8081/kbs/v0/resource/a/b/c")]
    [InlineData("kbs://other/a/b/c", "https://h:8081", null)]
    [InlineData("kbs+pkcs11:///a/b/c", "https://h:8081", null)]
    [InlineData("kbs:///a/b/c?x", "https://h:8081", null)]
    [InlineData("kbs:///a/b", "https://h:8081", null)]
    public void ToLegacyUrl_HostMustBeTheConfiguredOne(string text, string kbs, string? url)
    {
        Result<string> result = ResourceUri.Parse(text).Require().ToLegacyUrl(kbs);

        Assert.Equal(url, result.TryGet(out string? actual, out _) ? actual : null);
    }

    [Fact]
    public void Parse_AnyText_NeverThrowsAndWritesWhatItReadsBack() =>
        Gen.Char["kbs+:/?#@[]%2e. .ab1\\\t\ud800é"].Array[0, 24].Sample(chars =>
        {
            if (ResourceUri.Parse("kbs:" + new string(chars)).TryGet(out ResourceUri? uri, out _))
            {
                Assert.DoesNotContain("..", uri.Segments);
                Assert.Equal(uri, ResourceUri.Parse(uri.ToString()).Require());
                _ = uri.ToResourcePath();
                _ = uri.HttpPath;
            }
        });
}
