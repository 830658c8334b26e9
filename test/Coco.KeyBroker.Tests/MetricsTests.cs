// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.Metrics;

namespace Coco.KeyBroker.Tests;

/// <summary>The instruments have the reference's names, labels and buckets (kbs.md 8), so that dashboards keep working.</summary>
public sealed class MetricsTests
{
    private static readonly string[] Names =
    [
        "kbs_attestation_errors_total", "kbs_attestation_failures_total", "kbs_attestation_requests_total", "kbs_attestation_successes_total",
        "kbs_auth_errors_total", "kbs_auth_requests_total", "kbs_auth_successes_total",
        "kbs_http_active_connections", "kbs_http_request_duration_seconds", "kbs_http_request_size_bytes", "kbs_http_requests_total", "kbs_http_response_size_bytes",
        "kbs_plugin_errors_total", "kbs_plugin_request_duration_seconds", "kbs_plugin_requests_total",
        "kbs_policy_approvals_total", "kbs_policy_errors_total", "kbs_policy_evaluations_total", "kbs_policy_violations_total",
        "kbs_resource_deletes_total", "kbs_resource_reads_total", "kbs_resource_writes_total",
    ];

    [Fact]
    public void Instruments_HaveTheReferencesNames()
    {
        var published = new List<string>();
        using var listener = new MeterListener { InstrumentPublished = (i, _) => published.Add(i.Meter.Name == KeyBrokerMetrics.MeterName ? i.Name : string.Empty) };
        listener.Start();
        using var metrics = new KeyBrokerMetrics();

        Assert.Equal(Names, published.Where(n => n.Length > 0).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Counters_CountWhatTheirNamesSay()
    {
        var counted = new System.Collections.Concurrent.ConcurrentDictionary<string, long>();
        await using TestBroker broker = await TestBroker.StartAsync();
        var own = (KeyBrokerMetrics)broker.Services.GetService(typeof(KeyBrokerMetrics))!;
        using var listener = new MeterListener();
        foreach (System.Reflection.PropertyInfo property in typeof(KeyBrokerMetrics).GetProperties(System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic))
        {
            if (property.GetValue(own) is Instrument instrument)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        }

        listener.SetMeasurementEventCallback<long>((i, v, tags, _) => counted.AddOrUpdate(
            i.Name + string.Concat(tags.ToArray().Select(t => $"{{{t.Key}={t.Value}}}")), v, (_, old) => old + v));
        listener.Start();
        await ExampleTests.StoreGreetingAsync(broker);
        string cookie = await ExampleTests.AttestAsync(broker, """{"version":"0.4.0","tee":"sample","extra-params":""}""", "1.attest.json");
        await broker.SendAsync("GET", "/kbs/v0/resource/default/greeting/en", null, "Cookie: " + cookie);
        await broker.SendAsync("POST", "/kbs/v0/auth", "{}");
        await broker.SendAsync("POST", "/kbs/v0/attest", "{}", "Cookie: " + cookie);

        Assert.Equal(6, counted["kbs_http_requests_total"]);
        Assert.Equal(0, counted["kbs_http_active_connections"]);
        Assert.Equal((2, 1, 1), (counted["kbs_auth_requests_total"], counted["kbs_auth_successes_total"], counted["kbs_auth_errors_total"]));
        Assert.Equal((2, 1, 1), (counted["kbs_attestation_requests_total"], counted["kbs_attestation_successes_total{tee_type=sample}"], counted["kbs_attestation_errors_total"]));
        Assert.Equal((1, 1), (counted["kbs_resource_reads_total{resource_path=default/greeting/en}"], counted["kbs_resource_writes_total{resource_path=default/greeting/en}"]));
        Assert.Equal((1, 1), (counted["kbs_policy_evaluations_total"], counted["kbs_policy_approvals_total"]));
    }
}
