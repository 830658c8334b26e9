// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Diagnostics.Metrics;

namespace Coco.KeyBroker;

/// <summary>The instruments of the broker, under the reference's names (kbs.md 8). The host exposes them as they are called.</summary>
public sealed class KeyBrokerMetrics : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Coco.KeyBroker";

    private readonly Meter _meter = new(MeterName);

    /// <summary>Creates the instruments.</summary>
    public KeyBrokerMetrics()
    {
        HttpRequests = Counter("kbs_http_requests_total", "Requests to paths of the broker");
        HttpDuration = Histogram("kbs_http_request_duration_seconds", "Time to answer a request");
        HttpRequestSize = Histogram("kbs_http_request_size_bytes", "Declared sizes of requests");
        HttpResponseSize = Histogram("kbs_http_response_size_bytes", "Sizes of answers");
        HttpActive = _meter.CreateUpDownCounter<long>("kbs_http_active_connections", description: "Requests being answered");
        ResourceReads = Counter("kbs_resource_reads_total", "Reads of resources");
        ResourceWrites = Counter("kbs_resource_writes_total", "Writes of resources");
        ResourceDeletes = Counter("kbs_resource_deletes_total", "Deletions of resources");
        PolicyEvaluations = Counter("kbs_policy_evaluations_total", "Evaluations of a resource policy");
        PolicyApprovals = Counter("kbs_policy_approvals_total", "Evaluations that allowed");
        PolicyViolations = Counter("kbs_policy_violations_total", "Evaluations that denied");
        PolicyErrors = Counter("kbs_policy_errors_total", "Evaluations that gave no answer");
        AuthRequests = Counter("kbs_auth_requests_total", "Requests for a challenge");
        AuthSuccesses = Counter("kbs_auth_successes_total", "Challenges given");
        AuthErrors = Counter("kbs_auth_errors_total", "Requests for a challenge that were refused");
        AttestationRequests = Counter("kbs_attestation_requests_total", "Attestations asked for");
        AttestationErrors = Counter("kbs_attestation_errors_total", "Attestations refused before the evidence was looked at");
        AttestationSuccesses = Counter("kbs_attestation_successes_total", "Attestations that gave a token");
        AttestationFailures = Counter("kbs_attestation_failures_total", "Attestations whose evidence was refused");
        PluginRequests = Counter("kbs_plugin_requests_total", "Requests to external plugins");
        PluginErrors = Counter("kbs_plugin_errors_total", "Failed requests to external plugins");
        PluginDuration = Histogram("kbs_plugin_request_duration_seconds", "Time that external plugins take");
    }

    /// <summary>Bucket bounds of the histograms.</summary>
    public static ImmutableDictionary<string, ImmutableArray<double>> Buckets { get; } = ImmutableDictionary.CreateRange(StringComparer.Ordinal, new KeyValuePair<string, ImmutableArray<double>>[]
    {
        new("kbs_http_request_duration_seconds", [0.0005, 0.001, 0.005, 0.01, 0.05, 0.5, 1]),
        new("kbs_http_request_size_bytes", [32, 128, 512, 2048, 8192]),
        new("kbs_http_response_size_bytes", [32, 128, 512, 2048, 8192]),
        new("kbs_plugin_request_duration_seconds", [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1]),
    });

    internal Counter<long> HttpRequests { get; }

    internal Histogram<double> HttpDuration { get; }

    internal Histogram<double> HttpRequestSize { get; }

    internal Histogram<double> HttpResponseSize { get; }

    internal UpDownCounter<long> HttpActive { get; }

    internal Counter<long> ResourceReads { get; }

    internal Counter<long> ResourceWrites { get; }

    internal Counter<long> ResourceDeletes { get; }

    internal Counter<long> PolicyEvaluations { get; }

    internal Counter<long> PolicyApprovals { get; }

    internal Counter<long> PolicyViolations { get; }

    internal Counter<long> PolicyErrors { get; }

    internal Counter<long> AuthRequests { get; }

    internal Counter<long> AuthSuccesses { get; }

    internal Counter<long> AuthErrors { get; }

    internal Counter<long> AttestationRequests { get; }

    internal Counter<long> AttestationErrors { get; }

    internal Counter<long> AttestationSuccesses { get; }

    internal Counter<long> AttestationFailures { get; }

    internal Counter<long> PluginRequests { get; }

    internal Counter<long> PluginErrors { get; }

    internal Histogram<double> PluginDuration { get; }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    internal static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    private Counter<long> Counter(string name, string what) => _meter.CreateCounter<long>(name, description: what);

    private Histogram<double> Histogram(string name, string what) =>
        _meter.CreateHistogram(name, null, what, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = Buckets[name] });
}
