// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Coco.ReferenceValues.Extractors;
using Coco.ReferenceValues.Signatures;

namespace Coco.ReferenceValues.InToto;

/// <summary>A key of a layout, or one that layouts are verified with (rvps.md 10.2, 10.3). The id is a label: it is compared, not recomputed.</summary>
internal sealed class InTotoKey
{
    private const int MaxSubkeys = 64;

    private readonly SignerKey? _key;
    private readonly PgpKey? _pgp;

    private InTotoKey(string keyId, string scheme, SignerKey? key, PgpKey? pgp, ImmutableDictionary<string, InTotoKey> subkeys)
    {
        KeyId = keyId;
        Scheme = scheme;
        _key = key;
        _pgp = pgp;
        Subkeys = subkeys;
    }

    /// <summary>The label.</summary>
    public string KeyId { get; }

    /// <summary>For example <c>rsassa-pss-sha256</c>.</summary>
    public string Scheme { get; }

    /// <summary>OpenPGP subkeys by id.</summary>
    public ImmutableDictionary<string, InTotoKey> Subkeys { get; }

    /// <summary>What publication rules know it by.</summary>
    public string Identity => _pgp is not null ? "pgp:" + KeyId.ToLowerInvariant() : _key!.Identity;

    /// <summary>Reads a key object of a layout.</summary>
    public static Result<InTotoKey> Parse(string keyId, JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, $"key {Short(keyId)} is not an object");
        }

        return json.TryGetProperty("method", out _) ? ParsePgp(keyId, json) : ParsePlain(keyId, json);
    }

    /// <summary>Reads a <c>.pub</c> file: PEM, or the JSON form that Ed25519 keys have. The id is computed (rvps.md 10.2).</summary>
    public static Result<InTotoKey> ParseFile(ReadOnlyMemory<byte> file)
    {
        if (file.Length > 64 << 10)
        {
            return new Refusal(RefusalCode.TooLarge, "a public key file may have 64 KiB");
        }

        string text = Encoding.UTF8.GetString(file.Span).Trim();
        if (text.StartsWith('{'))
        {
            if (!Payloads.ParseJson(file, "public key").TryGet(out JsonElement json, out Refusal? why))
            {
                return why;
            }

            string id = json.Text("keyid") ?? string.Empty;
            if (id.Length == 0)
            {
                if (!ComputeId(json).TryGet(out string? computed, out why))
                {
                    return why;
                }

                id = computed;
            }

            return Parse(id, json);
        }

        if (!SignerKey.ParsePem(text).TryGet(out SignerKey? key, out Refusal? bad))
        {
            return bad;
        }

        string scheme = key.KeyType switch
        {
            "rsa" => "rsassa-pss-sha256",
            "ed25519" => "ed25519",
            _ => key.CurveHash.Name switch { "SHA384" => "ecdsa-sha2-nistp384", "SHA512" => "ecdsa-sha2-nistp521", _ => "ecdsa-sha2-nistp256" },
        };
        string pem = text.Replace("\r\n", "\n", StringComparison.Ordinal);
        string keyid = ComputeId(key.KeyType, scheme, pem, "\"sha256\",\"sha512\"");
        return new InTotoKey(keyid, scheme, key, null, ImmutableDictionary<string, InTotoKey>.Empty);
    }

    /// <summary>Whether one signature of the metadata is that of this key (or of a subkey): the first that names it counts.</summary>
    public Refusal? Verify(InTotoMetadata metadata, DateTimeOffset now)
    {
        foreach (InTotoSignature signature in metadata.Signatures)
        {
            InTotoKey? signer = signature.KeyId == KeyId ? this : Subkeys.GetValueOrDefault(signature.KeyId);
            if (signer is not null)
            {
                return signer.VerifyOne(metadata, signature, now);
            }
        }

        return new Refusal(RefusalCode.BadSignature, $"No signature found for key '{KeyId}'") { Check = "in-toto.signature" };
    }

    private static Result<InTotoKey> ParsePlain(string keyId, JsonElement json)
    {
        string? type = json.Text("keytype");
        string? scheme = json.Text("scheme");
        if (type is null || scheme is null || !json.TryGetProperty("keyval", out JsonElement keyval) || keyval.Text("public") is not { } text)
        {
            return new Refusal(RefusalCode.Malformed, $"key {Short(keyId)} needs keytype, scheme and keyval.public");
        }

        Result<SignerKey> parsed;
        if (type == "ed25519" && !text.Contains("BEGIN", StringComparison.Ordinal))
        {
            if (!Hex.Decode(text).TryGet(out byte[]? raw, out Refusal? bad))
            {
                return bad.Within($"key {Short(keyId)}");
            }

            parsed = SignerKey.ParseEd25519(raw);
        }
        else
        {
            parsed = SignerKey.ParsePem(text);
        }

        if (!parsed.TryGet(out SignerKey? key, out Refusal? why))
        {
            return why.Within($"key {Short(keyId)}");
        }

        string expected = type is "ecdsa-sha2-nistp256" or "ecdsa-sha2-nistp384" or "ecdsa-sha2-nistp521" ? "ecdsa" : type;
        return key.KeyType == expected
            ? new InTotoKey(keyId, scheme, key, null, ImmutableDictionary<string, InTotoKey>.Empty)
            : new Refusal(RefusalCode.Mismatch, $"key {Short(keyId)} says it is {type} and holds a key of kind {key.KeyType}");
    }

    private static Result<InTotoKey> ParsePgp(string keyId, JsonElement json)
    {
        if (!PgpKey.Parse(keyId, json).TryGet(out PgpKey? key, out Refusal? why))
        {
            return why;
        }

        ImmutableDictionary<string, InTotoKey>.Builder subkeys = ImmutableDictionary.CreateBuilder<string, InTotoKey>(StringComparer.Ordinal);
        if (json.TryGetProperty("subkeys", out JsonElement list) && list.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty one in list.EnumerateObject())
            {
                if (subkeys.Count == MaxSubkeys)
                {
                    return new Refusal(RefusalCode.TooLarge, $"key {Short(keyId)} has more than {MaxSubkeys} subkeys");
                }

                if (!PgpKey.Parse(one.Name, one.Value).TryGet(out PgpKey? subkey, out why))
                {
                    return why;
                }

                subkeys[one.Name] = new InTotoKey(one.Name, subkey.Method, null, subkey, ImmutableDictionary<string, InTotoKey>.Empty);
            }
        }

        return new InTotoKey(keyId, key.Method, null, key, subkeys.ToImmutable());
    }

    private Refusal? VerifyOne(InTotoMetadata metadata, InTotoSignature signature, DateTimeOffset now)
    {
        if (_pgp is not null)
        {
            return metadata.IsDsse
                ? new Refusal(RefusalCode.Unsupported, "OpenPGP signatures stand in metablocks only") { Check = "in-toto.signature" }
                : _pgp.Verify(metadata.Signed.Span, signature, now);
        }

        ReadOnlySpan<byte> signed = metadata.Signed.Span;
        ReadOnlySpan<byte> bytes = signature.Bytes.Span;
        bool good = Scheme switch
        {
            "rsassa-pss-sha256" => _key!.VerifyPss(signed, bytes, HashAlgorithmName.SHA256),
            "rsassa-pss-sha384" => _key!.VerifyPss(signed, bytes, HashAlgorithmName.SHA384),
            "rsassa-pss-sha512" => _key!.VerifyPss(signed, bytes, HashAlgorithmName.SHA512),
            "rsa-pkcs1v15-sha256" => _key!.VerifyPkcs1(signed, bytes, HashAlgorithmName.SHA256),
            "rsa-pkcs1v15-sha384" => _key!.VerifyPkcs1(signed, bytes, HashAlgorithmName.SHA384),
            "rsa-pkcs1v15-sha512" => _key!.VerifyPkcs1(signed, bytes, HashAlgorithmName.SHA512),
            "ecdsa-sha2-nistp256" => _key!.VerifyEcdsa(signed, bytes, HashAlgorithmName.SHA256),
            "ecdsa-sha2-nistp384" => _key!.VerifyEcdsa(signed, bytes, HashAlgorithmName.SHA384),
            "ecdsa-sha2-nistp521" => _key!.VerifyEcdsa(signed, bytes, HashAlgorithmName.SHA512),
            "ed25519" => _key!.VerifyEd25519(signed, bytes),
            _ => false,
        };
        return good ? null : new Refusal(RefusalCode.BadSignature, $"Invalid signature for keyid '{KeyId}'") { Check = "in-toto.signature" };
    }

    private static Result<string> ComputeId(JsonElement json)
    {
        if (json.Text("keytype") is not { } type || json.Text("scheme") is not { } scheme
            || !json.TryGetProperty("keyval", out JsonElement keyval) || keyval.Text("public") is not { } text)
        {
            return new Refusal(RefusalCode.Malformed, "a key needs keytype, scheme and keyval.public");
        }

        bool listed = json.TryGetProperty("keyid_hash_algorithms", out JsonElement list) && list.ValueKind == JsonValueKind.Array;
        if (listed && list.EnumerateArray().Any(a => a.ValueKind != JsonValueKind.String))
        {
            return new Refusal(RefusalCode.Malformed, "keyid_hash_algorithms is not a list of names");
        }

        string? algorithms = listed
            ? string.Join(',', list.EnumerateArray().Select(a => $"\"{a.GetString()}\""))
            : null;
        return ComputeId(type, scheme, text, algorithms);
    }

    private static string ComputeId(string type, string scheme, string text, string? algorithms)
    {
        string head = algorithms is null ? string.Empty : $"\"keyid_hash_algorithms\":[{algorithms}],";
        string canonical = $"{{{head}\"keytype\":\"{type}\",\"keyval\":{{\"public\":\"{text.Trim()}\"}},\"scheme\":\"{scheme}\"}}";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)));
    }

    private static string Short(string keyId) => keyId.Length <= 16 ? keyId : keyId[..16];
}
