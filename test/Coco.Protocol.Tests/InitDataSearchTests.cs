// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;

namespace Coco.Protocol.Tests;

/// <summary>Registers that hold the digest of another document than the expected one; the search has to name what differs.</summary>
public sealed class InitDataSearchTests
{
    private const string Document = "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n\"a\" = \"b\"\n";

    private static readonly (string, ReadOnlyMemory<byte>)[] Documents = [("initdata.toml", Encoding.UTF8.GetBytes(Document)), ("old.toml", Encoding.UTF8.GetBytes(Document + "#\n"))];

    public static TheoryData<string, string> Changes => new()
    {
        { Document, string.Empty },
        { Document + "\n", "when the document ends in one more newline" },
        { Document[..^1], "when the document does not end in a newline" },
        { Document.Replace("\n", "\r\n", StringComparison.Ordinal), "when the document's lines end in carriage return and newline" },
        { "\uFEFF" + Document, "when the document begins with a byte order mark" },
        { "\n" + Document, "when the document begins with a newline" },
        { Convert.ToBase64String(Encoding.UTF8.GetBytes(Document)), "when its base64 text is hashed" },
        { Document + "#\n", "with the init-data old.toml" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void Find_OtherDocument_IsNamed(string document, string change)
    {
        byte[] digest = SHA256.HashData(Encoding.UTF8.GetBytes(document));

        Assert.Equal(change, string.Join('|', Assert.Single(InitDataSearch.Find(digest, Documents, d => InitData.Fit(d, 32)))));
        Assert.Equal(change, string.Join('|', Assert.Single(InitDataSearch.Find(SHA256.HashData([.. new byte[32], .. digest]), Documents, d => d.Length == 32 ? SHA256.HashData([.. new byte[32], .. d]) : null))));
    }

    [Fact]
    public void Find_OtherHash_IsNamed()
    {
        byte[] register = SHA384.HashData(Encoding.UTF8.GetBytes(Document));

        Assert.Equal(["when it is hashed with sha384"], Assert.Single(InitDataSearch.Find(register, Documents, d => InitData.Fit(d, 48))));
    }

    [Fact]
    public void Find_ZeroOrUnknownRegister_SaysSoOrNothing()
    {
        Assert.Equal(["when the guest got no init-data: the register is zero"], Assert.Single(InitDataSearch.Find(new byte[32], Documents, d => InitData.Fit(d, 32))));
        Assert.Empty(InitDataSearch.Find(SHA256.HashData("x"u8), Documents, d => InitData.Fit(d, 32)));
    }
}
