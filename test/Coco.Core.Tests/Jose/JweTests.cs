// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CsCheck;

namespace Coco.Core.Tests;

public sealed class JweTests
{
    private const JweAlgorithms All = (JweAlgorithms)~0;

    public static TheoryData<string> Rfc() => [.. RfcExamples.Sources("jwe")];

    public static TheoryData<JweAlgorithms, string> Keys() => new()
    {
        { JweAlgorithms.EcdhEsA256Kw, "P-256" },
        { JweAlgorithms.EcdhEsA256Kw, "P-521" },
        { JweAlgorithms.RsaOaep256, "" },
        { JweAlgorithms.RsaOaep, "" },
        { JweAlgorithms.Rsa15, "" },
        { JweAlgorithms.MlKem768A192Kw, "" },
    };

    [Theory]
    [MemberData(nameof(Rfc))]
    public void Decrypt_RfcExamples_GiveTheRfcPlaintext(string source)
    {
        JsonElement example = RfcExamples.Get("jwe", source);
        using JweDecryptionKey key = JweDecryptionKey.FromJwk(example.GetProperty("key"), JweAlgorithms.RsaOaep).Require();
        byte[] expected = Encoding.UTF8.GetBytes(example.GetProperty("plaintext").GetString()!);

        using Secret compact = key.Decrypt(JweMessage.ParseCompact(example.GetProperty("compact").GetString()!).Require(), JweAlgorithms.Image).Require();

        Assert.Equal(expected, compact.Reveal().ToArray());
        foreach (string form in (string[])["flattened", "general"])
        {
            if (example.TryGetProperty(form, out JsonElement json))
            {
                using Secret plain = key.Decrypt(JweMessage.ParseJson(Encoding.UTF8.GetBytes(json.GetRawText())).Require(), JweAlgorithms.Image).Require();
                Assert.Equal(expected, plain.Reveal().ToArray());
            }
        }
    }

    public static TheoryData<string> RfcRefused() => [.. RfcExamples.Sources("jweRefused")];

    // Right by the RFC, and with other algorithms than the protocols here use.
    [Theory]
    [MemberData(nameof(RfcRefused))]
    public void Decrypt_RfcExamplesOfOtherAlgorithms_Refused(string source)
    {
        using JweDecryptionKey key = JweDecryptionKey.Generate(JweAlgorithms.EcdhEsA256Kw);

        Result<JweMessage> message = JweMessage.ParseCompact(RfcExamples.Get("jweRefused", source).GetProperty("compact").GetString()!);

        Assert.True(!message.TryGet(out JweMessage? parsed, out Refusal? refusal) || key.Decrypt(parsed, All).Refusal is not null);
        Assert.True(refusal is null or { Code: RefusalCode.Unsupported or RefusalCode.Malformed });
    }

    // kbs.md 4.4.
    [Fact]
    public void Decrypt_KeyBrokerExample_GivesThePlaintext()
    {
        JsonElement jwk = HostileJson.Parse("""
            {"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck","d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}
            """).Require();
        using JweDecryptionKey key = JweDecryptionKey.FromJwk(jwk).Require();
        byte[] body = """
            {"protected":"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2IjoiUC0yNTYiLCJrdHkiOiJFQyIsIngiOiJnSTBHQUlMQmR1N1Q1M2FrckZtTXlHY3NGM241ZE83TW13TkJIS1c1U1YwIiwieSI6IlNMV194U2ZmemxQV3JIRVZJMzBESE1fNGVnVnd0M05RcWVVRDduTUZwcHMifX0","encrypted_key":"T0NVWKoWucQiDmmVc2dmvQ8xVyt-7o5H1C0MnaCf5KFFpsfACs-0RQ","iv":"oKGio6Slpqeoqaqr","ciphertext":"jn0QQSrnItwNBug","tag":"uGeGW01lKfSiAvvvUED_kQ"}
            """u8.ToArray();

        using Secret plain = key.Decrypt(JweMessage.ParseFlattened(body).Require(), JweAlgorithms.KeyBroker).Require();

        Assert.Equal("hello, coco", Encoding.UTF8.GetString(plain.Reveal()));
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void Encrypt_EveryKeyAndForm_Decrypts(JweAlgorithms algorithm, string curve)
    {
        using JweDecryptionKey key = curve.Length == 0 ? JweDecryptionKey.Generate(algorithm) : JweDecryptionKey.Generate(algorithm, curve);
        using JweRecipient recipient = JweRecipient.Create(key.PublicJwk, algorithm).Require();
        using JweRecipient managed = JweRecipient.Create(key.PublicJwk, algorithm, managed: true).Require();
        foreach (byte[] plaintext in (byte[][])[[], [1], "hello, coco"u8.ToArray(), RandomNumberGenerator.GetBytes(100_000)])
        {
            foreach (JweRecipient r in (JweRecipient[])[recipient, managed])
            {
                using Secret a = key.Decrypt(JweMessage.ParseFlattened(r.Encrypt(plaintext)).Require(), algorithm).Require();
                using Secret b = key.Decrypt(JweMessage.ParseCompact(Encoding.ASCII.GetString(r.Encrypt(plaintext, JweSerialization.Compact))).Require(), algorithm).Require();
                Assert.True(a.Matches(plaintext));
                Assert.True(b.Matches(plaintext));
            }
        }

        Assert.Equal(RefusalCode.Unsupported, key.Decrypt(JweMessage.ParseFlattened(recipient.Encrypt("x"u8)).Require(), All & ~algorithm).Refusal?.Code);
    }

    // The client hashes the header that it re-serialises, so the bytes must be exactly these (kbs.md 4.1).
    [Fact]
    public void Encrypt_Flattened_HasTheExactMembersAndHeader()
    {
        using JweDecryptionKey key = JweDecryptionKey.Generate(JweAlgorithms.EcdhEsA256Kw);
        using JweRecipient recipient = JweRecipient.Create(key.PublicJwk, JweAlgorithms.KeyBroker).Require();

        using JsonDocument body = JsonDocument.Parse(recipient.Encrypt("x"u8));

        Assert.Equal(["protected", "encrypted_key", "iv", "ciphertext", "tag"], body.RootElement.EnumerateObject().Select(p => p.Name));
        string header = Encoding.UTF8.GetString(StrictBase64.DecodeUrl(body.RootElement.GetProperty("protected").GetString()).Require());
        Assert.Matches("^\\{\"alg\":\"ECDH-ES\\+A256KW\",\"enc\":\"A256GCM\",\"epk\":\\{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"[A-Za-z0-9_-]{43}\",\"y\":\"[A-Za-z0-9_-]{43}\"\\}\\}\\z", header);
    }

    [Theory]
    [InlineData(JweAlgorithms.RsaOaep256, """{"alg":"RSA-OAEP-256","enc":"A256GCM"}""")]
    [InlineData(JweAlgorithms.Rsa15, """{"alg":"RSA1_5","enc":"A256GCM"}""")]
    public void Encrypt_Rsa_HasTheExactHeader(JweAlgorithms algorithm, string expected)
    {
        using JweDecryptionKey key = JweDecryptionKey.Generate(algorithm);
        using JweRecipient recipient = JweRecipient.Create(key.PublicJwk, algorithm).Require();

        string compact = Encoding.ASCII.GetString(recipient.Encrypt("x"u8, JweSerialization.Compact));

        Assert.Equal(expected, Encoding.UTF8.GetString(StrictBase64.DecodeUrl(compact.Split('.')[0]).Require()));
    }

    [Fact]
    public void Encrypt_Legacy_HasTheFormOfOldClients()
    {
        using JweDecryptionKey key = JweDecryptionKey.Generate(JweAlgorithms.Rsa15);
        using JweRecipient recipient = JweRecipient.Create(key.PublicJwk, JweAlgorithms.Rsa15).Require();
        byte[] body = recipient.Encrypt("legacy"u8, JweSerialization.Legacy);
        using JsonDocument json = JsonDocument.Parse(body);

        Assert.Equal("""{"alg":"RSA1_5","enc":"A256GCM"}""", json.RootElement.GetProperty("protected").GetString());
        Assert.Equal("", json.RootElement.GetProperty("tag").GetString());
        Assert.Equal(6 + 16, StrictBase64.DecodeUrl(json.RootElement.GetProperty("ciphertext").GetString()).Require().Length);
        using Secret plain = key.Decrypt(JweMessage.ParseLegacy(body).Require(), JweAlgorithms.Rsa15).Require();
        Assert.Equal("legacy", Encoding.UTF8.GetString(plain.Reveal()));
        Assert.Throws<ArgumentException>(() =>
        {
            using JweDecryptionKey other = JweDecryptionKey.Generate(JweAlgorithms.EcdhEsA256Kw);
            using JweRecipient r = JweRecipient.Create(other.PublicJwk, All).Require();
            r.Encrypt("x"u8, JweSerialization.Legacy);
        });
    }

    [Theory]
    [InlineData(Jose.JweAlgorithm.RSA_OAEP_256, JweAlgorithms.RsaOaep256, "")]
    [InlineData(Jose.JweAlgorithm.RSA_OAEP, JweAlgorithms.RsaOaep, "")]
    [InlineData(Jose.JweAlgorithm.RSA1_5, JweAlgorithms.Rsa15, "")]
    [InlineData(Jose.JweAlgorithm.ECDH_ES_A256KW, JweAlgorithms.EcdhEsA256Kw, "P-256")]
    [InlineData(Jose.JweAlgorithm.ECDH_ES_A256KW, JweAlgorithms.EcdhEsA256Kw, "P-521")]
    public void JoseJwt_BothWays_Agrees(Jose.JweAlgorithm theirs, JweAlgorithms ours, string curve)
    {
        using JweDecryptionKey key = curve.Length == 0 ? JweDecryptionKey.Generate(ours) : JweDecryptionKey.Generate(ours, curve);
        using JweRecipient recipient = JweRecipient.Create(key.PublicJwk, ours).Require();
        using AsymmetricAlgorithm oracleKey = curve.Length == 0 ? RSA.Create() : ECDsa.Create();
        oracleKey.ImportFromPem(key.ExportPem());
        object theirKey = curve.Length == 0 ? oracleKey : new Jose.Jwk((ECDsa)oracleKey, isPrivate: true);

        string ourMessage = Encoding.ASCII.GetString(recipient.Encrypt("hello"u8, JweSerialization.Compact));
        string theirMessage = Jose.JWT.Encode("hello", theirKey, theirs, Jose.JweEncryption.A256GCM);

        Assert.Equal("hello", Jose.JWT.Decode(ourMessage, theirKey, theirs, Jose.JweEncryption.A256GCM));
        using Secret plain = key.Decrypt(JweMessage.ParseCompact(theirMessage).Require(), ours).Require();
        Assert.Equal("hello", Encoding.UTF8.GetString(plain.Reveal()));
    }

    [Fact]
    public void EncryptJson_SeveralRecipients_EachOpensAndAStrangerDoesNot()
    {
        using JweDecryptionKey ec = JweDecryptionKey.Generate(JweAlgorithms.EcdhEsA256Kw, "P-521");
        using JweDecryptionKey rsa = JweDecryptionKey.Generate(JweAlgorithms.RsaOaep);
        using JweDecryptionKey stranger = JweDecryptionKey.Generate(JweAlgorithms.EcdhEsA256Kw, "P-521");
        using JweRecipient first = JweRecipient.Create(ec.PublicJwk, JweAlgorithms.Image).Require();
        using JweRecipient second = JweRecipient.Create(rsa.PublicJwk, JweAlgorithms.Image).Require();

        JweMessage both = JweMessage.ParseJson(Jwe.EncryptJson([first, second], "layer key"u8)).Require();
        JweMessage one = JweMessage.ParseJson(Jwe.EncryptJson([second], "layer key"u8)).Require();

        foreach ((JweDecryptionKey key, JweMessage message) in ((JweDecryptionKey, JweMessage)[])[(ec, both), (rsa, both), (rsa, one)])
        {
            using Secret plain = key.Decrypt(message, JweAlgorithms.Image).Require();
            Assert.True(plain.Matches("layer key"u8));
        }

        Assert.NotNull(stranger.Decrypt(both, JweAlgorithms.Image).Refusal);
        Assert.Throws<ArgumentException>(() => Jwe.EncryptJson([], default));
    }

    [Theory]
    [InlineData("{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}", "\"header\":{\"alg\":\"RSA1_5\"},")]
    [InlineData("{\"enc\":\"A256GCM\"}", "\"header\":{\"alg\":\"RSA-OAEP\",\"crit\":[]},")]
    [InlineData("{\"enc\":\"A256GCM\"}", "\"unprotected\":{\"alg\":\"RSA-OAEP\"},")]
    [InlineData("{\"enc\":\"A256GCM\"}", "\"recipients\":[],")]
    [InlineData("{\"enc\":\"A256GCM\"}", "\"header\":1,")]
    public void ParseJson_HeadersThatDisagreeOrAreUnprotected_Refused(string protectedHeader, string member)
    {
        string body = "{\"protected\":\"" + StrictBase64.EncodeUrl(Encoding.UTF8.GetBytes(protectedHeader)) + "\"," + member
            + "\"encrypted_key\":\"AA\",\"iv\":\"AAAAAAAAAAAAAAAA\",\"ciphertext\":\"\",\"tag\":\"AAAAAAAAAAAAAAAAAAAAAA\"}";

        Assert.NotNull(JweMessage.ParseJson(Encoding.UTF8.GetBytes(body)).Refusal);
    }

    [Fact]
    public void Create_UnusableKeys_Refused()
    {
        byte[] x = Enumerable.Repeat((byte)1, 32).ToArray();
        using RSA small = RSA.Create(1024);
        RSAParameters p = small.ExportParameters(false);

        Assert.Equal(RefusalCode.Malformed, JweRecipient.Create(Jwk.FromPoint("P-256", x, x, "ECDH-ES+A256KW"), All).Refusal?.Code);
        Assert.Equal(RefusalCode.Malformed, JweRecipient.Create(Jwk.FromPoint("P-256", x, x, "ECDH-ES+A256KW"), All, managed: true).Refusal?.Code);
        Assert.Equal(RefusalCode.Unsupported, JweRecipient.Create(Jwk.FromPoint("P-256", x, x, "RSA1_5"), All).Refusal?.Code);
        Assert.Equal(RefusalCode.Unsupported, JweRecipient.Create(Jwk.FromPoint("P-256", x, x, "ECDH-ES"), All).Refusal?.Code);
        Assert.Equal(RefusalCode.Unsupported, JweRecipient.Create(Jwk.FromPoint("P-384", new byte[48], new byte[48], "ECDH-ES+A256KW"), All).Refusal?.Code);
        Assert.Equal(RefusalCode.Unsupported, JweRecipient.Create(Jwk.FromRsa(p.Modulus, p.Exponent, "RSA-OAEP-256"), All).Refusal?.Code);
        Assert.Equal(RefusalCode.Unsupported, JweRecipient.Create(Jwk.FromRsa(p.Modulus, p.Exponent, null), All).Refusal?.Code);
        byte[] pub = new byte[1184];
        pub.AsSpan().Fill(0xFF);
        Assert.Equal(RefusalCode.Malformed, JweRecipient.Create(Jwk.FromMlKem768(pub), All).Refusal?.Code);
    }

    [Fact]
    public void Decrypt_EveryMemberChanged_Refused()
    {
        using JweDecryptionKey key = JweDecryptionKey.Generate(JweAlgorithms.EcdhEsA256Kw);
        using JweRecipient recipient = JweRecipient.Create(key.PublicJwk, All).Require();
        byte[] body = recipient.Encrypt("secret"u8);
        foreach (string member in (string[])["protected", "encrypted_key", "iv", "ciphertext", "tag"])
        {
            System.Text.Json.Nodes.JsonObject json = System.Text.Json.Nodes.JsonNode.Parse(body)!.AsObject();
            byte[] value = StrictBase64.DecodeUrl(json[member]!.GetValue<string>()).Require();
            value[^1] ^= 1;
            json[member] = StrictBase64.EncodeUrl(value);

            bool parsed = JweMessage.ParseFlattened(Jws.ToUtf8(json)).TryGet(out JweMessage? message, out _);

            Assert.True(!parsed || key.Decrypt(message!, All).Refusal is not null, member);
        }
    }

    [Fact]
    public void Decrypt_Rsa15PaddingBroken_LooksLikeABadTag()
    {
        using JweDecryptionKey key = JweDecryptionKey.Generate(JweAlgorithms.Rsa15);
        using JweRecipient recipient = JweRecipient.Create(key.PublicJwk, All).Require();
        string[] parts = Encoding.ASCII.GetString(recipient.Encrypt("secret"u8, JweSerialization.Compact)).Split('.');
        byte[] wrapped = StrictBase64.DecodeUrl(parts[1]).Require();
        wrapped[40] ^= 1;
        parts[1] = StrictBase64.EncodeUrl(wrapped);

        Refusal? refusal = key.Decrypt(JweMessage.ParseCompact(string.Join('.', parts)).Require(), All).Refusal;

        Assert.Equal("JWE: the tag does not match", refusal?.Detail);
    }

    [Fact]
    public void FromPem_KeyKinds_AsAllowed()
    {
        using ECDiffieHellman p384 = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        using ECDiffieHellman p256 = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        using RSA rsa = RSA.Create(2048);

        Assert.Equal(RefusalCode.Unsupported, JweDecryptionKey.FromPem(p384.ExportPkcs8PrivateKeyPem()).Refusal?.Code);
        Assert.Null(JweDecryptionKey.FromPem(p256.ExportECPrivateKeyPem()).Refusal);
        Assert.Null(JweDecryptionKey.FromPem(rsa.ExportRSAPrivateKeyPem()).Refusal);
        Assert.NotNull(JweDecryptionKey.FromPem(rsa.ExportSubjectPublicKeyInfoPem()).Refusal);
        Assert.NotNull(JweDecryptionKey.FromPem("").Refusal);
        Assert.NotNull(JweDecryptionKey.FromPem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----").Refusal);
    }

    [Fact]
    public void Encrypt_ManyThreads_EveryMessageOpens()
    {
        using JweDecryptionKey key = JweDecryptionKey.Generate(JweAlgorithms.EcdhEsA256Kw);
        using JweRecipient recipient = JweRecipient.Create(key.PublicJwk, All).Require();

        Parallel.For(0, 400, i =>
        {
            using Secret plain = key.Decrypt(JweMessage.ParseFlattened(recipient.Encrypt(BitConverter.GetBytes(i))).Require(), All).Require();
            Assert.True(plain.Matches(BitConverter.GetBytes(i)));
        });
    }

    [Fact]
    public void Parse_MutatedMessages_NeverThrow()
    {
        using JweDecryptionKey key = JweDecryptionKey.Generate(JweAlgorithms.EcdhEsA256Kw);
        using JweDecryptionKey kem = JweDecryptionKey.Generate(JweAlgorithms.MlKem768A192Kw);
        using JweDecryptionKey rsa = JweDecryptionKey.Generate(JweAlgorithms.Rsa15);
        foreach ((JweDecryptionKey k, JweSerialization form) in ((JweDecryptionKey, JweSerialization)[])[(key, JweSerialization.Flattened), (kem, JweSerialization.Flattened), (rsa, JweSerialization.Legacy)])
        {
            using JweRecipient recipient = JweRecipient.Create(k.PublicJwk, All).Require();
            byte[] seed = recipient.Encrypt("secret"u8, form);
            Mutations.Sample(
                seed,
                bytes =>
                {
                    foreach (Result<JweMessage> parsed in (Result<JweMessage>[])[JweMessage.ParseFlattened(bytes), JweMessage.ParseJson(bytes), JweMessage.ParseLegacy(bytes), JweMessage.ParseCompact(Encoding.Latin1.GetString(bytes))])
                    {
                        if (parsed.TryGet(out JweMessage? message, out _))
                        {
                            _ = k.Decrypt(message, All);
                        }
                    }
                },
                iterations: 500);
        }
    }
}
