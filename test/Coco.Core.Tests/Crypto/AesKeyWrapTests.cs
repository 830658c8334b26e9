// SPDX-License-Identifier: Apache-2.0
using CsCheck;

namespace Coco.Core.Tests.Crypto;

public sealed class AesKeyWrapTests
{
    // RFC 3394 sections 4.1 to 4.6.
    public static TheoryData<string, string, string> RfcExamples() => new()
    {
        { "000102030405060708090A0B0C0D0E0F", "00112233445566778899AABBCCDDEEFF", "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5" },
        { "000102030405060708090A0B0C0D0E0F1011121314151617", "00112233445566778899AABBCCDDEEFF", "96778B25AE6CA435F92B5B97C050AED2468AB8A17AD84E5D" },
        { "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", "00112233445566778899AABBCCDDEEFF", "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7" },
        { "000102030405060708090A0B0C0D0E0F1011121314151617", "00112233445566778899AABBCCDDEEFF0001020304050607", "031D33264E15D33268F24EC260743EDCE1C6C7DDEE725A936BA814915C6762D2" },
        { "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", "00112233445566778899AABBCCDDEEFF0001020304050607", "A8F9BC1612C68B3FF6E6F4FBE30E71E4769C8B80A32CB8958CD5D17D6B254DA1" },
        { "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F", "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21" },
    };

    [Theory]
    [MemberData(nameof(RfcExamples))]
    public void Wrap_RfcExamples_GiveTheRfcOutput(string kek, string key, string wrapped)
    {
        byte[] k = Convert.FromHexString(kek), plain = Convert.FromHexString(key);
        byte[] managed = new byte[plain.Length + 8];
        AesKeyWrap.WrapManaged(k, plain, managed);

        Assert.Equal(wrapped, Convert.ToHexString(AesKeyWrap.Wrap(k, plain)));
        Assert.Equal(wrapped, Convert.ToHexString(managed));
        using Secret back = AesKeyWrap.Unwrap(k, Convert.FromHexString(wrapped)).Require();
        Assert.Equal(key, Convert.ToHexString(back.Reveal()));
    }

    [Fact]
    public void Unwrap_EveryFlippedBit_Refused()
    {
        byte[] kek = Convert.FromHexString("000102030405060708090A0B0C0D0E0F");
        byte[] wrapped = Convert.FromHexString("1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5");
        for (int bit = 0; bit < wrapped.Length * 8; bit++)
        {
            byte[] bad = [.. wrapped];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(RefusalCode.BadSignature, AesKeyWrap.Unwrap(kek, bad).Refusal?.Code);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(25)]
    [InlineData(80)]
    public void Unwrap_ImpossibleLength_Refused(int length) =>
        Assert.Equal(RefusalCode.Malformed, AesKeyWrap.Unwrap(new byte[32], new byte[length]).Refusal?.Code);

    [Fact]
    public void Wrap_ManagedAndNative_Agree() =>
        Gen.Select(Gen.Byte.Array[32, 32], Gen.Byte.Array[32, 32]).Sample((kek, key) =>
        {
            byte[] managed = new byte[40];
            AesKeyWrap.WrapManaged(kek, key, managed);
            Assert.Equal(managed, AesKeyWrap.Wrap(kek, key));
            using Secret back = AesKeyWrap.Unwrap(kek, managed).Require();
            Assert.True(back.Matches(key));
        });

    // RFC 7518 appendix C: ECDH-ES with A128GCM.
    [Fact]
    public void ConcatKdf_RfcExample_GivesTheRfcKey()
    {
        byte[] z = [158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196];
        byte[] key = new byte[16];

        ConcatKdf.Derive(z, "A128GCM", "Alice"u8, "Bob"u8, key);

        Assert.Equal("VqqN6vgjbSBcIijNcacQGg", StrictBase64.EncodeUrl(key));
    }

    // kbs.md 4.4: computed with two independent implementations.
    [Fact]
    public void ConcatKdf_KeyBrokerExample_GivesTheKey()
    {
        byte[] kek = new byte[32];

        ConcatKdf.Derive(Convert.FromHexString("9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4"), "ECDH-ES+A256KW", default, default, kek);

        Assert.Equal("89ab838633757805bd678cb164f2427776824e8f784152f23747096449921f46", Convert.ToHexStringLower(kek));
        Assert.Equal(
            "T0NVWKoWucQiDmmVc2dmvQ8xVyt-7o5H1C0MnaCf5KFFpsfACs-0RQ",
            StrictBase64.EncodeUrl(AesKeyWrap.Wrap(kek, Enumerable.Range(0, 32).Select(i => (byte)i).ToArray())));
    }
}
