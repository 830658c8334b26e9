// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Coco;

/// <summary>Makes JWE in JSON for one or several recipients, as encrypted images carry their layer keys (images.md 4).</summary>
public static class Jwe
{
    /// <summary>One recipient: flattened (RFC 7516 section 7.2.2), everything protected. Several: general (section 7.2.1), with each recipient's <c>alg</c> in its own header.</summary>
    /// <returns>UTF-8 of the message.</returns>
    /// <exception cref="ArgumentException">No recipient.</exception>
    public static byte[] EncryptJson(IReadOnlyList<JweRecipient> recipients, ReadOnlySpan<byte> plaintext)
    {
        ArgumentNullException.ThrowIfNull(recipients);
        if (recipients.Count == 0)
        {
            throw new ArgumentException("a message needs a recipient", nameof(recipients));
        }

        if (recipients.Count == 1)
        {
            return recipients[0].Encrypt(plaintext);
        }

        Span<byte> cek = stackalloc byte[32];
        byte[] iv = RandomNumberGenerator.GetBytes(12);
        byte[] ciphertext = new byte[plaintext.Length];
        byte[] tag = new byte[16];
        byte[] header = new byte[JweRecipient.MaxHeaderBytes];
        byte[] wrapped = new byte[JweRecipient.MaxEncryptedKeyBytes];
        RandomNumberGenerator.Fill(cek);
        try
        {
            var list = new JsonArray();
            foreach (JweRecipient recipient in recipients)
            {
                int headerLength = recipient.WrapKey(cek, header, wrapped, out int keyLength);
                JsonObject own = JsonNode.Parse(header.AsSpan(0, headerLength))!.AsObject();
                own.Remove("enc");
                list.Add((JsonNode)new JsonObject { ["header"] = own, ["encrypted_key"] = StrictBase64.EncodeUrl(wrapped.AsSpan(0, keyLength)) });
            }

            string protectedText = StrictBase64.EncodeUrl("""{"enc":"A256GCM"}"""u8);
            using var gcm = new AesGcm(cek, tag.Length);
            gcm.Encrypt(iv, plaintext, ciphertext, tag, Encoding.ASCII.GetBytes(protectedText));
            return Jws.ToUtf8(new JsonObject
            {
                ["protected"] = protectedText,
                ["recipients"] = list,
                ["iv"] = StrictBase64.EncodeUrl(iv),
                ["ciphertext"] = StrictBase64.EncodeUrl(ciphertext),
                ["tag"] = StrictBase64.EncodeUrl(tag),
            });
        }
        finally
        {
            CryptographicOperations.ZeroMemory(cek);
        }
    }
}
