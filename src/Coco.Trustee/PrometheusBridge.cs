// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Coco.KeyBroker;
using Prometheus;

namespace Coco.Trustee;

/// <summary>Hands the instruments of our rooms to the Prometheus library under exactly the names that they have, so that dashboards keep working.</summary>
internal sealed class PrometheusBridge : IDisposable
{
    private static readonly double[] Seconds = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

    private readonly MeterListener _listener = new();
    private readonly CollectorRegistry _registry;
    private readonly MetricFactory _factory;
    private readonly ConcurrentDictionary<Instrument, Action<double, string[]>> _sinks = new();
    private readonly ConcurrentDictionary<Instrument, string[]> _labels = new();

    public PrometheusBridge(CollectorRegistry registry)
    {
        _registry = registry;
        _factory = Metrics.WithCustomRegistry(registry);
        _factory.CreateGauge("kbs_build_info", "The program", "version", "git_hash", "build_date").WithLabels(Version(), string.Empty, string.Empty).Set(1);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name.StartsWith("Coco.", StringComparison.Ordinal))
            {
                Prepare(instrument);
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((i, v, t, _) => Record(i, v, t));
        _listener.SetMeasurementEventCallback<int>((i, v, t, _) => Record(i, v, t));
        _listener.SetMeasurementEventCallback<double>((i, v, t, _) => Record(i, v, t));
        _listener.Start();
        _registry.AddBeforeCollectCallback(_listener.RecordObservableInstruments);
    }

    public void Dispose() => _listener.Dispose();

    private static string Version() => typeof(PrometheusBridge).Assembly.GetName().Version?.ToString(3) ?? "0";

    private static string NameOf(Instrument instrument) => instrument.Name.Replace('.', '_').Replace('-', '_');

    // A counter without labels must be there from the start, at zero, or a rate over it begins with a gap.
    private void Prepare(Instrument instrument)
    {
        if (instrument is Counter<long> && Labels(instrument) is [])
        {
            _factory.CreateCounter(NameOf(instrument), instrument.Description ?? string.Empty).Inc(0);
        }
    }

    private static string[]? Labels(Instrument instrument) => instrument.Name switch
    {
        "kbs_resource_reads_total" or "kbs_resource_writes_total" or "kbs_resource_deletes_total" => ["resource_path"],
        "kbs_attestation_successes_total" or "kbs_attestation_failures_total" => ["tee_type"],
        "kbs_plugin_requests_total" or "kbs_plugin_errors_total" or "kbs_plugin_request_duration_seconds" => ["plugin_name"],
        _ when instrument.Name.StartsWith("kbs_", StringComparison.Ordinal) => [],
        _ => null,
    };

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string[] values = tags.Length == 0 ? [] : new string[tags.Length];
        for (int i = 0; i < tags.Length; i++)
        {
            values[i] = tags[i].Value?.ToString() ?? string.Empty;
        }

        if (!_sinks.TryGetValue(instrument, out Action<double, string[]>? sink))
        {
            string[] names = tags.Length == 0 ? [] : new string[tags.Length];
            for (int i = 0; i < tags.Length; i++)
            {
                names[i] = tags[i].Key.Replace('.', '_');
            }

            _labels[instrument] = names;
            sink = _sinks.GetOrAdd(instrument, i => Create(i, names));
        }

        if (_labels[instrument].Length == values.Length)
        {
            sink(value, values);
        }
    }

    private Action<double, string[]> Create(Instrument instrument, string[] labels)
    {
        string name = NameOf(instrument);
        string help = instrument.Description ?? string.Empty;
        Type kind = instrument.GetType().GetGenericTypeDefinition();
        if (kind == typeof(Counter<>))
        {
            Counter counter = _factory.CreateCounter(name, help, labels);
            return (v, l) => counter.WithLabels(l).Inc(v);
        }

        if (kind == typeof(Histogram<>))
        {
            double[] buckets = KeyBrokerMetrics.Buckets.TryGetValue(instrument.Name, out var known) ? [.. known] : Seconds;
            Histogram histogram = _factory.CreateHistogram(name, help, labels, new HistogramConfiguration { Buckets = buckets });
            return (v, l) => histogram.WithLabels(l).Observe(v);
        }

        Gauge gauge = _factory.CreateGauge(name, help, labels);
        return kind == typeof(UpDownCounter<>) ? (v, l) => gauge.WithLabels(l).Inc(v) : (v, l) => gauge.WithLabels(l).Set(v);
    }
}
