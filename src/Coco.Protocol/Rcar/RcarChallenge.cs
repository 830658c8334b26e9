// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;

namespace Coco.Protocol;

/// <summary>A key broker's answer to <c>auth</c>, as a guest reads it (kbs.md 2.2).</summary>
/// <param name="Nonce">To be repeated as it is.</param>
/// <param name="Hash">What the runtime data is hashed with; SHA-384 when the server selected nothing.</param>
public sealed record RcarChallenge(string Nonce, DigestAlgorithm Hash)
{
    /// <summary>What our clients offer.</summary>
    public static ImmutableArray<DigestAlgorithm> AllHashes { get; } = [DigestAlgorithm.Sha256, DigestAlgorithm.Sha384, DigestAlgorithm.Sha512, DigestAlgorithm.Sm3];

    /// <summary>Reads the answer. Refused: no nonce, or a selected hash that is not among those offered (names in any case).</summary>
    public static Result<RcarChallenge> Parse(JsonElement body, ImmutableArray<DigestAlgorithm> offered)
    {
        if (!HostileJson.RequireString(body, "nonce").TryGet(out string? nonce, out Refusal? refusal))
        {
            return refusal.Within("challenge");
        }

        if (!body.TryGetProperty("extra-params", out JsonElement extra) || extra.ValueKind != JsonValueKind.Object
            || !extra.TryGetProperty("selected-hash-algorithm", out JsonElement selected))
        {
            return new RcarChallenge(nonce, DigestAlgorithm.Sha384);
        }

        return selected.ValueKind == JsonValueKind.String && Digests.TryParse(selected.GetString(), ignoreCase: true, out DigestAlgorithm hash) && offered.Contains(hash)
            ? new RcarChallenge(nonce, hash)
            : new Refusal(RefusalCode.Unsupported, "challenge: selected-hash-algorithm is none of those offered") { Field = "selected-hash-algorithm" };
    }
}
