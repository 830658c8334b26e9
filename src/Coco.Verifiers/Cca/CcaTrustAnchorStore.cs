// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using System.Text.Json;

namespace Coco.Verifiers.Cca;

/// <summary>The trust anchors of CCA platforms, found by instance id. Immutable and thread-safe.</summary>
/// <remarks>Source: tee-evidence.md 8.2: an array of <c>{"pkey": JWK, "implementation-id": hex, "instance-id": hex}</c>.</remarks>
public sealed class CcaTrustAnchorStore
{
    private readonly FrozenDictionary<string, CcaTrustAnchor> _byInstance;

    private CcaTrustAnchorStore(FrozenDictionary<string, CcaTrustAnchor> byInstance) => _byInstance = byInstance;

    /// <summary>No anchors: every token is refused.</summary>
    public static CcaTrustAnchorStore Empty { get; } = new(FrozenDictionary<string, CcaTrustAnchor>.Empty);

    /// <summary>Reads the store's JSON. One broken entry refuses the whole store.</summary>
    public static Result<CcaTrustAnchorStore> Parse(ReadOnlySpan<byte> utf8)
    {
        if (!HostileJson.Parse(utf8, 16 << 20).TryGet(out JsonElement array, out Refusal? refusal))
        {
            return refusal;
        }

        if (array.ValueKind != JsonValueKind.Array)
        {
            return new Refusal(RefusalCode.Malformed, "trust anchor store: not an array");
        }

        var anchors = new Dictionary<string, CcaTrustAnchor>(StringComparer.Ordinal);
        foreach (JsonElement one in array.EnumerateArray())
        {
            if (!CcaJson.Hex(one, "implementation-id").TryGet(out ReadOnlyMemory<byte> implementation, out refusal)
                || !CcaJson.Hex(one, "instance-id").TryGet(out ReadOnlyMemory<byte> instance, out refusal))
            {
                return refusal;
            }

            if (implementation.Length != 32 || instance.Length != 33)
            {
                return new Refusal(RefusalCode.Malformed, "trust anchor store: implementation-id has 32 bytes, instance-id 33");
            }

            if (!one.TryGetProperty("pkey", out JsonElement pkey))
            {
                return new Refusal(RefusalCode.Malformed, "trust anchor store: pkey is missing") { Field = "pkey" };
            }

            if (!Jwk.Parse(pkey).TryGet(out Jwk? jwk, out refusal) || !VerificationKey.FromJwk(jwk).TryGet(out VerificationKey? key, out refusal))
            {
                return refusal.Within("trust anchor store: pkey");
            }

            if (!anchors.TryAdd(Convert.ToHexStringLower(instance.Span), new CcaTrustAnchor(implementation, instance, key)))
            {
                return new Refusal(RefusalCode.Malformed, "trust anchor store: the same instance-id twice");
            }
        }

        return new CcaTrustAnchorStore(anchors.ToFrozenDictionary(StringComparer.Ordinal));
    }

    /// <summary>The anchor of an instance; null when there is none.</summary>
    public CcaTrustAnchor? Find(ReadOnlySpan<byte> instanceId) => _byInstance.GetValueOrDefault(Convert.ToHexStringLower(instanceId));
}
