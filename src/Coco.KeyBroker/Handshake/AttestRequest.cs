// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>The body of <c>attest</c>, decoded by the rules of the session's version (kbs.md 2.3, 2.8).</summary>
internal sealed class AttestRequest
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

    public ProtocolVersion Version { get; }

    /// <summary>The nonce that the guest repeats; null for versions that do not repeat it.</summary>
    public string? Nonce { get; }

    public TeePublicKey Key { get; }

    public JsonElement Primary { get; }

    /// <summary>Exactly the string that the primary evidence binds; null for versions that have none.</summary>
    public string? Additional { get; }

    public InitDataText? InitData { get; }

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

    /// <summary>What the attestation service has to verify: the primary evidence, then each device's.</summary>
    public Result<ImmutableArray<AttestationInput>> ToInputs(TeeType tee, string nonce, string? hashAlgorithm)
    {
        var inputs = ImmutableArray.CreateBuilder<AttestationInput>();
        if (!BindPrimary(nonce, hashAlgorithm).TryGet(out RuntimeData? runtimeData, out Refusal? refusal))
        {
            return refusal;
        }

        inputs.Add(new AttestationInput(new Evidence(tee, Primary), runtimeData, InitData));
        if (string.IsNullOrEmpty(Additional))
        {
            return inputs.ToImmutable();
        }

        if (!HostileJson.Parse(Additional, Math.Max(HostileJson.DefaultMaxBytes, Additional.Length * 3)).TryGet(out JsonElement devices, out refusal))
        {
            return refusal.Within("additional_evidence");
        }

        if (devices.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, "additional_evidence is not an object") { Field = "additional_evidence" };
        }

        foreach (JsonProperty device in devices.EnumerateObject())
        {
            if (inputs.Count > MaxAdditionalEvidences)
            {
                return new Refusal(RefusalCode.TooLarge, $"additional_evidence has more than {MaxAdditionalEvidences} members") { Field = "additional_evidence" };
            }

            if (!TeeTypes.TryParse(device.Name, out TeeType deviceTee))
            {
                return new Refusal(RefusalCode.Unsupported, "additional_evidence names an unknown TEE") { Field = "additional_evidence" };
            }

            var claims = new JsonObject { ["tee-pubkey"] = Key.ToJwk(), ["nonce"] = nonce };
            if (!CanonicalJson.Write(claims).TryGet(out byte[]? bytes, out refusal))
            {
                return refusal;
            }

            inputs.Add(new AttestationInput(new Evidence(deviceTee, device.Value), new RuntimeData(claims, hashAlgorithm, [bytes]), null));
        }

        return inputs.ToImmutable();
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

    private Result<RuntimeData> BindPrimary(string nonce, string? hashAlgorithm)
    {
        var claims = new JsonObject { ["tee-pubkey"] = Key.ToJwk(), ["nonce"] = nonce };
        if (Version >= ProtocolVersion.V0_3_0)
        {
            claims["additional-evidence"] = Additional;
        }

        if (!CanonicalJson.Write(claims).TryGet(out byte[]? canonical, out Refusal? refusal))
        {
            return refusal;
        }

        if (Version >= ProtocolVersion.V0_3_0)
        {
            return new RuntimeData(claims, hashAlgorithm, [canonical]);
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

        return new RuntimeData(claims, hashAlgorithm, candidates.ToImmutable());
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
