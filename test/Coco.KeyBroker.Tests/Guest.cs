// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json;

namespace Coco.KeyBroker.Tests;

/// <summary>What the tests' guests do with answers: open them with the private keys of the examples.</summary>
internal static class Guest
{
    private static readonly string[] JweMembers = ["protected", "encrypted_key", "iv", "ciphertext", "tag"];

    /// <summary>Opens an answer of protocol 0.2.0 or later and checks its exact form on the way (kbs.md 4.1).</summary>
    public static string Open(byte[] body, string keyName)
    {
        JsonElement jwe = JsonDocument.Parse(body).RootElement;
        Assert.Equal(JweMembers, jwe.EnumerateObject().Select(m => m.Name));
        Assert.Equal(jwe.GetRawText(), Encoding.UTF8.GetString(body));
        string header = Encoding.UTF8.GetString(StrictBase64.DecodeUrl(jwe.GetProperty("protected").GetString()!).Require());
        JsonElement h = JsonDocument.Parse(header).RootElement;
        string expected = h.GetProperty("alg").GetString() == "ECDH-ES+A256KW"
            ? $$$"""{"alg":"ECDH-ES+A256KW","enc":"A256GCM","epk":{"crv":"{{{h.GetProperty("epk").GetProperty("crv").GetString()}}}","kty":"EC","x":"{{{h.GetProperty("epk").GetProperty("x").GetString()}}}","y":"{{{h.GetProperty("epk").GetProperty("y").GetString()}}}"}}"""
            : """{"alg":"RSA-OAEP-256","enc":"A256GCM"}""";
        Assert.Equal(expected, header);
        return Encoding.UTF8.GetString(Decrypt(JweMessage.ParseFlattened(body).Require(), keyName));
    }

    /// <summary>The same for answers that are no text.</summary>
    public static byte[] OpenBytes(byte[] body, string keyName) => Decrypt(JweMessage.ParseFlattened(body).Require(), keyName);

    /// <summary>Opens an answer of protocol 0.1.x (kbs.md 4.5).</summary>
    public static string OpenLegacy(byte[] body, string keyName)
    {
        JsonElement jwe = JsonDocument.Parse(body).RootElement;
        Assert.Equal(JweMembers, jwe.EnumerateObject().Select(m => m.Name));
        Assert.Equal("""{"alg":"RSA1_5","enc":"A256GCM"}""", jwe.GetProperty("protected").GetString());
        Assert.Equal(string.Empty, jwe.GetProperty("tag").GetString());
        return Encoding.UTF8.GetString(Decrypt(JweMessage.ParseLegacy(body).Require(), keyName));
    }

    private static byte[] Decrypt(JweMessage message, string keyName)
    {
        using JweDecryptionKey key = JweDecryptionKey.FromJwk(Example.Json(keyName)).Require();
        using Secret plain = key.Decrypt(message, JweAlgorithms.KeyBroker | JweAlgorithms.Rsa15).Require();
        return plain.Reveal().ToArray();
    }
}
