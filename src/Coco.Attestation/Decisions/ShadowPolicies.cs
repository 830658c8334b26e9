// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using System.Text.Json.Nodes;
using Coco.Attestation.Pipeline;
using Coco.Attestation.Policies;

namespace Coco.Attestation.Decisions;

/// <summary>
/// Evaluates shadow policies beside the live ones: a policy that is configured for <c>&lt;id&gt;_&lt;class&gt;</c>, or else is stored as
/// <c>&lt;id&gt;_&lt;class&gt;.shadow</c>, sees what <c>&lt;id&gt;_&lt;class&gt;</c> decided about, and what it would have said is counted and recorded. It changes no
/// decision.
/// </summary>
internal sealed class ShadowPolicies(AttestationPolicyStore policies, Appraiser appraiser, AttestationOptions options)
{
    /// <summary>Behind the id of the live policy.</summary>
    public const string Suffix = ".shadow";

    private readonly FrozenDictionary<string, Result<CompiledPolicy>> _configured =
        options.ShadowPolicies.ToFrozenDictionary(p => p.Key, p => policies.Compile(p.Value, p.Key + Suffix), StringComparer.Ordinal);

    /// <summary>Whether any of the appraisals' policies has a shadow.</summary>
    public async ValueTask<bool> HasAnyAsync(IEnumerable<Appraisal> live, CancellationToken ct)
    {
        foreach (Appraisal one in live)
        {
            if ((await FindAsync(one.Policy.StoredId, ct).ConfigureAwait(false)).Refusal is not { Code: RefusalCode.NotFound })
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What the shadow of the appraisal's policy says; null when it has none.</summary>
    public async ValueTask<JsonObject?> EvaluateAsync(Appraisal live, CancellationToken ct)
    {
        string id = live.Policy.StoredId + Suffix;
        if (!(await FindAsync(live.Policy.StoredId, ct).ConfigureAwait(false)).TryGet(out CompiledPolicy? shadow, out Refusal? why))
        {
            return why.Code == RefusalCode.NotFound ? null : Count(id, "fault", new JsonObject { ["fault"] = why.Detail });
        }

        Result<Appraisal> appraised = await appraiser.AppraiseAsync(shadow.Policy, live.Policy.RequestedId, id, live.Tee, live.TeeClass, live.Claims, ct).ConfigureAwait(false);
        if (!appraised.TryGet(out Appraisal? other, out why))
        {
            return Count(id, "fault", new JsonObject { ["fault"] = why.Detail });
        }

        bool before = live.Vector.Status == TrustTier.Affirming, after = other.Vector.Status == TrustTier.Affirming;
        bool same = live.Vector.Claims().SequenceEqual(other.Vector.Claims());
        string result = same ? "same" : before == after ? "other" : after ? "would_pass" : "would_fail";
        var vector = new JsonObject();
        foreach ((string claim, sbyte value) in other.Vector.Claims())
        {
            vector[claim] = value;
        }

        return Count(id, result, new JsonObject { ["status"] = other.Vector.Status.ToWireName(), ["vector"] = vector });
    }

    private async ValueTask<Result<CompiledPolicy>> FindAsync(string liveId, CancellationToken ct) =>
        _configured.TryGetValue(liveId, out Result<CompiledPolicy> configured)
            ? configured
            : await policies.CompiledAsync(liveId + Suffix, ct).ConfigureAwait(false);

    private static JsonObject Count(string id, string result, JsonObject outcome)
    {
        AttestationMetrics.Shadow.Add(1, new("policy", id), new("result", result));
        outcome.Insert(0, "policy_id", id);
        outcome.Insert(1, "result", result);
        return outcome;
    }
}
