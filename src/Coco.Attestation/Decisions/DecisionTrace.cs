// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Attestation.Pipeline;
using Coco.Protocol;
using Coco.Verifiers;

namespace Coco.Attestation.Decisions;

/// <summary>What happened in one attestation, gathered while it happens. Not thread-safe.</summary>
internal sealed class DecisionTrace(TimeProvider clock, string policyId)
{
    private readonly List<EvidenceTrace> _evidences = [];

    public DateTimeOffset Started { get; } = clock.GetUtcNow();

    public string PolicyId { get; } = policyId;

    public IReadOnlyList<EvidenceTrace> Evidences => _evidences;

    /// <summary>The step that refused; null when none did.</summary>
    public DecisionStep? RefusedAt { get; private set; }

    public TimeSpan Elapsed => clock.GetElapsedTime(_start);

    public string TeeNames => string.Join('+', _evidences.Select(e => e.Input.Evidence.Tee.ToWireName()));

    public string Statuses => string.Join(", ", _evidences.SelectMany(e => e.Appraisals).Select(a => $"{a.TeeClass} {a.Vector.Status.ToWireName()}"));

    private readonly long _start = clock.GetTimestamp();

    public EvidenceTrace Begin(AttestationInput input)
    {
        var evidence = new EvidenceTrace(input, Elapsed);
        _evidences.Add(evidence);
        return evidence;
    }

    public Refusal Refused(EvidenceTrace evidence, DecisionStep step, Refusal why)
    {
        RefusedAt = step;
        evidence.RefusedAt = step;
        return step == DecisionStep.Verify ? why.Within("Verifier evaluate failed") : why;
    }
}

/// <summary>One evidence of it.</summary>
internal sealed class EvidenceTrace(AttestationInput input, TimeSpan began)
{
    private TimeSpan _last = began;

    public AttestationInput Input { get; } = input;

    public VerificationRecord Verification { get; } = new();

    public BoundInput? Bound { get; set; }

    public List<(string TeeClass, JsonObject Claims)> Claims { get; } = [];

    public List<Appraisal> Appraisals { get; } = [];

    public DecisionStep? RefusedAt { get; set; }

    public TimeSpan VerifyTime { get; private set; }

    public TimeSpan AppraiseTime { get; private set; }

    public void Verified(DecisionTrace trace)
    {
        TimeSpan now = trace.Elapsed;
        VerifyTime = now - _last;
        _last = now;
    }

    public void Appraised(DecisionTrace trace)
    {
        TimeSpan now = trace.Elapsed;
        AppraiseTime = now - _last;
        _last = now;
    }
}
