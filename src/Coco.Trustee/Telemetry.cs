// SPDX-License-Identifier: Apache-2.0
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Prometheus;

namespace Coco.Trustee;

/// <summary><c>/metrics</c> for Prometheus, and OTLP traces where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names a collector.</summary>
internal static class Telemetry
{
    public static void Add(WebApplicationBuilder builder)
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT")))
        {
            return;
        }

        builder.Services.AddOpenTelemetry()
            .ConfigureResource(r => r.AddService(Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") ?? "trustee"))
            .WithTracing(t => t
                .AddSource("Coco.KeyBroker", "Coco.Attestation", "Coco.ReferenceValues", "Coco.Verifiers")
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddOtlpExporter());
    }

    public static void Map(WebApplication app)
    {
        CollectorRegistry registry = Metrics.NewCustomRegistry();
        var bridge = new PrometheusBridge(registry);
        app.Lifetime.ApplicationStopped.Register(bridge.Dispose);
        app.MapMetrics(registry: registry);
    }
}
