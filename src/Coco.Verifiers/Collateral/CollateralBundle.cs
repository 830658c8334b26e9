// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace Coco.Verifiers;

/// <summary>
/// Collateral in one signed file, for sites without network: a JSON Web Signature in flattened JSON serialisation (RFC 7515 section 7.2.2) over a JSON
/// payload. The signature says who put it together; the collateral inside still has its issuers' own signatures, which verifiers check.
/// </summary>
public sealed class CollateralBundle : ICollateralSource
{
    private const int MaximumLength = 256 * 1024 * 1024;
    private const string ContentType = "coco-collateral+json";

    private readonly Dictionary<CollateralKey, CollateralItem> _items;

    private CollateralBundle(DateTimeOffset createdAt, string signerSha256, Dictionary<CollateralKey, CollateralItem> items)
    {
        CreatedAt = createdAt;
        SignerSha256 = signerSha256;
        _items = items;
    }

    /// <summary>When it was put together (UTC).</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>SHA-256 of the signer's SubjectPublicKeyInfo, lower-case hexadecimal.</summary>
    public string SignerSha256 { get; }

    /// <summary>What is in it.</summary>
    public IReadOnlyDictionary<CollateralKey, CollateralItem> Items => _items;

    /// <inheritdoc/>
    public string Name => "bundle";

    /// <inheritdoc/>
    public bool Serves(string kind) => true;

    /// <summary>Writes and signs a bundle.</summary>
    /// <param name="items">What goes into it.</param>
    /// <param name="key">An EC key on P-256 or P-384 with its private part.</param>
    /// <param name="createdAt">Now (UTC).</param>
    public static byte[] Write(IEnumerable<(CollateralKey Key, CollateralItem Item)> items, ECDsa key, DateTimeOffset createdAt)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(key);
        (string algorithm, HashAlgorithmName hash) = AlgorithmOf(key) ?? throw new ArgumentException("the key must be on P-256 or P-384", nameof(key));
        using var payload = new MemoryStream();
        using (var writer = new Utf8JsonWriter(payload))
        {
            writer.WriteStartObject();
            writer.WriteNumber("version", 1);
            writer.WriteString("created_at", createdAt);
            writer.WriteStartArray("items");
            foreach ((CollateralKey name, CollateralItem item) in items)
            {
                writer.WriteStartObject();
                writer.WriteString("kind", name.Kind);
                writer.WriteString("id", name.Id);
                item.WriteMembers(writer);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        string header = Base64Url.EncodeToString(System.Text.Encoding.UTF8.GetBytes($"{{\"alg\":\"{algorithm}\",\"cty\":\"{ContentType}\",\"kid\":\"{DigestOf(key)}\"}}"));
        string body = Base64Url.EncodeToString(payload.GetBuffer().AsSpan(0, (int)payload.Length));
        byte[] signature = key.SignData(System.Text.Encoding.ASCII.GetBytes(header + "." + body), hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        using var file = new MemoryStream();
        using (var writer = new Utf8JsonWriter(file))
        {
            writer.WriteStartObject();
            writer.WriteString("protected", header);
            writer.WriteString("payload", body);
            writer.WriteString("signature", Base64Url.EncodeToString(signature));
            writer.WriteEndObject();
        }

        return file.ToArray();
    }

    /// <summary>Reads a bundle that one of the given keys signed.</summary>
    /// <param name="file">The file.</param>
    /// <param name="trusted">Public keys that may sign bundles; without any, no bundle is accepted.</param>
    public static Result<CollateralBundle> Open(ReadOnlyMemory<byte> file, IReadOnlyList<ECDsa> trusted)
    {
        ArgumentNullException.ThrowIfNull(trusted);
        if (!HostileJson.ParseObject(file.Span, MaximumLength).TryGet(out JsonElement root, out Refusal? refusal))
        {
            return refusal.Within("bundle");
        }

        if (Text(root, "protected") is not { } header || Text(root, "payload") is not { } body || Text(root, "signature") is not { } signatureText)
        {
            return new Refusal(RefusalCode.Malformed, "a bundle has the members protected, payload and signature");
        }

        try
        {
            byte[] signature = Base64Url.DecodeFromChars(signatureText);
            if (!HostileJson.ParseObject(Base64Url.DecodeFromChars(header)).TryGet(out JsonElement headerJson, out refusal))
            {
                return refusal.Within("bundle header");
            }

            if (Text(headerJson, "cty") != ContentType)
            {
                return new Refusal(RefusalCode.Unsupported, "it is signed, but no collateral bundle") { Field = "cty" };
            }

            byte[] signed = System.Text.Encoding.ASCII.GetBytes(header + "." + body);
            string? signer = null;
            foreach (ECDsa key in trusted)
            {
                if (AlgorithmOf(key) is { } algorithm
                    && Text(headerJson, "alg") == algorithm.Name
                    && key.VerifyData(signed, signature, algorithm.Hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation))
                {
                    signer = DigestOf(key);
                    break;
                }
            }

            return signer is null
                ? new Refusal(RefusalCode.BadSignature, "the bundle is not signed by a trusted key")
                : ReadPayload(Base64Url.DecodeFromChars(body), signer);
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return new Refusal(RefusalCode.Malformed, "the bundle cannot be read: " + e.Message);
        }
    }

    /// <inheritdoc/>
    public ValueTask<Result<CollateralItem>> FetchAsync(CollateralKey key, CancellationToken ct) =>
        new(_items.TryGetValue(key, out CollateralItem? item) ? item : new Refusal(RefusalCode.NotFound, $"the bundle has no {key.Kind} {key.Id}"));

    private static Result<CollateralBundle> ReadPayload(byte[] payload, string signer)
    {
        if (!HostileJson.ParseObject(payload, MaximumLength).TryGet(out JsonElement root, out Refusal? refusal))
        {
            return refusal.Within("bundle payload");
        }

        if (!root.TryGetProperty("version", out JsonElement version) || !version.TryGetInt32(out int number) || number != 1)
        {
            return new Refusal(RefusalCode.Unsupported, "bundle version must be 1") { Field = "version" };
        }

        if (!root.TryGetProperty("items", out JsonElement list) || list.ValueKind != JsonValueKind.Array
            || !root.TryGetProperty("created_at", out JsonElement created) || created.ValueKind != JsonValueKind.String || !created.TryGetDateTimeOffset(out DateTimeOffset at))
        {
            return new Refusal(RefusalCode.Malformed, "a bundle has created_at and a list of items");
        }

        var items = new Dictionary<CollateralKey, CollateralItem>();
        foreach (JsonElement one in list.EnumerateArray())
        {
            if (Text(one, "kind") is not { } kind || Text(one, "id") is not { } id)
            {
                return new Refusal(RefusalCode.Malformed, "an item has kind and id") { Field = "items" };
            }

            if (!CollateralItem.FromJson(one).TryGet(out CollateralItem? item, out refusal))
            {
                return refusal;
            }

            if (!items.TryAdd(new CollateralKey(kind, id), item))
            {
                return new Refusal(RefusalCode.Malformed, $"{kind} {id} occurs twice") { Field = "items" };
            }
        }

        return new CollateralBundle(at, signer, items);
    }

    private static string? Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.String ? e.GetString() : null;

    private static (string Name, HashAlgorithmName Hash)? AlgorithmOf(ECDsa key) => key.KeySize switch
    {
        256 => ("ES256", HashAlgorithmName.SHA256),
        384 => ("ES384", HashAlgorithmName.SHA384),
        _ => null,
    };

    private static string DigestOf(ECDsa key) => Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
}
