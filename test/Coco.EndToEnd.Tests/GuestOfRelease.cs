// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Coco.EndToEnd.Tests;

/// <summary>
/// A guest as a release of the reference's was, written from the description of the protocol alone (kbs.md 2.8): its key, what it hashes, what it
/// sends, and how it opens the answer. Uses nothing of the server's or of the client library's.
/// </summary>
internal sealed class GuestOfRelease : IDisposable
{
    private readonly string _release;
    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDiffieHellman _ec = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
    private readonly HttpClient _http;

    public GuestOfRelease(string release, Uri server)
    {
        _release = release;
        _http = new HttpClient(new SocketsHttpHandler { UseCookies = true }) { BaseAddress = server };
        Version = release switch
        {
            "0.5" or "0.6" or "0.8" or "0.9" => "0.1.0",
            "0.10" => "0.1.1",
            "0.12" => "0.2.0",
            "june-2025" => "0.3.0",
            _ => "0.4.0",
        };
    }

    /// <summary>The protocol version that it speaks.</summary>
    public string Version { get; }

    private bool IsFormer => Version is "0.1.0" or "0.1.1";

    public void Dispose()
    {
        _http.Dispose();
        _rsa.Dispose();
        _ec.Dispose();
    }

    /// <summary>Handshake; gives the token.</summary>
    public async Task<string> AttestAsync()
    {
        string extra = IsFormer ? "\"\"" : """{"supported-hash-algorithms":["sha256","sha384","sha512","sm3"]}""";
        JsonNode challenge = await PostAsync("auth", $$$"""{"version":"{{{Version}}}","tee":"sample","extra-params":{{{extra}}}}""");
        if (Version == "0.1.0")
        {
            Assert.Equal(string.Empty, challenge["extra-params"]!.GetValue<string>());
        }

        JsonNode answer = await PostAsync("attest", AttestBody(challenge["nonce"]!.GetValue<string>()));
        return answer["token"]!.GetValue<string>();
    }

    /// <summary>A resource, by the cookie.</summary>
    public async Task<string> GetAsync(string path)
    {
        using HttpResponseMessage answer = await _http.GetAsync("kbs/v0/resource/" + path);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        JsonNode jwe = JsonNode.Parse(text)!;
        return IsFormer ? OpenFormer(jwe) : SampleExchange.Open(jwe, _ec);
    }

    private string AttestBody(string nonce)
    {
        RSAParameters rsa = _rsa.ExportParameters(false);
        string n64 = Convert.ToBase64String(rsa.Modulus!), e64 = Convert.ToBase64String(rsa.Exponent!), n = Url(rsa.Modulus!), e = Url(rsa.Exponent!);
        ECPoint q = _ec.ExportParameters(false).Q;
        string x = Url(q.X!), y = Url(q.Y!);
        string rsaKey = $$"""{"kty":"RSA","alg":"RSA1_5","n":"{{n}}","e":"{{e}}"}""";
        string ecKey = $$"""{"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW","x":"{{x}}","y":"{{y}}"}""";
        string sortedRsa = $$$"""{"nonce":"{{{nonce}}}","tee-pubkey":{"alg":"RSA1_5","e":"{{{e}}}","kty":"RSA","n":"{{{n}}}"}}""";
        string sortedEc = $$"""{"alg":"ECDH-ES+A256KW","crv":"P-256","kty":"EC","x":"{{x}}","y":"{{y}}"}""";
        string two = $$$"""{"nonce":"{{{nonce}}}","tee-pubkey":{{{sortedEc}}}}""";
        string three = $$$"""{"additional-evidence":"","nonce":"{{{nonce}}}","tee-pubkey":{{{sortedEc}}}}""";
        return _release switch
        {
            "0.5" => $$$"""{"tee-pubkey":{"alg":"RSA1_5","k-mod":"{{{n64}}}","k-exp":"{{{e64}}}"},"tee-evidence":{{{Quoted(nonce + n64 + e64)}}}}""",
            "0.6" => $$$"""{"tee-pubkey":{"alg":"RSA1_5","n":"{{{n64}}}","e":"{{{e64}}}"},"tee-evidence":{{{Quoted(nonce + n64 + e64)}}}}""",
            "0.8" => $$$"""{"tee-pubkey":{{{rsaKey}}},"tee-evidence":{{{Quoted(nonce + n + e)}}}}""",
            "0.9" => $$$"""{"tee-pubkey":{{{rsaKey}}},"tee-evidence":{{{Quoted(sortedRsa)}}}}""",
            "0.10" => $$$"""{"tee-pubkey":{{{rsaKey}}},"tee-evidence":{{{Evidence(sortedRsa)}}}}""",
            "0.12" => $$$"""{"tee-pubkey":{{{ecKey}}},"tee-evidence":{{{Evidence(two)}}}}""",
            "june-2025" => $$$"""{"tee-pubkey":{{{ecKey}}},"tee-evidence":{"primary_evidence":{{{Evidence(three)}}},"additional_evidence":""}}""",
            _ => $$$"""{"init-data":null,"runtime-data":{"nonce":"{{{nonce}}}","tee-pubkey":{{{ecKey}}}},"tee-evidence":{"primary_evidence":{{{Evidence(three)}}},"additional_evidence":""}}""",
        };
    }

    private static string Evidence(string hashed) => $$"""{"svn":"1","report_data":"{{Convert.ToBase64String(SHA384.HashData(Encoding.UTF8.GetBytes(hashed)))}}"}""";

    private static string Quoted(string hashed) => "\"" + Evidence(hashed).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";

    private static string Url(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static byte[] FromUrl(string text) => Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '='));

    // kbs.md 4.5: the header is plain text, the tag is the end of the ciphertext, nothing is authenticated beside it.
    private string OpenFormer(JsonNode jwe)
    {
        Assert.Equal("""{"alg":"RSA1_5","enc":"A256GCM"}""", jwe["protected"]!.GetValue<string>());
        Assert.Equal(string.Empty, jwe["tag"]!.GetValue<string>());
        byte[] key = _rsa.Decrypt(FromUrl(jwe["encrypted_key"]!.GetValue<string>()), RSAEncryptionPadding.Pkcs1);
        byte[] sealedText = FromUrl(jwe["ciphertext"]!.GetValue<string>());
        byte[] plain = new byte[sealedText.Length - 16];
        using var gcm = new AesGcm(key, 16);
        gcm.Decrypt(FromUrl(jwe["iv"]!.GetValue<string>()), sealedText.AsSpan(..^16), sealedText.AsSpan(^16..), plain);
        return Encoding.UTF8.GetString(plain);
    }

    private async Task<JsonNode> PostAsync(string endpoint, string body)
    {
        using HttpResponseMessage answer = await _http.PostAsync("kbs/v0/" + endpoint, new StringContent(body, Encoding.UTF8, "application/json"));
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!;
    }
}
