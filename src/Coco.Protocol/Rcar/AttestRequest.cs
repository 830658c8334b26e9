// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Protocol;

/// <summary>The body of <c>attest</c>, decoded by the rules of the session's version (kbs.md 2.3, 2.8).</summary>
public sealed class AttestRequest
{
    private const int MaxAdditionalEvidences = 64;

    private AttestRequest(ProtocolVersion version, string? nonce, TeePublicKey key, JsonElement primary, string? additional, InitDataText? initData)
    {
        Version = version;
        Nonce = nonce;
        Key = key;
        Primary = primary;
        Additional = additional;
        InitData = initData;
    }

    /// <summary>The version of the session.</summary>
    public ProtocolVersion Version { get; }

    /// <summary>The nonce that the guest repeats; null for versions that do not repeat it.</summary>
    public string? Nonce { get; }

    /// <summary>The key that answers are to be sealed for.</summary>
    public TeePublicKey Key { get; }

    /// <summary>The primary evidence, any JSON.</summary>
    public JsonElement Primary { get; }

    /// <summary>Exactly the string that the primary evidence binds; null for versions that have none.</summary>
    public string? Additional { get; }

    /// <summary>The guest's init-data; null when it sent none.</summary>
    public InitDataText? InitData { get; }

    /// <summary>Decodes the body; members that are not known are ignored.</summary>
    /// <param name="body">UTF-8 JSON.</param>
    /// <param name="version">The version that the guest named in <c>auth</c>.</param>
    /// <param name="maxBytes">Limit of the body, and of evidence that is a text in it.</param>
    public static Result<AttestRequest> Parse(ReadOnlySpan<byte> body, ProtocolVersion version, int maxBytes)
    {
        if (!HostileJson.ParseObject(body, maxBytes).TryGet(out JsonElement root, out Refusal? refusal))
        {
            return refusal;
        }

        if (version == ProtocolVersion.V0_4_0)
        {
            return ParseCurrent(root);
        }

        if (!root.TryGetProperty("tee-pubkey", out JsonElement keyElement) || !root.TryGetProperty("tee-evidence", out JsonElement evidence))
        {
            return Missing("tee-pubkey or tee-evidence");
        }

        if (!TeePublicKey.Parse(keyElement, version).TryGet(out TeePublicKey? key, out refusal))
        {
            return refusal;
        }

        switch (version)
        {
            case ProtocolVersion.V0_1_0:
                if (evidence.ValueKind != JsonValueKind.String)
                {
                    return new Refusal(RefusalCode.Malformed, "tee-evidence is not a string") { Field = "tee-evidence" };
                }

                return HostileJson.Parse(evidence.GetString()!, maxBytes).TryGet(out JsonElement inner, out refusal)
                    ? new AttestRequest(version, null, key, inner, null, null)
                    : refusal.Within("tee-evidence");
            case ProtocolVersion.V0_3_0:
                return ParseComposite(evidence, out JsonElement primary, out string? additional) is { } bad
                    ? bad
                    : new AttestRequest(version, null, key, primary, additional, null);
            default:
                return new AttestRequest(version, null, key, evidence, null, null);
        }
    }

    /// <summary>The evidence of the devices, in the order of the text; empty without devices. Refused: not an object, a TEE that is not known, more than 64.</summary>
    public Result<ImmutableArray<Evidence>> ReadDevices()
    {
        if (string.IsNullOrEmpty(Additional))
        {
            return ImmutableArray<Evidence>.Empty;
        }

        if (!HostileJson.Parse(Additional, Math.Max(HostileJson.DefaultMaxBytes, Additional.Length * 3)).TryGet(out JsonElement devices, out Refusal? refusal))
        {
            return refusal.Within("additional_evidence");
        }

        if (devices.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, "additional_evidence is not an object") { Field = "additional_evidence" };
        }

        ImmutableArray<Evidence>.Builder all = ImmutableArray.CreateBuilder<Evidence>();
        foreach (JsonProperty device in devices.EnumerateObject())
        {
            if (all.Count == MaxAdditionalEvidences)
            {
                return new Refusal(RefusalCode.TooLarge, $"additional_evidence has more than {MaxAdditionalEvidences} members") { Field = "additional_evidence" };
            }

            if (!TeeTypes.TryParse(device.Name, out TeeType tee))
            {
                return new Refusal(RefusalCode.Unsupported, "additional_evidence names an unknown TEE") { Field = "additional_evidence" };
            }

            all.Add(new Evidence(tee, device.Value));
        }

        return all.ToImmutable();
    }

    /// <summary>The runtime data of a device: what its evidence binds, and the claims of a token.</summary>
    public JsonObject DeviceRuntimeData(string nonce) => new() { ["tee-pubkey"] = Key.ToJwk(), ["nonce"] = nonce };

    /// <summary>The runtime data of the primary evidence, as the claims of a token have it.</summary>
    public JsonObject PrimaryRuntimeData(string nonce)
    {
        JsonObject claims = DeviceRuntimeData(nonce);
        if (Version >= ProtocolVersion.V0_3_0)
        {
            claims["additional-evidence"] = Additional;
        }

        return claims;
    }

    /// <summary>The byte strings of which the primary evidence must bind one, most likely first; each holds the nonce and the key (kbs.md 2.8). From 0.3.0 on there is exactly one.</summary>
    public Result<ImmutableArray<ReadOnlyMemory<byte>>> PrimaryHashInputs(string nonce)
    {
        if (!CanonicalJson.Write(PrimaryRuntimeData(nonce)).TryGet(out byte[]? canonical, out Refusal? refusal))
        {
            return refusal;
        }

        if (Version >= ProtocolVersion.V0_3_0)
        {
            return ImmutableArray.Create<ReadOnlyMemory<byte>>(canonical);
        }

        var candidates = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>(5);
        if (Version == ProtocolVersion.V0_1_0 && Key.ConcatenatedRsaTexts.Length > 0)
        {
            // Guests up to 0.8 hashed the texts, those without kty (up to 0.6) nothing else.
            candidates.Add(Encoding.UTF8.GetBytes(nonce + Key.ConcatenatedRsaTexts));
        }

        if (Key.HasType)
        {
            candidates.Add(canonical);
            Add(candidates, CanonicalJson.Write(new JsonObject { ["tee-pubkey"] = Key.ToJwkAsSent(), ["nonce"] = nonce }));
            Add(candidates, Plain(Key.ToJwk(), nonce));
            Add(candidates, Plain(Key.ToJwkAsSent(), nonce));
        }

        return candidates.ToImmutable();
    }

    private static Result<AttestRequest> ParseCurrent(JsonElement root)
    {
        if (!root.TryGetProperty("runtime-data", out JsonElement runtime) || runtime.ValueKind != JsonValueKind.Object
            || !root.TryGetProperty("tee-evidence", out JsonElement evidence))
        {
            return Missing("runtime-data or tee-evidence");
        }

        if (!HostileJson.RequireString(runtime, "nonce").TryGet(out string? nonce, out Refusal? refusal))
        {
            return refusal;
        }

        if (!runtime.TryGetProperty("tee-pubkey", out JsonElement keyElement))
        {
            return Missing("tee-pubkey");
        }

        if (!TeePublicKey.Parse(keyElement, ProtocolVersion.V0_4_0).TryGet(out TeePublicKey? key, out refusal))
        {
            return refusal;
        }

        if (ParseComposite(evidence, out JsonElement primary, out string? additional) is { } bad)
        {
            return bad;
        }

        InitDataText? initData = null;
        if (root.TryGetProperty("init-data", out JsonElement init) && init.ValueKind != JsonValueKind.Null)
        {
            if (!HostileJson.RequireString(init, "format").TryGet(out string? format, out refusal)
                || !HostileJson.RequireString(init, "body").TryGet(out string? text, out refusal))
            {
                return refusal.Within("init-data");
            }

            if (format != "toml")
            {
                return new Refusal(RefusalCode.Unsupported, "Unsupported initdata format, only toml works") { Field = "init-data" };
            }

            initData = new InitDataText(format, text);
        }

        return new AttestRequest(ProtocolVersion.V0_4_0, nonce, key, primary, additional, initData);
    }

    private static Refusal? ParseComposite(JsonElement evidence, out JsonElement primary, out string? additional)
    {
        primary = default;
        additional = null;
        if (evidence.ValueKind != JsonValueKind.Object || !evidence.TryGetProperty("primary_evidence", out primary))
        {
            return Missing("primary_evidence");
        }

        if (!HostileJson.RequireString(evidence, "additional_evidence").TryGet(out additional, out Refusal? refusal))
        {
            return refusal;
        }

        return null;
    }

    // The members in the order of the guest's own structures: key first, then nonce (kbs.md 2.8). Escapes are those of the canonical form.
    private static Result<byte[]> Plain(JsonObject key, string nonce)
    {
        var text = new StringBuilder("{\"tee-pubkey\":{");
        string separator = string.Empty;
        foreach (KeyValuePair<string, JsonNode?> member in key)
        {
            text.Append(separator).Append('"').Append(member.Key).Append("\":\"").Append(member.Value!.GetValue<string>()).Append('"');
            separator = ",";
        }

        return CanonicalJson.Write(JsonValue.Create(nonce)).TryGet(out byte[]? quoted, out Refusal? refusal)
            ? Encoding.UTF8.GetBytes(text.Append("},\"nonce\":").Append(Encoding.UTF8.GetString(quoted)).Append('}').ToString())
            : refusal;
    }

    private static void Add(ImmutableArray<ReadOnlyMemory<byte>>.Builder candidates, Result<byte[]> candidate)
    {
        if (!candidate.TryGet(out byte[]? bytes, out _))
        {
            return;
        }

        foreach (ReadOnlyMemory<byte> present in candidates)
        {
            if (present.Span.SequenceEqual(bytes))
            {
                return;
            }
        }

        candidates.Add(bytes);
    }

    private static Refusal Missing(string what) => new(RefusalCode.Malformed, "missing " + what) { Field = what };
}
