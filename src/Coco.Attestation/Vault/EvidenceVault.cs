// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Attestation.Decisions;
using Coco.Attestation.Pipeline;
using Coco.Attestation.Policies;
using Coco.Protocol;
using Coco.Verifiers;

namespace Coco.Attestation;

/// <summary>
/// Recorded traffic: appraises it again with other collateral, at another time or under other policies, and says who would now pass or fail. A
/// singleton; thread-safe; uses all cores.
/// </summary>
public sealed class EvidenceVault
{
    private const int ProgressEvery = 64;

    private readonly DecisionLog _log;
    private readonly DecisionExplainer _explainer;
    private readonly ContentStore _content;
    private readonly AttestationPolicyStore _policies;
    private readonly IReferenceValueSource _references;
    private readonly AttestationOptions _options;
    private readonly ImmutableArray<IVerifier> _verifiers;
    private readonly VerifierSetFactory? _factory;
    private readonly CollateralHistory _history;
    private readonly ICollateralProvider? _live;
    private readonly TimeProvider _clock;

    internal EvidenceVault(
        DecisionLog log,
        DecisionExplainer explainer,
        ContentStore content,
        AttestationPolicyStore policies,
        IReferenceValueSource references,
        AttestationOptions options,
        IEnumerable<IVerifier> verifiers,
        VerifierSetFactory? factory,
        CollateralHistory history,
        ICollateralProvider? live,
        TimeProvider clock)
    {
        _log = log;
        _explainer = explainer;
        _content = content;
        _policies = policies;
        _references = references;
        _options = options;
        _verifiers = [.. verifiers];
        _factory = factory;
        _history = history;
        _live = live;
        _clock = clock;
    }

    /// <summary>Verifies and appraises recorded evidence again, under the reference values of today.</summary>
    public async ValueTask<Result<ReverifyReport>> ReverifyAsync(ReverifyRequest request, IProgress<ReverifyProgress>? progress, CancellationToken ct)
    {
        ICollateralProvider? collateral = CollateralOf(request);
        if ((request.At is not null || collateral is not null) && _factory is null)
        {
            return new Refusal(RefusalCode.Unsupported, "this host cannot verify as of another time or with other collateral");
        }

        if (!CompileAll(request.Policies).TryGet(out FrozenDictionary<string, CompiledPolicy>? policies, out Refusal? why))
        {
            return why;
        }

        TimeProvider clock = request.At is { } at ? new FixedClock(at) : _clock;

        // The live verifiers have seen the chips' certificates already.
        ImmutableArray<IVerifier> set = request.At is null && collateral is null ? _verifiers : _factory!(clock, collateral);
        FrozenDictionary<TeeType, IVerifier> verifiers = set.ToFrozenDictionary(v => v.Tee);
        var appraiser = new Appraiser(_policies, _references, _options);
        return await RunAsync(
            request.Since,
            request.MaxListed,
            progress,
            async (record, token) =>
            {
                Verdict? verdict = await AppraiseAgainAsync(record, verifiers, appraiser, policies, token).ConfigureAwait(false);
                return verdict is null ? null : (VerdictOf(record), verdict);
            },
            ct).ConfigureAwait(false);
    }

    /// <summary>Appraises the recorded claims of a class under two policies, with the reference values that were answered then.</summary>
    /// <param name="teeClass">For example <c>cpu</c>.</param>
    /// <param name="before">Text of the old policy; null: the one that decided.</param>
    /// <param name="after">Text of the new policy.</param>
    /// <param name="since">Decisions from this instant on.</param>
    /// <param name="progress">Gets a note now and then.</param>
    /// <param name="ct">Ends it.</param>
    public async ValueTask<Result<ReverifyReport>> DiffPoliciesAsync(
        string teeClass,
        string? before,
        string after,
        DateTimeOffset since,
        IProgress<ReverifyProgress>? progress,
        CancellationToken ct)
    {
        CompiledPolicy? old = null;
        if (before is not null && !_policies.Compile(before, "old").TryGet(out old, out Refusal? why))
        {
            return why;
        }

        if (!_policies.Compile(after, "new").TryGet(out CompiledPolicy? next, out why))
        {
            return why;
        }

        return await RunAsync(
            since,
            1000,
            progress,
            async (record, token) =>
            {
                Verdict? then = null, now = null;
                foreach ((JsonObject evidence, JsonObject device) in DevicesOf(record).Where(d => (string?)d.Device["class"] == teeClass))
                {
                    if (await ClaimsOfAsync(evidence, device, token).ConfigureAwait(false) is not { } claims)
                    {
                        return null;
                    }

                    TeeType tee = TeeTypes.TryParse((string?)evidence["tee"], out TeeType parsed) ? parsed : TeeType.Sample;
                    JsonObject answered = await _explainer.ReadObjectAsync((string?)device["reference_values"], token).ConfigureAwait(false) ?? [];
                    var recorded = new RecordedReferences(answered, _references);
                    var withRecorded = new Appraiser(_policies, recorded, _options);
                    then = Worse(then, old is null ? OfRecord(device) : await JudgeAsync(withRecorded, old, "old", tee, teeClass, claims, token).ConfigureAwait(false));
                    now = Worse(now, await JudgeAsync(withRecorded, next, "new", tee, teeClass, claims, token).ConfigureAwait(false));
                }

                return then is null || now is null ? null : (then, now);
            },
            ct).ConfigureAwait(false);
    }

    private ICollateralProvider? CollateralOf(ReverifyRequest request)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        bool recorded = request.CollateralChoice == CollateralChoice.Recorded
            || (request.CollateralChoice == CollateralChoice.ByInstant && request.At < now);
        return request.Collateral ?? (recorded ? _history.AsOf(request.At ?? now, _live) : null);
    }

    private static IEnumerable<(JsonObject Evidence, JsonObject Device)> DevicesOf(JsonObject record) =>
        (record["evidences"] as JsonArray ?? []).OfType<JsonObject>()
            .SelectMany(e => (e["devices"] as JsonArray ?? []).OfType<JsonObject>().Select(d => (e, d)));

    private static Verdict VerdictOf(JsonObject record)
    {
        if ((string?)record["outcome"] == "refused")
        {
            return new Verdict("refused", (string?)record["refusal"]?["detail"] ?? string.Empty);
        }

        return DevicesOf(record).Select(d => OfRecord(d.Device)).Aggregate((Verdict?)null, Worse) ?? new Verdict("none", string.Empty);
    }

    private static Verdict OfRecord(JsonObject device) => new((string?)device["status"] ?? "refused", string.Empty);

    private static Verdict? Worse(Verdict? a, Verdict? b) => a is null || (b is not null && b.Rank > a.Rank) ? b : a;

    private static Binding BindingOf(JsonObject? json)
    {
        // Unknown forms stay the default, which refuses every register.
        byte[] expected = Hex.Decode((string?)json?["expected"] ?? string.Empty).TryGet(out byte[]? bytes, out _) ? bytes : [];
        return (string?)json?["form"] switch
        {
            "not-checked" => Binding.NotChecked,
            "raw" => Binding.ToRaw(expected),
            "digest" => Binding.ToDigest(expected),
            _ => default,
        };
    }

    private async ValueTask<Result<ReverifyReport>> RunAsync(
        DateTimeOffset since,
        int maxListed,
        IProgress<ReverifyProgress>? progress,
        Func<JsonObject, CancellationToken, ValueTask<(Verdict Before, Verdict After)?>> judge,
        CancellationToken ct)
    {
        long examined = 0, skipped = 0, pass = 0, fail = 0, changed = 0;
        var changes = new ConcurrentBag<VerdictChange>();
        await Parallel.ForEachAsync(
            _log.ListAsync(since, ct),
            new ParallelOptions { CancellationToken = ct, MaxDegreeOfParallelism = Environment.ProcessorCount },
            async (record, token) =>
            {
                if ((string?)record["kind"] == "release")
                {
                    return;
                }

                (Verdict Before, Verdict After)? judged = await judge(record, token).ConfigureAwait(false);
                if (judged is not { } both)
                {
                    Interlocked.Increment(ref skipped);
                    return;
                }

                long done = Interlocked.Increment(ref examined);
                if (both.Before.Status != both.After.Status)
                {
                    if (both.After.IsAffirmed && !both.Before.IsAffirmed)
                    {
                        Interlocked.Increment(ref pass);
                    }
                    else if (both.Before.IsAffirmed && !both.After.IsAffirmed)
                    {
                        Interlocked.Increment(ref fail);
                    }

                    if (Interlocked.Increment(ref changed) <= maxListed)
                    {
                        string tees = string.Join('+', (record["evidences"] as JsonArray ?? []).Select(e => (string?)e!["tee"]));
                        changes.Add(new VerdictChange((string)record["id"]!, tees, both.Before.Status, both.After.Status, both.After.Why));
                    }
                }

                if (done % ProgressEvery == 0)
                {
                    progress?.Report(new ReverifyProgress(done, Interlocked.Read(ref changed)));
                }
            }).ConfigureAwait(false);
        progress?.Report(new ReverifyProgress(examined, changed));
        return new ReverifyReport(examined, skipped, pass, fail, [.. changes.OrderBy(c => c.DecisionId, StringComparer.Ordinal)]);
    }

    private Result<FrozenDictionary<string, CompiledPolicy>> CompileAll(ImmutableDictionary<string, string> sources)
    {
        var compiled = new Dictionary<string, CompiledPolicy>(StringComparer.Ordinal);
        foreach ((string id, string source) in sources)
        {
            if (!_policies.Compile(source, id).TryGet(out CompiledPolicy? policy, out Refusal? why))
            {
                return why;
            }

            compiled[id] = policy;
        }

        return compiled.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private async ValueTask<Verdict?> AppraiseAgainAsync(
        JsonObject record,
        FrozenDictionary<TeeType, IVerifier> verifiers,
        Appraiser appraiser,
        FrozenDictionary<string, CompiledPolicy> policies,
        CancellationToken ct)
    {
        Verdict? worst = null;
        PolicyId requested = PolicyId.Parse((string?)record["policy"]).TryGet(out PolicyId id, out _) ? id : PolicyId.Default;
        foreach (JsonObject evidence in (record["evidences"] as JsonArray ?? []).OfType<JsonObject>())
        {
            if (!TeeTypes.TryParse((string?)evidence["tee"], out TeeType tee)
                || await _content.GetAsync((string?)evidence["evidence"] ?? string.Empty, vault: true, ct).ConfigureAwait(false) is not { } bytes
                || !TryParse(bytes.Span, out JsonElement body)
                || evidence["report_data"] is not JsonObject reportData)
            {
                return null;
            }

            if (!verifiers.TryGetValue(tee, out IVerifier? verifier))
            {
                return new Verdict("refused", $"there is no verifier for {tee.ToWireName()} here");
            }

            var bound = new BoundEvidence(new Evidence(tee, body), BindingOf(reportData), BindingOf(evidence["init_data"] as JsonObject))
            {
                AlternativeReportData = [.. (evidence["report_data_alternatives"] as JsonArray ?? []).Select(b => BindingOf(b as JsonObject))],
            };
            Result<ImmutableArray<VerifiedClaims>> verified;
            try
            {
                verified = await verifier.VerifyAsync(bound, null, ct).ConfigureAwait(false);
            }
            catch (CollateralUnavailableException e)
            {
                return new Verdict("refused", e.Message);
            }

            if (!verified.TryGet(out ImmutableArray<VerifiedClaims> devices, out Refusal? why))
            {
                return new Verdict("refused", why.Check is null ? why.Detail : $"{why.Check}: {why.Detail}");
            }

            JsonObject? initData = await _explainer.ReadObjectAsync((string?)evidence["init_data_claims"], ct).ConfigureAwait(false);
            foreach (VerifiedClaims device in devices)
            {
                if (!ClaimShaper.Shape(device, initData, evidence["runtime_data_claims"], verbose: true).TryGet(out JsonObject? claims, out why))
                {
                    return new Verdict("refused", why.Detail);
                }

                string stored = $"{requested.Value}_{device.TeeClass}";
                Result<Appraisal> appraised = policies.TryGetValue(stored, out CompiledPolicy? replaced)
                    ? await appraiser.AppraiseAsync(replaced.Policy, requested.Value, stored, tee, device.TeeClass, claims, ct).ConfigureAwait(false)
                    : await appraiser.AppraiseAsync(requested, tee, device.TeeClass, claims, ct).ConfigureAwait(false);
                worst = Worse(worst, await VerdictAsync(appraised, replaced, stored, ct).ConfigureAwait(false));
            }
        }

        return worst;
    }

    // It was checked as hostile JSON when it came.
    private static bool TryParse(ReadOnlySpan<byte> stored, out JsonElement body)
    {
        try
        {
            body = JsonElement.Parse(stored);
            return true;
        }
        catch (JsonException)
        {
            body = default;
            return false;
        }
    }

    private static async ValueTask<Verdict> JudgeAsync(
        Appraiser appraiser,
        CompiledPolicy policy,
        string name,
        TeeType tee,
        string teeClass,
        JsonObject claims,
        CancellationToken ct)
    {
        Result<Appraisal> appraised = await appraiser.AppraiseAsync(policy.Policy, name, name, tee, teeClass, claims, ct).ConfigureAwait(false);
        return Describe(appraised, policy.Policy);
    }

    private static Verdict Describe(Result<Appraisal> appraised, IAppraisalPolicy? policy)
    {
        if (!appraised.TryGet(out Appraisal? appraisal, out Refusal? why))
        {
            return new Verdict("refused", why.Detail);
        }

        return new Verdict(appraisal.Vector.Status.ToWireName(), policy is null ? null : () => Explain(appraisal, policy));
    }

    private static string Explain(Appraisal appraisal, IAppraisalPolicy policy)
    {
        if (appraisal.Vector.Status is not (TrustTier.Warning or TrustTier.Contraindicated))
        {
            return "no trust claim is below affirming";
        }

        var references = new JsonObject();
        foreach ((string name, JsonElement? value) in appraisal.ReferenceValues)
        {
            references[name] = value is { } known ? EvidenceBinder.ToNode(known) : null;
        }

        return appraisal.Vector.Claims().Where(c => TrustVector.TierOf(c.Value) is TrustTier.Warning or TrustTier.Contraindicated)
            .SelectMany(c => PolicyFindings.Of(policy, c.Name, appraisal.Claims, references))
            .Select(f => f.Sentence)
            .FirstOrDefault() ?? string.Empty;
    }

    private async ValueTask<Verdict> VerdictAsync(Result<Appraisal> appraised, CompiledPolicy? replaced, string storedId, CancellationToken ct)
    {
        IAppraisalPolicy? policy = replaced?.Policy
            ?? ((await _policies.CompiledAsync(storedId, ct).ConfigureAwait(false)).TryGet(out CompiledPolicy? live, out _) ? live.Policy : null);
        return Describe(appraised, policy);
    }

    private async ValueTask<JsonObject?> ClaimsOfAsync(JsonObject evidence, JsonObject device, CancellationToken ct)
    {
        if (await _explainer.ReadObjectAsync((string?)device["claims"], ct).ConfigureAwait(false) is not { } claims)
        {
            return null;
        }

        DecisionExplainer.Rebuild(claims, evidence, device, await _explainer.ReadObjectAsync((string?)evidence["init_data_claims"], ct).ConfigureAwait(false));
        return claims;
    }

    // Why is only asked of verdicts that changed: an explanation costs more than the appraisal.
    private sealed record Verdict(string Status, Func<string>? Explained)
    {
        public Verdict(string status, string why)
            : this(status, () => why)
        {
        }

        public string Why => Explained?.Invoke() ?? string.Empty;

        public bool IsAffirmed => Status == "affirming";

        public int Rank => Status switch { "none" => 0, "affirming" => 1, "warning" => 2, "contraindicated" => 3, _ => 4 };
    }

    private sealed class FixedClock(DateTimeOffset at) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => at;
    }

    // What was answered then; names that were not asked for then come from today.
    private sealed class RecordedReferences(JsonObject answered, IReferenceValueSource today) : IReferenceValueSource
    {
        public async ValueTask<ImmutableDictionary<string, JsonElement>> GetAsync(ImmutableArray<string> names, CancellationToken ct)
        {
            ImmutableDictionary<string, JsonElement>.Builder found = ImmutableDictionary.CreateBuilder<string, JsonElement>(StringComparer.Ordinal);
            ImmutableArray<string> missing = [.. names.Where(n => !answered.ContainsKey(n))];
            if (!missing.IsEmpty)
            {
                found.AddRange(await today.GetAsync(missing, ct).ConfigureAwait(false));
            }

            foreach (string name in names)
            {
                if (answered[name] is { } value)
                {
                    found[name] = JsonSerializer.SerializeToElement(value, NodeContext.Default.JsonNode);
                }
            }

            return found.ToImmutable();
        }
    }
}
