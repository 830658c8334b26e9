// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Coco.EndToEnd.Tests;

/// <summary>Messages of a guest with the sample TEE, written out from the protocol's description and not with the client library.</summary>
internal static class SampleExchange
{
    /// <summary>Body of <c>/auth</c>.</summary>
    public const string Auth = """{"version":"0.4.0","tee":"sample","extra-params":{"supported-hash-algorithms":["sha256","sha384","sha512","sm3"]}}""";

    /// <summary>A resource policy that gives every resource to every guest.</summary>
    public const string AllowResources = "package policy\nimport rego.v1\ndefault allow := false\nallow if data.plugin == \"resource\"";

    /// <summary>Body of <c>/attest</c>.</summary>
    public static string Attest(string nonce, ECDiffieHellman key)
    {
        ECPoint q = key.ExportParameters(false).Q;
        string x = StrictBase64.EncodeUrl(q.X), y = StrictBase64.EncodeUrl(q.Y);
        string hashed = $"{{\"additional-evidence\":\"\",\"nonce\":\"{nonce}\",\"tee-pubkey\":{{\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"{x}\",\"y\":\"{y}\"}}}}";
        string reportData = Convert.ToBase64String(SHA384.HashData(Encoding.UTF8.GetBytes(hashed)));
        return $"{{\"init-data\":null,\"runtime-data\":{{\"nonce\":\"{nonce}\",\"tee-pubkey\":{{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"{x}\",\"y\":\"{y}\"}}}},"
            + $"\"tee-evidence\":{{\"primary_evidence\":{{\"svn\":\"1\",\"report_data\":\"{reportData}\"}},\"additional_evidence\":\"\"}}}}";
    }

    /// <summary>Opens a resource with a library that is not the server's.</summary>
    public static string Open(JsonNode jwe, ECDiffieHellman key)
    {
        string compact = string.Join('.', ((string[])["protected", "encrypted_key", "iv", "ciphertext", "tag"]).Select(m => jwe[m]!.GetValue<string>()));
        ECParameters pair = key.ExportParameters(true);
        var jwk = new Jose.Jwk("P-256", StrictBase64.EncodeUrl(pair.Q.X!), StrictBase64.EncodeUrl(pair.Q.Y!), StrictBase64.EncodeUrl(pair.D!));
        return Jose.JWT.Decode(compact, jwk);
    }
}
