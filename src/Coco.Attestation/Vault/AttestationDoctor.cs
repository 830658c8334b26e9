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
    private const int MaxMetrics = 1000;

    private readonly DecisionLog _log;
    private readonly DecisionExplainer _explainer;
    private readonly AttestationServiceCore _core;
    private readonly ImmutableArray<IDoctorSource> _sources;
    private readonly IReferenceValueExpirations? _expirations;
    private readonly TimeProvider _clock;

    internal AttestationDoctor(
        DecisionLog log,
        DecisionExplainer explainer,
        AttestationServiceCore core,
        IEnumerable<IDoctorSource> sources,
        IReferenceValueExpirations? expirations,
        TimeProvider clock)
    {
        _log = log;
        _explainer = explainer;
        _core = core;
        _sources = [.. sources];
        _expirations = expirations;
        _clock = clock;
    }

    /// <summary>What ends later is not mentioned unless somebody asks: 90 days.</summary>
    public static TimeSpan DefaultHorizon { get; } = TimeSpan.FromDays(90);

    /// <summary>Looks at the decisions since an instant, at the configuration and at what ends; also sets the metrics.</summary>
    /// <param name="since">How far back workloads are looked for.</param>
    /// <param name="horizon">What ends later is not mentioned.</param>
    /// <param name="ct">Ends it.</param>
    public async ValueTask<ImmutableArray<DoctorFinding>> ExamineAsync(DateTimeOffset since, TimeSpan horizon, CancellationToken ct)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        var traffic = new Traffic();
        await foreach (JsonObject record in _log.ListAsync(since, ct).ConfigureAwait(false))
        {
            if ((string?)record["kind"] != "release")
            {
                await AddAsync(traffic, record, ct).ConfigureAwait(false);
            }
        }

        var findings = new List<DoctorFinding>();
        foreach (((string kind, string name), Ending one) in traffic.Collateral)
        {
            DoctorFinding finding = DoctorFinding.Expiry(kind, name, one.Ends, now, RemedyOf(kind)) with { Workloads = Listed(one.Workloads) };

            // Whoever comes next may get a fresher copy; only nobody came since.
            findings.Add(finding.Severity == DoctorSeverity.Error ? finding with { Severity = DoctorSeverity.Warning } : finding);
        }

        await AddReferenceValuesAsync(findings, traffic, now, ct).ConfigureAwait(false);
        await AddSignerAsync(findings, now, ct).ConfigureAwait(false);
        await AddPoliciesAsync(findings, ct).ConfigureAwait(false);
        AddConfiguration(findings, traffic);
        foreach (IDoctorSource source in _sources)
        {
            findings.AddRange(await source.ExamineAsync(ct).ConfigureAwait(false));
        }

        // Metrics know of everything that ends; people only of what ends soon.
        foreach (DoctorFinding finding in findings.Where(f => f is { Ending: not null, EndsAt: not null }).Take(MaxMetrics))
        {
            AttestationMetrics.Ends.Record(finding.EndsAt!.Value.ToUnixTimeSeconds(), new("kind", finding.Ending!.Value.Kind), new("name", finding.Ending.Value.Name));
            AttestationMetrics.AtRisk.Record(finding.Workloads.Length, new("kind", finding.Ending.Value.Kind), new("name", finding.Ending.Value.Name));
        }

        ImmutableArray<DoctorFinding> told =
        [
            .. findings.Where(f => f.EndsAt is null || f.EndsAt - now <= horizon).OrderBy(f => f.Severity).ThenBy(f => f.EndsAt ?? DateTimeOffset.MaxValue),
        ];
        foreach (DoctorSeverity severity in Enum.GetValues<DoctorSeverity>())
        {
            AttestationMetrics.Findings.Record(told.Count(f => f.Severity == severity), new KeyValuePair<string, object?>("severity", NameOf(severity)));
        }

        return told;
    }

    /// <summary>A severity as it is written.</summary>
    internal static string NameOf(DoctorSeverity severity) => severity switch
    {
        DoctorSeverity.Error => "error",
        DoctorSeverity.Warning => "warning",
        _ => "note",
    };

    private async ValueTask AddAsync(Traffic traffic, JsonObject record, CancellationToken ct)
    {
        traffic.Decisions++;
        foreach (JsonObject evidence in (record["evidences"] as JsonArray ?? []).OfType<JsonObject>())
        {
            traffic.Samples += (string?)evidence["tee"] is "sample" or "sampledevice" ? 1 : 0;
            string workload = await WorkloadAsync(evidence, traffic.Content, ct).ConfigureAwait(false);
            foreach (JsonObject use in (evidence["collateral"] as JsonArray ?? []).OfType<JsonObject>())
            {
                Note(traffic.Collateral, use, workload);
            }

            foreach (JsonObject device in (evidence["devices"] as JsonArray ?? []).OfType<JsonObject>())
            {
                foreach ((string name, JsonNode? value) in await ReadAsync((string?)device["reference_values"], traffic.Content, ct).ConfigureAwait(false) ?? [])
                {
                    if (value is null)
                    {
                        traffic.Unregistered[name] = traffic.Unregistered.GetValueOrDefault(name) + 1;
                    }
                    else
                    {
                        if (!traffic.Asked.TryGetValue(name, out SortedDictionary<string, long>? workloads))
                        {
                            traffic.Asked[name] = workloads = new SortedDictionary<string, long>(StringComparer.Ordinal);
                        }

                        workloads[workload] = workloads.GetValueOrDefault(workload) + 1;
                    }
                }
            }
        }
    }

    private async ValueTask AddReferenceValuesAsync(List<DoctorFinding> findings, Traffic traffic, DateTimeOffset now, CancellationToken ct)
    {
        foreach ((string name, long count) in traffic.Unregistered)
        {
            findings.Add(new DoctorFinding(
                DoctorSeverity.Note,
                string.Create(CultureInfo.InvariantCulture, $"policies asked {count} times for the reference value {name}, and nothing is registered under it"),
                $"register {name}, or remove it from the policy"));
        }

        if (_expirations is null)
        {
            return;
        }

        await foreach ((string name, DateTimeOffset expires) in _expirations.ListAsync(ct).ConfigureAwait(false))
        {
            DoctorFinding finding = DoctorFinding.Expiry("reference-value", name, expires, now, $"register {name} again, or delete it when nothing needs it any more");
            findings.Add(traffic.Asked.TryGetValue(name, out SortedDictionary<string, long>? workloads)
                ? finding with { Workloads = Listed(workloads) }
                : finding with { Severity = DoctorSeverity.Note });
        }
    }

    private async ValueTask AddPoliciesAsync(List<DoctorFinding> findings, CancellationToken ct)
    {
        foreach ((string id, _) in await _core.Policies.ListAsync(ct).ConfigureAwait(false))
        {
            if ((await _core.Policies.CompiledAsync(id, ct).ConfigureAwait(false)).Refusal is { } why)
            {
                findings.Add(new DoctorFinding(DoctorSeverity.Error, $"the stored policy {id} refuses everybody: {why.Detail}", $"set {id} anew"));
            }
        }
    }

    private static ImmutableArray<string> Listed(SortedDictionary<string, long> workloads) =>
        [.. workloads.Select(w => string.Create(CultureInfo.InvariantCulture, $"{w.Key} ({w.Value} decisions)"))];

    private static void Note(Dictionary<(string Kind, string Name), Ending> all, JsonObject use, string workload)
    {
        if (!DateTimeOffset.TryParse((string?)use["not_after"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset ends))
        {
            return;
        }

        (string, string) key = ((string?)use["kind"] ?? string.Empty, (string?)use["name"] ?? string.Empty);
        if (!all.TryGetValue(key, out Ending? known))
        {
            all[key] = known = new Ending();
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

    private async ValueTask AddSignerAsync(List<DoctorFinding> findings, DateTimeOffset now, CancellationToken ct)
    {
        JsonNode? key = JsonNode.Parse(await _core.GetKeySetAsync(ct).ConfigureAwait(false))?["keys"]?[0];
        foreach (JsonNode? entry in key?["x5c"] as JsonArray ?? [])
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(Convert.FromBase64String((string)entry!));
            findings.Add(DoctorFinding.Expiry(
                "token-signer-certificate", certificate.Subject, new DateTimeOffset(certificate.NotAfter), now, "renew it and set attestation_token_broker.signer.cert_path"));
        }
    }

    private void AddConfiguration(List<DoctorFinding> findings, Traffic traffic)
    {
        AttestationOptions options = _core.Options;
        if (options.InsecureSimulatedTee)
        {
            findings.Add(new DoctorFinding(DoctorSeverity.Warning, "simulated TEEs are trusted (insecure_simulated_tee)", "remove the setting outside development"));
        }

        if (options.StoreIsEphemeral)
        {
            findings.Add(new DoctorFinding(
                DoctorSeverity.Warning,
                "values are kept in memory: policies, reference values" + (options.Signer is null ? ", the token signing key" : string.Empty) + " and records are lost when the process ends",
                "set storage_backend.storage_type"));
        }

        if (traffic.Samples > 0)
        {
            findings.Add(new DoctorFinding(
                DoctorSeverity.Warning,
                string.Create(CultureInfo.InvariantCulture, $"{traffic.Samples} of {traffic.Decisions} decisions were about sample evidence, which anybody can make"),
                "set verifier_config.sample to false outside development"));
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
            findings.Add(new DoctorFinding(DoctorSeverity.Note, "decision records are switched off, so nothing can be explained or forecast", "set decisions.enabled to true"));
        }
        else if (!options.Decisions.RecordEvidence)
        {
            findings.Add(new DoctorFinding(DoctorSeverity.Note, "evidence is not recorded, so reverify has nothing to look at", "set decisions.record_evidence to true where evidence may be kept"));
        }
    }

    private sealed class Ending
    {
        public DateTimeOffset Ends { get; set; } = DateTimeOffset.MinValue;

        public SortedDictionary<string, long> Workloads { get; } = new(StringComparer.Ordinal);
    }

    // What recorded decisions say.
    private sealed class Traffic
    {
        public long Decisions { get; set; }

        public long Samples { get; set; }

        public Dictionary<(string Kind, string Name), Ending> Collateral { get; } = [];

        public SortedDictionary<string, long> Unregistered { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, SortedDictionary<string, long>> Asked { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, JsonObject?> Content { get; } = new(StringComparer.Ordinal);
    }
}
