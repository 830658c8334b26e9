// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.ShangMi;

namespace Coco.Core.Tests.Crypto;

public sealed class DigestsTests
{
    // FIPS 180-4 examples; GB/T 32905 appendix A.1.
    [Theory]
    [InlineData(DigestAlgorithm.Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData(DigestAlgorithm.Sha384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7")]
    [InlineData(DigestAlgorithm.Sha512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")]
    [InlineData(DigestAlgorithm.Sm3, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")]
    public void Compute_Abc_IsTheStandardsDigest(DigestAlgorithm algorithm, string expected)
    {
        byte[] digest = algorithm.Compute("abc"u8);

        Assert.Equal(expected, Hex.Encode(digest));
        Assert.Equal(algorithm.Length(), digest.Length);
        Assert.True(Digests.TryParse(algorithm.ToWireName().ToUpperInvariant(), ignoreCase: true, out DigestAlgorithm again));
        Assert.Equal(algorithm, again);
        Assert.False(Digests.TryParse(algorithm.ToWireName().ToUpperInvariant(), ignoreCase: false, out _));
    }

    [Fact]
    public void Extend_TwoParts_IsTheDigestOfBoth() =>
        Assert.Equal(Sm3.HashData(Encoding.ASCII.GetBytes("abcabc")), Sm3.Extend("abc"u8, "abc"u8));
}
