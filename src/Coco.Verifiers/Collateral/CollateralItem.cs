// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.Verifiers;

/// <summary>A piece of collateral as its issuer published it. Fetched, not verified: whoever uses it checks its signature.</summary>
/// <param name="Body">The bytes, exactly as they came (JSON text, DER, PEM).</param>
public sealed record CollateralItem(ReadOnlyMemory<byte> Body)
{
    private const int MaximumBody = 16 * 1024 * 1024;

    /// <summary>The issuer's certificates as PEM text, where the service sends them beside the body (Intel's <c>…-Issuer-Chain</c> headers); else empty.</summary>
    public ReadOnlyMemory<byte> IssuerChain { get; init; }

    /// <summary>Where the issuer publishes it, when a later step needs that (the URL that a root CRL came from); null otherwise.</summary>
    public string? Location { get; init; }

    /// <summary>When the issuer's statement ends (UTC): nextUpdate of a list, notAfter of a certificate; null when it does not say.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When it was fetched (UTC).</summary>
    public DateTimeOffset FetchedAt { get; init; }

    /// <summary>Name of the source that it came from.</summary>
    public string Source { get; init; } = string.Empty;

    /// <summary>The form in which caches and bundles keep it: one JSON object.</summary>
    public byte[] Encode()
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            WriteMembers(writer);
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    /// <summary>Reads what <see cref="Encode"/> wrote.</summary>
    public static Result<CollateralItem> Decode(ReadOnlyMemory<byte> encoded)
    {
        return HostileJson.Parse(encoded.Span, 2 * MaximumBody).TryGet(out JsonElement json, out Refusal? refusal)
            ? FromJson(json)
            : refusal.Within("stored collateral");
    }

    /// <summary>Reads the members that <see cref="Encode"/> wrote; others are passed over.</summary>
    public static Result<CollateralItem> FromJson(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object
            || !json.TryGetProperty("body", out JsonElement body)
            || body.ValueKind != JsonValueKind.String
            || !body.TryGetBytesFromBase64(out byte[]? bytes)
            || bytes.Length > MaximumBody)
        {
            return new Refusal(RefusalCode.Malformed, "collateral has no base64 member 'body'") { Field = "body" };
        }

        return new CollateralItem(bytes)
        {
            IssuerChain = TextOf(json, "issuer_chain") is { } chain ? System.Text.Encoding.UTF8.GetBytes(chain) : default,
            Location = TextOf(json, "location"),
            Source = TextOf(json, "source") ?? string.Empty,
            ExpiresAt = json.TryGetProperty("expires_at", out JsonElement e) && e.ValueKind == JsonValueKind.String && e.TryGetDateTimeOffset(out DateTimeOffset at) ? at : null,
            FetchedAt = json.TryGetProperty("fetched_at", out JsonElement f) && f.ValueKind == JsonValueKind.String && f.TryGetDateTimeOffset(out DateTimeOffset when) ? when : default,
        };
    }

    internal void WriteMembers(Utf8JsonWriter writer)
    {
        writer.WriteBase64String("body", Body.Span);
        if (!IssuerChain.IsEmpty)
        {
            writer.WriteString("issuer_chain", System.Text.Encoding.UTF8.GetString(IssuerChain.Span));
        }

        if (Location is not null)
        {
            writer.WriteString("location", Location);
        }

        if (ExpiresAt is { } expires)
        {
            writer.WriteString("expires_at", expires);
        }

        writer.WriteString("fetched_at", FetchedAt);
        writer.WriteString("source", Source);
    }

    private static string? TextOf(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.String ? e.GetString() : null;
}
