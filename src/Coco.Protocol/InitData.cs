// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Protocol;

/// <summary>An init-data document: what a guest is told at launch and its hardware measures (kbs.md 2.6, guest.md 17). Made by <see cref="Parse(ReadOnlySpan{byte}, int)"/>.</summary>
/// <param name="Version">The member <c>version</c>.</param>
/// <param name="Algorithm">The hash that the document names for itself.</param>
/// <param name="Data">File name to content.</param>
/// <param name="Source">The document as it was received, which is what the digest covers.</param>
public sealed record InitData(string Version, DigestAlgorithm Algorithm, ImmutableDictionary<string, string> Data, ReadOnlyMemory<byte> Source)
{
    /// <summary>Default limit of size in bytes: 1 MiB.</summary>
    public const int DefaultMaxBytes = TomlJson.DefaultMaxBytes;

    /// <summary>The only version that kata's agent accepts.</summary>
    public const string CurrentVersion = "0.1.0";

    private const string PolicyFile = "policy.rego";
    private const string PolicyData = "policy_data := {";

    /// <summary>Reads the TOML document. Refused: no <c>version</c>, no <c>algorithm</c> or an unknown one, no table <c>data</c>, a value in it that is no string.</summary>
    public static Result<InitData> Parse(ReadOnlySpan<byte> utf8, int maxBytes = DefaultMaxBytes)
    {
        if (!TomlJson.Parse(utf8, maxBytes).TryGet(out JsonObject? document, out Refusal? refusal))
        {
            return refusal.Within("init-data");
        }

        if (!Text(document, "version").TryGet(out string? version, out refusal) || !Text(document, "algorithm").TryGet(out string? name, out refusal))
        {
            return refusal;
        }

        if (!Digests.TryParse(name, ignoreCase: false, out DigestAlgorithm algorithm))
        {
            return new Refusal(RefusalCode.Unsupported, "init-data: algorithm is none of sha256, sha384, sha512, sm3") { Field = "algorithm" };
        }

        if (document["data"] is not JsonObject table)
        {
            return new Refusal(RefusalCode.Malformed, "init-data: table 'data' is mandatory") { Field = "data" };
        }

        ImmutableDictionary<string, string>.Builder data = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach ((string key, JsonNode? value) in table)
        {
            if (value is not JsonValue text || text.GetValueKind() != JsonValueKind.String)
            {
                return new Refusal(RefusalCode.Malformed, "init-data: a value in 'data' is no string") { Field = "data." + key };
            }

            data[key] = text.GetValue<string>();
        }

        return new InitData(version, algorithm, data.ToImmutable(), utf8.ToArray());
    }

    /// <summary>The same for text; the digest is over its UTF-8 bytes.</summary>
    public static Result<InitData> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Length > DefaultMaxBytes
            ? new Refusal(RefusalCode.TooLarge, $"init-data of {text.Length} characters")
            : Parse(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>The document's hash, by its own algorithm, over the bytes as received.</summary>
    public byte[] Digest() => Algorithm.Compute(Source.Span);

    /// <summary>What kata's agent demands besides (guest.md 17.1): version 0.1.0, and an algorithm other than SM3. Null when it may be used there.</summary>
    public Refusal? CheckForAgent()
    {
        if (Version != CurrentVersion)
        {
            return new Refusal(RefusalCode.Unsupported, "init-data: version must be 0.1.0") { Field = "version" };
        }

        return Algorithm == DigestAlgorithm.Sm3
            ? new Refusal(RefusalCode.Unsupported, "init-data: algorithm is none of sha256, sha384, sha512") { Field = "algorithm" }
            : null;
    }

    /// <summary>
    /// The claims of a token (attestation-service.md 5.3), members sorted by name: <c>aa.toml</c> and <c>cdh.toml</c> as JSON where they parse, and <c>agent_policy_claims</c>
    /// in place of a policy that ends in <c>policy_data := {…}</c>.
    /// </summary>
    public JsonObject ToClaims()
    {
        var claims = new JsonObject();
        foreach ((string key, string value) in Data.OrderBy(d => d.Key, StringComparer.Ordinal))
        {
            if (key is "aa.toml" or "cdh.toml" && TomlJson.Parse(value).TryGet(out JsonObject? table, out _))
            {
                claims[key] = table;
                continue;
            }

            claims[key] = value;
        }

        if (Data.TryGetValue(PolicyFile, out string? policy))
        {
            int at = policy.IndexOf(PolicyData, StringComparison.Ordinal);
            if (at >= 0 && HostileJson.Parse(policy[(at + PolicyData.Length - 1)..]).TryGet(out JsonElement element, out _))
            {
                claims.Remove(PolicyFile);
                claims["agent_policy_claims"] = JsonObject.Create(element);
            }
        }

        return claims;
    }

    /// <summary>Fits a digest to a hardware register of fixed size: zeros at the end, or cut at the end.</summary>
    /// <param name="digest">The digest.</param>
    /// <param name="size">SNP 32, TDX 48, SGX and CCA 64, SE 256 bytes (guest.md 17.2).</param>
    public static byte[] Fit(ReadOnlySpan<byte> digest, int size)
    {
        byte[] register = new byte[size];
        digest[..Math.Min(size, digest.Length)].CopyTo(register);
        return register;
    }

    private static Result<string> Text(JsonObject document, string name) =>
        document[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String
            ? value.GetValue<string>()
            : new Refusal(RefusalCode.Malformed, $"init-data: string '{name}' is mandatory") { Field = name };
}
