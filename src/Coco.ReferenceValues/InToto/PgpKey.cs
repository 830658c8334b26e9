// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using Coco.ReferenceValues.Extractors;
using Coco.ReferenceValues.Signatures;

namespace Coco.ReferenceValues.InToto;

/// <summary>An OpenPGP key in the form that in-toto metadata carries (rvps.md 10.3).</summary>
internal sealed class PgpKey
{
    private readonly string _keyId;
    private readonly SignerKey? _key;
    private readonly DSAParameters? _dsa;
    private readonly DateTimeOffset? _expires;
    private readonly int _signatureLength;

    private PgpKey(string keyId, string method, SignerKey? key, DSAParameters? dsa, DateTimeOffset? expires, int signatureLength = 0)
    {
        _signatureLength = signatureLength;
        _keyId = keyId;
        Method = method;
        _key = key;
        _dsa = dsa;
        _expires = expires;
    }

    /// <summary><c>pgp+rsa-pkcsv1.5</c>, <c>pgp+dsa-fips-180-2</c> or <c>pgp+eddsa-ed25519</c>.</summary>
    public string Method { get; }

    /// <summary>Reads the object; the private half, if any, is not looked at.</summary>
    public static Result<PgpKey> Parse(string keyId, JsonElement json)
    {
        if (json.Text("method") is not { } method
            || !json.TryGetProperty("keyval", out JsonElement keyval) || keyval.ValueKind != JsonValueKind.Object
            || !keyval.TryGetProperty("public", out JsonElement numbers) || numbers.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, "an OpenPGP key needs method and keyval.public");
        }

        if (json.TryGetProperty("hashes", out JsonElement hashes)
            && !(hashes.ValueKind == JsonValueKind.Array && hashes.EnumerateArray().All(h => h.ValueKind == JsonValueKind.String && h.GetString() == "pgp+SHA2")))
        {
            return new Refusal(RefusalCode.Unsupported, "OpenPGP signatures use SHA-2 here");
        }

        DateTimeOffset? expires = null;
        if (Seconds(json, "validity_period") is { } validity && validity > 0)
        {
            if (Seconds(json, "creation_time") is not { } created || created > uint.MaxValue || validity > uint.MaxValue)
            {
                return new Refusal(RefusalCode.Malformed, "an OpenPGP key with a validity needs its time of creation");
            }

            expires = DateTimeOffset.FromUnixTimeSeconds(created + validity);
        }

        switch (method)
        {
            case "pgp+rsa-pkcsv1.5":
                {
                    if (Number(numbers, "n") is not { } n || Number(numbers, "e") is not { } e)
                    {
                        return new Refusal(RefusalCode.Malformed, "an OpenPGP RSA key needs n and e");
                    }

                    return VerificationKey.FromJwk(Jwk.FromRsa(n, e, null)).TryGet(out VerificationKey? rsa, out Refusal? why)
                        && SignerKey.ParseSpki(rsa.SubjectPublicKeyInfo).TryGet(out SignerKey? key, out why)
                        ? new PgpKey(keyId, method, key, null, expires, n.Length)
                        : why;
                }

            case "pgp+eddsa-ed25519":
                {
                    if (Number(numbers, "q") is not { } q)
                    {
                        return new Refusal(RefusalCode.Malformed, "an OpenPGP Ed25519 key needs q");
                    }

                    // 0x40 marks the native point format (RFC 9580).
                    ReadOnlySpan<byte> raw = q.Length == 33 && q[0] == 0x40 ? q.AsSpan(1) : q;
                    return SignerKey.ParseEd25519(raw).TryGet(out SignerKey? key, out Refusal? why) ? new PgpKey(keyId, method, key, null, expires) : why;
                }

            case "pgp+dsa-fips-180-2":
                {
                    if (Number(numbers, "p") is not { } p || Number(numbers, "q") is not { } q || Number(numbers, "g") is not { } g || Number(numbers, "y") is not { } y)
                    {
                        return new Refusal(RefusalCode.Malformed, "an OpenPGP DSA key needs p, q, g and y");
                    }

                    if (p.Length is < 256 or > 384 || q.Length != 32 || g.Length > p.Length || y.Length > p.Length)
                    {
                        return new Refusal(RefusalCode.Unsupported, "DSA keys have 2048 or 3072 bits and a subgroup of 256");
                    }

                    var parameters = new DSAParameters { P = p, Q = q, G = Pad(g, p.Length), Y = Pad(y, p.Length) };
                    return new PgpKey(keyId, method, null, parameters, expires);
                }

            default:
                return new Refusal(RefusalCode.Unsupported, $"OpenPGP method '{method}' is not accepted");
        }
    }

    /// <summary>Checks a signature over <paramref name="content"/>; the hashed part of the signature packet comes along in hexadecimal.</summary>
    public Refusal? Verify(ReadOnlySpan<byte> content, InTotoSignature signature, DateTimeOffset now)
    {
        if (_expires is { } until && until <= now)
        {
            return new Refusal(RefusalCode.Expired, $"the OpenPGP key '{_keyId}' ended at {until:u}") { Check = "in-toto.signature" };
        }

        byte[] headers = signature.OtherHeaders.ToArray();
        byte[] data = new byte[content.Length + headers.Length + 6];
        content.CopyTo(data);
        headers.CopyTo(data.AsSpan(content.Length));
        Span<byte> trailer = data.AsSpan(content.Length + headers.Length);
        trailer[0] = 0x04;
        trailer[1] = 0xff;
        BinaryPrimitives.WriteInt32BigEndian(trailer[2..], headers.Length);
        byte[] digest = SHA256.HashData(data);
        return IsGood(data, digest, signature.Bytes.Span)
            ? null
            : new Refusal(RefusalCode.BadSignature, $"Invalid signature for keyid '{_keyId}'") { Check = "in-toto.signature" };
    }

    private bool IsGood(ReadOnlySpan<byte> data, byte[] digest, ReadOnlySpan<byte> signature)
    {
        switch (Method)
        {
            case "pgp+rsa-pkcsv1.5":
                // OpenPGP writes numbers without leading zeros: one signature in 256 is shorter than the modulus.
                return signature.Length <= _signatureLength && _key!.VerifyPkcs1(data, Pad(signature.ToArray(), _signatureLength), HashAlgorithmName.SHA256);
            case "pgp+eddsa-ed25519":
                return _key!.VerifyEd25519(digest, signature);
            default:
                try
                {
                    using var dsa = DSA.Create(_dsa!.Value);
                    return dsa.VerifySignature(digest, signature, DSASignatureFormat.Rfc3279DerSequence);
                }
                catch (CryptographicException)
                {
                    return false;
                }
        }
    }

    private static byte[]? Number(JsonElement numbers, string name) =>
        numbers.Text(name) is { Length: > 0 and <= 4096 } hex && Hex.Decode(hex.Length % 2 == 0 ? hex : "0" + hex).TryGet(out byte[]? bytes, out _)
            ? Trim(bytes)
            : null;

    private static byte[] Trim(byte[] bytes)
    {
        int zeros = bytes.AsSpan().IndexOfAnyExcept((byte)0);
        return zeros < 0 ? [0] : bytes[zeros..];
    }

    private static byte[] Pad(byte[] bytes, int length) => [.. new byte[length - bytes.Length], .. bytes];

    private static long? Seconds(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long seconds) && seconds >= 0
            ? seconds
            : null;
}
