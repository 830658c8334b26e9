// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Coco.KeyBroker;
using Prometheus;

namespace Coco.Trustee;

/// <summary>Hands the instruments of our rooms to the Prometheus library under exactly the names that they have, so that dashboards keep working.</summary>
internal sealed class PrometheusBridge : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly CollectorRegistry _registry;
    private readonly MetricFactory _factory;

    public PrometheusBridge(CollectorRegistry registry)
    {
        _registry = registry;
        _factory = Metrics.WithCustomRegistry(registry);

        // One would be made of the present trace with every measurement, though nothing here asks for them.
        _factory.ExemplarBehavior = ExemplarBehavior.NoExemplars();
        _factory.CreateGauge("kbs_build_info", "The program", "version", "git_hash", "build_date").WithLabels(BuildInfo.Version, BuildInfo.Commit, BuildInfo.Date).Set(1);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name.StartsWith("Coco.", StringComparison.Ordinal))
            {
                Prepare(instrument);
                listener.EnableMeasurementEvents(instrument, new Sink(instrument, _factory));
            }
        };
        _listener.SetMeasurementEventCallback<long>(static (_, v, t, sink) => ((Sink)sink!).Record(v, t));
        _listener.SetMeasurementEventCallback<int>(static (_, v, t, sink) => ((Sink)sink!).Record(v, t));
        _listener.SetMeasurementEventCallback<double>(static (_, v, t, sink) => ((Sink)sink!).Record(v, t));
        _listener.Start();
        _registry.AddBeforeCollectCallback(_listener.RecordObservableInstruments);
    }

    public void Dispose() => _listener.Dispose();

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

    /// <summary>Where the measurements of one instrument go. Its labels are those of the first measurement; one with others is dropped.</summary>
    private sealed class Sink(Instrument instrument, MetricFactory factory)
    {
        private static readonly double[] Seconds = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

        private readonly Lock _creating = new();
        private readonly ConcurrentDictionary<string, Action<double>> _byOnlyLabel = new(StringComparer.Ordinal);
        private volatile Series? _series;
        private Action<double>? _withoutLabels;

        public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            Series series = _series ?? Create(tags);
            if (series.Labels != tags.Length)
            {
                return;
            }

            if (tags.IsEmpty)
            {
                (_withoutLabels ??= series.Of([]))(value);
            }
            else if (tags.Length == 1)
            {
                string label = Text(tags[0]);
                (_byOnlyLabel.TryGetValue(label, out Action<double>? only) ? only : _byOnlyLabel.GetOrAdd(label, series.Of([label])))(value);
            }
            else
            {
                string[] labels = new string[tags.Length];
                for (int i = 0; i < tags.Length; i++)
                {
                    labels[i] = Text(tags[i]);
                }

                series.Of(labels)(value);
            }
        }

        private static string Text(KeyValuePair<string, object?> tag) => tag.Value as string ?? tag.Value?.ToString() ?? string.Empty;

        private Series Create(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            lock (_creating)
            {
                if (_series is { } present)
                {
                    return present;
                }

                string[] names = new string[tags.Length];
                for (int i = 0; i < tags.Length; i++)
                {
                    names[i] = tags[i].Key.Replace('.', '_');
                }

                return _series = new Series(names.Length, Collector(names));
            }
        }

        private Func<string[], Action<double>> Collector(string[] names)
        {
            string name = NameOf(instrument);
            string help = instrument.Description ?? string.Empty;
            Type kind = instrument.GetType().GetGenericTypeDefinition();
            if (kind == typeof(Counter<>))
            {
                Counter counter = factory.CreateCounter(name, help, names);
                return labels => counter.WithLabels(labels).Inc;
            }

            if (kind == typeof(Histogram<>))
            {
                double[] buckets = KeyBrokerMetrics.Buckets.TryGetValue(instrument.Name, out var known) ? [.. known] : Seconds;
                Histogram histogram = factory.CreateHistogram(name, help, names, new HistogramConfiguration { Buckets = buckets });
                return labels => histogram.WithLabels(labels).Observe;
            }

            Gauge gauge = factory.CreateGauge(name, help, names);
            return kind == typeof(UpDownCounter<>) ? labels => gauge.WithLabels(labels).Inc : labels => gauge.WithLabels(labels).Set;
        }

        private sealed record Series(int Labels, Func<string[], Action<double>> Of);
    }
}
