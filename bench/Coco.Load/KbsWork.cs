// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Coco.Load;

/// <summary>The three requests of a guest, made with as little work as can be on the client's side.</summary>
/// <param name="port">Of the server.</param>
/// <param name="plain">Without TLS.</param>
/// <param name="tee">The TEE that is named at <c>auth</c>.</param>
/// <param name="evidence">Makes the evidence source of a connection.</param>
/// <param name="resource">Path of the resource.</param>
internal sealed class KbsWork(int port, bool plain, string tee, Func<IEvidenceSource> evidence, string resource)
{
    private readonly byte[] _auth = HttpRequest.Bytes(
        "POST", "/kbs/v0/auth", null, null, Encoding.ASCII.GetBytes($"{{\"version\":\"0.4.0\",\"tee\":\"{tee}\",\"extra-params\":\"\"}}"));

    /// <summary>Only <c>auth</c>.</summary>
    public Action Auth()
    {
        var http = HttpConnection.Connect(port, plain);
        return () => Expect(http.Send(_auth), "auth");
    }

    /// <summary><c>auth</c> and <c>attest</c>.</summary>
    public Action Attest()
    {
        var guest = new Guest(this, HttpConnection.Connect(port, plain), GuestKey.Ec());
        return () => guest.Attest();
    }

    /// <summary><c>auth</c>, <c>attest</c>, and one resource.</summary>
    /// <param name="resourcePort">Another server to get the resource from, in the same session; null for the same.</param>
    public Action Whole(int? resourcePort = null)
    {
        var guest = new Guest(this, HttpConnection.Connect(port, plain), GuestKey.Ec());
        HttpConnection other = resourcePort is { } p ? HttpConnection.Connect(p, plain) : guest.Http;
        return () =>
        {
            guest.Attest();
            Expect(other.Send(guest.Get(resource)), "resource");
        };
    }

    /// <summary>One resource again and again, in a session or with a token.</summary>
    public Action Get(bool bearer, GuestKey key)
    {
        var guest = new Guest(this, HttpConnection.Connect(port, plain), key);
        string token = guest.Attest();
        byte[] request = HttpRequest.Bytes("GET", resource, bearer ? null : Encoding.ASCII.GetString(guest.Http.Cookie), bearer ? token : null, default);
        return () => Expect(guest.Http.Send(request), "resource");
    }

    /// <summary>Requests of the same sizes to the bare server.</summary>
    public Action Bare(bool post, bool whole = false)
    {
        var http = HttpConnection.Connect(port, plain);
        byte[] attest = HttpRequest.Bytes("POST", "/kbs/v0/attest", "kbs-session-id=" + new string('a', 200), null, new byte[560]);
        byte[] get = HttpRequest.Bytes("GET", resource, "kbs-session-id=" + new string('a', 200), null, default);
        return () =>
        {
            if (post)
            {
                Expect(http.Send(_auth), "auth");
            }

            if (whole)
            {
                Expect(http.Send(attest), "attest");
            }

            if (!post || whole)
            {
                Expect(http.Send(get), "get");
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

    /// <summary>A guest on a connection, with buffers that are used again.</summary>
    private sealed class Guest(KbsWork work, HttpConnection http, GuestKey key)
    {
        private readonly IEvidenceSource _evidence = work.NewEvidence();
        private readonly ArrayBufferWriter<byte> _body = new(16384);
        private readonly HttpRequest _request = new();

        public HttpConnection Http => http;

        /// <summary><c>auth</c> and <c>attest</c>; gives the token.</summary>
        public string Attest()
        {
            Answer challenge = http.Send(work._auth);
            Expect(challenge, "auth");
            ReadOnlySpan<byte> nonce = JsonText.Member(challenge.Body.Span, "\"nonce\":\""u8);
            _body.ResetWrittenCount();
            _body.Write("{\"additional-evidence\":\"\",\"nonce\":\""u8);
            _body.Write(nonce);
            _body.Write("\",\"tee-pubkey\":"u8);
            _body.Write(key.Canonical.Span);
            _body.Write("}"u8);
            Span<byte> digest = stackalloc byte[SHA384.HashSizeInBytes];
            SHA384.HashData(_body.WrittenSpan, digest);
            _body.ResetWrittenCount();
            _body.Write("{\"init-data\":null,\"runtime-data\":{\"nonce\":\""u8);
            _body.Write(nonce);
            _body.Write("\",\"tee-pubkey\":"u8);
            _body.Write(key.Wire.Span);
            _body.Write("},\"tee-evidence\":{\"primary_evidence\":"u8);
            _evidence.Write(digest, _body);
            _body.Write(",\"additional_evidence\":\"\"}}"u8);
            Answer attested = http.Send(_request.Write("POST /kbs/v0/attest"u8, http.Cookie, _body.WrittenSpan));
            Expect(attested, "attest");
            return Encoding.ASCII.GetString(JsonText.Member(attested.Body.Span, "\"token\":\""u8));
        }

        public ReadOnlySpan<byte> Get(string path) => _request.Write(Encoding.ASCII.GetBytes("GET " + path), http.Cookie, default);
    }

    private IEvidenceSource NewEvidence() => evidence();
}
