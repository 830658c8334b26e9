// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Coco.Attestation.Decisions;
using Coco.Protocol;

namespace Coco.Attestation;

/// <summary>Says what will end when, which recorded workloads would then fail, and what is misconfigured, each with the remedy. A singleton; thread-safe.</summary>
public sealed class AttestationDoctor
{
    private readonly DecisionLog _log;
    private readonly DecisionExplainer _explainer;
    private readonly AttestationServiceCore _core;
    private readonly TimeProvider _clock;

    internal AttestationDoctor(DecisionLog log, DecisionExplainer explainer, AttestationServiceCore core, TimeProvider clock)
    {
        _log = log;
        _explainer = explainer;
        _core = core;
        _clock = clock;
    }

    /// <summary>Looks at the decisions since an instant, and at the configuration; also sets the metrics of remaining time.</summary>
    /// <param name="since">How far back workloads are looked for.</param>
    /// <param name="horizon">What ends later is not mentioned.</param>
    /// <param name="ct">Ends it.</param>
    public async ValueTask<ImmutableArray<DoctorFinding>> ExamineAsync(DateTimeOffset since, TimeSpan horizon, CancellationToken ct)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        var collateral = new Dictionary<(string Kind, string Name), Collateral>();
        var unregistered = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var seenContent = new Dictionary<string, JsonObject?>(StringComparer.Ordinal);
        long decisions = 0, samples = 0;
        await foreach (JsonObject record in _log.ListAsync(since, ct).ConfigureAwait(false))
        {
            decisions++;
            foreach (JsonObject evidence in (record["evidences"] as JsonArray ?? []).OfType<JsonObject>())
            {
                samples += (string?)evidence["tee"] is "sample" or "sampledevice" ? 1 : 0;
                string workload = await WorkloadAsync(evidence, seenContent, ct).ConfigureAwait(false);
                foreach (JsonObject use in (evidence["collateral"] as JsonArray ?? []).OfType<JsonObject>())
                {
                    Note(collateral, use, workload);
                }

                foreach (JsonObject device in (evidence["devices"] as JsonArray ?? []).OfType<JsonObject>())
                {
                    foreach ((string name, JsonNode? value) in await ReadAsync((string?)device["reference_values"], seenContent, ct).ConfigureAwait(false) ?? [])
                    {
                        if (value is null)
                        {
                            unregistered[name] = unregistered.GetValueOrDefault(name) + 1;
                        }
                    }
                }
            }
        }

        var findings = ImmutableArray.CreateBuilder<DoctorFinding>();
        foreach (((string kind, string name), Collateral one) in collateral.OrderBy(c => c.Value.Ends))
        {
            TimeSpan left = one.Ends - now;
            AttestationMetrics.CollateralEnds.Record(left.TotalSeconds, new("kind", kind), new("name", name));
            if (left <= horizon)
            {
                findings.Add(new DoctorFinding(
                    left <= TimeSpan.Zero ? DoctorSeverity.Error : left < TimeSpan.FromDays(7) ? DoctorSeverity.Warning : DoctorSeverity.Note,
                    left <= TimeSpan.Zero ? $"{kind} {name} ended at {one.Ends:u}" : string.Create(CultureInfo.InvariantCulture, $"{kind} {name} ends at {one.Ends:u}, in {Math.Floor(left.TotalDays)} days"),
                    RemedyOf(kind))
                {
                    EndsAt = one.Ends,
                    Workloads = [.. one.Workloads.Select(w => $"{w.Key} ({w.Value} decisions)")],
                });
            }
        }

        await AddSignerAsync(findings, now, horizon, ct).ConfigureAwait(false);
        foreach ((string name, long count) in unregistered)
        {
            findings.Add(new DoctorFinding(
                DoctorSeverity.Note,
                string.Create(CultureInfo.InvariantCulture, $"policies asked {count} times for the reference value {name}, and nothing is registered under it"),
                $"register {name}, or remove it from the policy"));
        }

        AddConfiguration(findings, decisions, samples);
        return [.. findings.OrderBy(f => f.Severity).ThenBy(f => f.EndsAt ?? DateTimeOffset.MaxValue)];
    }

    private static void Note(Dictionary<(string Kind, string Name), Collateral> all, JsonObject use, string workload)
    {
        if (!DateTimeOffset.TryParse((string?)use["not_after"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset ends))
        {
            return;
        }

        (string, string) key = ((string?)use["kind"] ?? string.Empty, (string?)use["name"] ?? string.Empty);
        if (!all.TryGetValue(key, out Collateral? known))
        {
            all[key] = known = new Collateral();
        }

        // A fresher copy replaces what is said of an older one.
        known.Ends = ends > known.Ends ? ends : known.Ends;
        known.Workloads[workload] = known.Workloads.GetValueOrDefault(workload) + 1;
    }

    private static string RemedyOf(string kind) => kind switch
    {
        "certificate" => "get the renewed certificate from the vendor, or let the collateral source refresh it",
        _ when kind.Contains("crl", StringComparison.Ordinal) => "let the collateral source fetch the next revocation list, or put it into the offline directory",
        _ when kind.Contains("tcb", StringComparison.Ordinal) || kind.Contains("identity", StringComparison.Ordinal) =>
            "let the collateral source fetch the next issue, and check that platforms are patched to its level",
        _ => "let the collateral source fetch the next issue",
    };

    private async ValueTask<string> WorkloadAsync(JsonObject evidence, Dictionary<string, JsonObject?> seen, CancellationToken ct)
    {
        string tee = (string?)evidence["tee"] ?? "?";
        JsonObject? device = (evidence["devices"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault();
        JsonObject? claims = await ReadAsync((string?)device?["claims"], seen, ct).ConfigureAwait(false);
        JsonNode? inner = claims?[tee];
        string? name = (string?)(inner?["measurement"] ?? inner?["quote"]?["body"]?["mr_td"] ?? inner?["body"]?["mr_enclave"] ?? inner?["measure"] ?? inner?["pcr11"]);
        return name is null ? tee : $"{tee} {(name.Length > 16 ? name[..16] + "…" : name)}";
    }

    private async ValueTask<JsonObject?> ReadAsync(string? hash, Dictionary<string, JsonObject?> seen, CancellationToken ct)
    {
        if (hash is null)
        {
            return null;
        }

        if (!seen.TryGetValue(hash, out JsonObject? known))
        {
            seen[hash] = known = await _explainer.ReadObjectAsync(hash, ct).ConfigureAwait(false);
        }

        return known;
    }

    private async ValueTask AddSignerAsync(ImmutableArray<DoctorFinding>.Builder findings, DateTimeOffset now, TimeSpan horizon, CancellationToken ct)
    {
        JsonNode? key = JsonNode.Parse(await _core.GetKeySetAsync(ct).ConfigureAwait(false))?["keys"]?[0];
        foreach (JsonNode? entry in key?["x5c"] as JsonArray ?? [])
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(Convert.FromBase64String((string)entry!));
            var ends = new DateTimeOffset(certificate.NotAfter.ToUniversalTime());
            if (ends - now <= horizon)
            {
                findings.Add(new DoctorFinding(
                    ends <= now ? DoctorSeverity.Error : DoctorSeverity.Warning,
                    $"the certificate {certificate.Subject} of the token signing key ends at {ends:u}",
                    "renew it and set signer.cert_path")
                { EndsAt = ends });
            }
        }
    }

    private void AddConfiguration(ImmutableArray<DoctorFinding>.Builder findings, long decisions, long samples)
    {
        AttestationOptions options = _core.Options;
        if (options.InsecureSimulatedTee)
        {
            findings.Add(new DoctorFinding(DoctorSeverity.Warning, "simulated TEEs are trusted (insecure_simulated_tee)", "remove the setting outside development"));
        }

        if (samples > 0)
        {
            findings.Add(new DoctorFinding(
                DoctorSeverity.Warning,
                string.Create(CultureInfo.InvariantCulture, $"{samples} of {decisions} decisions were about sample evidence, which anybody can make"),
                "switch the sample verifiers off outside development"));
        }

        if (options.Token.Duration > TimeSpan.FromHours(24))
        {
            findings.Add(new DoctorFinding(
                DoctorSeverity.Warning,
                string.Create(CultureInfo.InvariantCulture, $"tokens live {options.Token.Duration.TotalHours:0} hours: a revoked guest keeps its access that long"),
                "lower attestation_token_broker.duration_min"));
        }

        if (!options.Decisions.Enabled)
        {
            findings.Add(new DoctorFinding(DoctorSeverity.Note, "decision records are switched off, so nothing can be explained or forecast", "switch them on"));
        }
        else if (!options.Decisions.RecordEvidence)
        {
            findings.Add(new DoctorFinding(DoctorSeverity.Note, "evidence is not recorded, so reverify has nothing to look at", "switch recording on where evidence may be kept"));
        }
    }

    private sealed class Collateral
    {
        public DateTimeOffset Ends { get; set; } = DateTimeOffset.MinValue;

        public SortedDictionary<string, long> Workloads { get; } = new(StringComparer.Ordinal);
    }
}

/// <summary>One thing that the doctor found.</summary>
/// <param name="Severity">How bad.</param>
/// <param name="What">One sentence.</param>
/// <param name="Remedy">What to do.</param>
public sealed record DoctorFinding(DoctorSeverity Severity, string What, string Remedy)
{
    /// <summary>When it begins to hurt; null when it does not depend on time.</summary>
    public DateTimeOffset? EndsAt { get; init; }

    /// <summary>Recorded workloads that would then fail.</summary>
    public ImmutableArray<string> Workloads { get; init; } = [];
}

/// <summary>How bad a finding is.</summary>
public enum DoctorSeverity
{
    /// <summary>Something fails already.</summary>
    Error,

    /// <summary>Something will fail soon, or is insecure.</summary>
    Warning,

    /// <summary>Good to know.</summary>
    Note,
}
