// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco;

/// <summary>Makes JWS in compact serialisation (RFC 7515 section 7.1).</summary>
public static class Jws
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Signs a payload.</summary>
    /// <param name="header">The protected header; <c>alg</c> must be absent or that of the key, and is put in when absent.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="key">The key.</param>
    /// <exception cref="ArgumentException">The header names another algorithm.</exception>
    public static string Sign(JsonObject header, ReadOnlySpan<byte> payload, SigningKey key)
    {
        ArgumentNullException.ThrowIfNull(header);
        ArgumentNullException.ThrowIfNull(key);
        string name = key.Algorithm.ToName();
        if (header["alg"] is { } given)
        {
            if (given.GetValueKind() != JsonValueKind.String || given.GetValue<string>() != name)
            {
                throw new ArgumentException("the header names another algorithm than the key's", nameof(header));
            }
        }
        else
        {
            header["alg"] = name;
        }

        byte[] input = SigningInput(ToUtf8(header), payload);
        return Assemble(input, key.Sign(input));
    }

    /// <summary>The ASCII bytes to sign: header and payload in base64url with a dot between.</summary>
    public static byte[] SigningInput(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        int first = Base64Url.GetEncodedLength(header.Length);
        byte[] input = new byte[first + 1 + Base64Url.GetEncodedLength(payload.Length)];
        Base64Url.EncodeToUtf8(header, input, out _, out _);
        input[first] = (byte)'.';
        Base64Url.EncodeToUtf8(payload, input.AsSpan(first + 1), out _, out _);
        return input;
    }

    /// <summary>The compact text of what <see cref="SigningInput"/> gave and its signature.</summary>
    public static string Assemble(ReadOnlySpan<byte> signingInput, ReadOnlySpan<byte> signature) =>
        string.Concat(Encoding.ASCII.GetString(signingInput), ".", StrictBase64.EncodeUrl(signature));

    /// <summary>JSON without white space, in the order of the members, escaping only what JSON demands.</summary>
    public static byte[] ToUtf8(JsonNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, Compact))
        {
            node.WriteTo(writer);
        }

        return buffer.WrittenSpan.ToArray();
    }
}
