// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Coco.Load;

/// <summary>The three requests of a guest, made with as little work as can be on the client's side.</summary>
internal sealed class KbsWork(int port, bool plain, string tee, Func<byte[], string> evidence, string resource)
{
    /// <summary>Only <c>auth</c>.</summary>
    public async Task<Func<ValueTask>> AuthAsync(int connection)
    {
        HttpConnection http = await HttpConnection.ConnectAsync(port, plain);
        byte[] request = AuthRequest();
        return async () => Expect(await http.SendAsync(request), "auth");
    }

    /// <summary><c>auth</c> and <c>attest</c>.</summary>
    public async Task<Func<ValueTask>> AttestAsync(int connection)
    {
        HttpConnection http = await HttpConnection.ConnectAsync(port, plain);
        GuestKey key = GuestKey.Ec();
        return async () => await HandshakeAsync(http, key);
    }

    /// <summary><c>auth</c>, <c>attest</c>, and one resource.</summary>
    public async Task<Func<ValueTask>> WholeAsync(int connection)
    {
        HttpConnection http = await HttpConnection.ConnectAsync(port, plain);
        GuestKey key = GuestKey.Ec();
        return async () =>
        {
            string? cookie = await HandshakeAsync(http, key);
            Expect(await http.SendAsync(HttpConnection.Request("GET", resource, cookie, null, default)), "resource");
        };
    }

    /// <summary>One resource again and again, in a session or with a token.</summary>
    public async Task<Func<ValueTask>> GetAsync(bool bearer, GuestKey key)
    {
        HttpConnection http = await HttpConnection.ConnectAsync(port, plain);
        string? token = null;
        string? cookie = await HandshakeAsync(http, key, t => token = t);
        byte[] request = HttpConnection.Request("GET", resource, bearer ? null : cookie, bearer ? token : null, default);
        return async () => Expect(await http.SendAsync(request), "resource");
    }

    /// <summary>Requests of the same sizes to the bare server.</summary>
    public async Task<Func<ValueTask>> BareAsync(bool whole, bool getOnly)
    {
        HttpConnection http = await HttpConnection.ConnectAsync(port, plain);
        byte[] auth = AuthRequest();
        byte[] attest = HttpConnection.Request("POST", "/kbs/v0/attest", "kbs-session-id=" + new string('a', 200), null, new byte[560]);
        byte[] get = HttpConnection.Request("GET", resource, "kbs-session-id=" + new string('a', 200), null, default);
        return async () =>
        {
            if (getOnly)
            {
                Expect(await http.SendAsync(get), "get");
                return;
            }

            Expect(await http.SendAsync(auth), "auth");
            if (whole)
            {
                Expect(await http.SendAsync(attest), "attest");
                Expect(await http.SendAsync(get), "get");
            }
        };
    }

    private static void Expect(Answer answer, string what)
    {
        if (answer.Status != 200)
        {
            throw new InvalidOperationException($"{what} was answered with {answer.Status}: {Encoding.UTF8.GetString(answer.Body.Span)}");
        }
    }

    private byte[] AuthRequest() => HttpConnection.Request(
        "POST", "/kbs/v0/auth", null, null, Encoding.ASCII.GetBytes($"{{\"version\":\"0.4.0\",\"tee\":\"{tee}\",\"extra-params\":\"\"}}"));

    private async ValueTask<string?> HandshakeAsync(HttpConnection http, GuestKey key, Action<string>? tokenTo = null)
    {
        Answer challenge = await http.SendAsync(AuthRequest());
        Expect(challenge, "auth");
        string? cookie = challenge.Cookie;
        string nonce = JsonDocument.Parse(challenge.Body).RootElement.GetProperty("nonce").GetString()!;
        byte[] digest = SHA384.HashData(Encoding.ASCII.GetBytes("{\"additional-evidence\":\"\",\"nonce\":\"" + nonce + "\",\"tee-pubkey\":" + key.Canonical + "}"));
        string body = "{\"init-data\":null,\"runtime-data\":{\"nonce\":\"" + nonce + "\",\"tee-pubkey\":" + key.Wire
            + "},\"tee-evidence\":{\"primary_evidence\":" + evidence(digest) + ",\"additional_evidence\":\"\"}}";
        Answer attested = await http.SendAsync(HttpConnection.Request("POST", "/kbs/v0/attest", cookie, null, Encoding.ASCII.GetBytes(body)));
        Expect(attested, "attest");
        tokenTo?.Invoke(JsonDocument.Parse(attested.Body).RootElement.GetProperty("token").GetString()!);
        return attested.Cookie ?? cookie;
    }
}

/// <summary>A TEE key in the two spellings that are needed.</summary>
/// <param name="Wire">As sent.</param>
/// <param name="Canonical">As hashed.</param>
internal sealed record GuestKey(string Wire, string Canonical)
{
    /// <summary>A fresh P-256 key.</summary>
    public static GuestKey Ec()
    {
        using ECDiffieHellman key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        ECPoint q = key.ExportParameters(false).Q;
        string x = StrictBase64.EncodeUrl(q.X), y = StrictBase64.EncodeUrl(q.Y);
        return new GuestKey(
            $"{{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"{x}\",\"y\":\"{y}\"}}",
            $"{{\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"{x}\",\"y\":\"{y}\"}}");
    }

    /// <summary>A fresh RSA key.</summary>
    public static GuestKey Rsa()
    {
        using RSA key = RSA.Create(2048);
        RSAParameters p = key.ExportParameters(false);
        string n = StrictBase64.EncodeUrl(p.Modulus), e = StrictBase64.EncodeUrl(p.Exponent);
        return new GuestKey(
            $"{{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP-256\",\"n\":\"{n}\",\"e\":\"{e}\"}}",
            $"{{\"alg\":\"RSA-OAEP-256\",\"e\":\"{e}\",\"kty\":\"RSA\",\"n\":\"{n}\"}}");
    }
}
