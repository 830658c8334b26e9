// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Attestation.Tokens;

/// <summary>Puts header, payload and signature together (RFC 7515 section 7.1).</summary>
internal static class Jwt
{
    /// <summary>The encoded header: <c>typ</c>, <c>alg</c> and, where asked for, <c>jwk</c>. There is never a <c>kid</c>.</summary>
    public static byte[] EncodeHeader(ITokenSigner signer, bool withKey)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, SortedJson.Options))
        {
            json.WriteStartObject();
            json.WriteString("typ"u8, "JWT"u8);
            json.WriteString("alg"u8, signer.Algorithm);
            if (withKey)
            {
                json.WritePropertyName("jwk"u8);
                signer.PublicJwk.WriteTo(json);
            }

            json.WriteEndObject();
        }

        return Encode(buffer.WrittenSpan);
    }

    /// <summary>Signs. The payload is copied before anything is waited for.</summary>
    public static async ValueTask<AttestationToken> SignAsync(ITokenSigner signer, byte[] encodedHeader, ReadOnlyMemory<byte> payload, CancellationToken ct)
    {
        int length = encodedHeader.Length + 1 + Base64Url.GetEncodedLength(payload.Length);
        byte[] signed = new byte[length];
        encodedHeader.CopyTo(signed, 0);
        signed[encodedHeader.Length] = (byte)'.';
        Base64Url.EncodeToUtf8(payload.Span, signed.AsSpan(encodedHeader.Length + 1));
        byte[] signature = await signer.SignAsync(signed, ct).ConfigureAwait(false);
        return new AttestationToken(string.Concat(Encoding.ASCII.GetString(signed), ".", Base64Url.EncodeToString(signature)));
    }

    /// <summary>The JWKS document of a signer.</summary>
    public static string KeySet(ITokenSigner signer) =>
        new JsonObject { ["keys"] = new JsonArray(signer.PublicJwk.DeepClone()) }.ToJsonString();

    private static byte[] Encode(ReadOnlySpan<byte> bytes)
    {
        byte[] encoded = new byte[Base64Url.GetEncodedLength(bytes.Length)];
        Base64Url.EncodeToUtf8(bytes, encoded);
        return encoded;
    }
}
