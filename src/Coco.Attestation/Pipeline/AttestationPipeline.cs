// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Coco.Attestation.Decisions;
using Coco.Attestation.Tokens;
using Coco.Protocol;
using Coco.Verifiers;

namespace Coco.Attestation.Pipeline;

/// <summary>
/// The way from evidence to token: bind, verify, shape, appraise, issue. Each step takes what the step before it made; the first refusal ends it.
/// </summary>
internal sealed class AttestationPipeline(
    FrozenDictionary<TeeType, IVerifier> verifiers,
    Appraiser appraiser,
    EarIssuer ear,
    SimpleIssuer simple,
    ChallengeTokens challenges,
    AttestationOptions options)
{
    public async ValueTask<Result<AttestationToken>> RunAsync(
        ImmutableArray<AttestationInput> inputs,
        PolicyId policy,
        DecisionTrace trace,
        CancellationToken ct)
    {
        if (inputs.IsDefaultOrEmpty)
        {
            return new Refusal(RefusalCode.Malformed, "No verification requests provided.");
        }

        if (inputs.Length > options.MaxEvidences)
        {
            return new Refusal(RefusalCode.TooLarge, $"{inputs.Length} evidences in one request, at most {options.MaxEvidences} are taken");
        }

        var appraisals = ImmutableArray.CreateBuilder<Appraisal>(inputs.Length);
        foreach (AttestationInput input in inputs)
        {
            EvidenceTrace step = trace.Begin(input);
            if (!Bind(input).TryGet(out BoundInput? bound, out Refusal? why))
            {
                return trace.Refused(step, DecisionStep.Bind, why);
            }

            step.Bound = bound;
            if (await challenges.CheckAsync(bound.RuntimeDataClaims, ct).ConfigureAwait(false) is { } badChallenge)
            {
                return trace.Refused(step, DecisionStep.Bind, badChallenge);
            }

            if (!verifiers.TryGetValue(input.Evidence.Tee, out IVerifier? verifier))
            {
                return trace.Refused(step, DecisionStep.Verify, new Refusal(RefusalCode.Unsupported, $"there is no verifier for {input.Evidence.Tee.ToWireName()} here"));
            }

            Result<ImmutableArray<VerifiedClaims>> verified = await VerifyAsync(verifier, bound, step, ct).ConfigureAwait(false);
            step.Verified(trace);
            if (!verified.TryGet(out ImmutableArray<VerifiedClaims> devices, out why))
            {
                return trace.Refused(step, DecisionStep.Verify, why);
            }

            using Activity? appraising = AttestationTracing.Start("appraise", input.Evidence.Tee);
            foreach (VerifiedClaims device in devices)
            {
                if (!ClaimShaper.Shape(device, bound.InitDataClaims, bound.RuntimeDataClaims, options.Token.Verbose).TryGet(out JsonObject? claims, out why))
                {
                    return trace.Refused(step, DecisionStep.Appraise, why);
                }

                step.Claims.Add((device.TeeClass, claims));
                if (options.Token.Form != TokenForm.Ear)
                {
                    continue;
                }

                Result<Appraisal> appraised = await appraiser.AppraiseAsync(policy, device.Tee, device.TeeClass, claims, ct).ConfigureAwait(false);
                if (!appraised.TryGet(out Appraisal? appraisal, out why))
                {
                    return trace.Refused(step, DecisionStep.Appraise, why);
                }

                appraisals.Add(appraisal);
                step.Appraisals.Add(appraisal);
            }

            step.Appraised(trace);
        }

        using Activity? issuing = AttestationTracing.Start("issue");
        return options.Token.Form == TokenForm.Ear
            ? await ear.IssueAsync(appraisals.ToImmutable(), ct).ConfigureAwait(false)
            : await simple.IssueAsync(trace, policy, ct).ConfigureAwait(false);
    }
    private Result<BoundInput> Bind(AttestationInput input)
    {
        using Activity? span = AttestationTracing.Start("bind", input.Evidence.Tee);
        return EvidenceBinder.Bind(input, options);
    }

    private static async ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(IVerifier verifier, BoundInput bound, EvidenceTrace step, CancellationToken ct)
    {
        using Activity? span = AttestationTracing.Start("verify", bound.Evidence.Evidence.Tee);
        return await verifier.VerifyAsync(bound.Evidence, step.Verification, ct).ConfigureAwait(false);
    }
}
