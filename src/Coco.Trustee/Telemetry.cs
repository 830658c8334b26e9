// SPDX-License-Identifier: Apache-2.0
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Prometheus;

namespace Coco.Trustee;

/// <summary>
/// <c>/metrics</c> for Prometheus, and OTLP traces where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> (or <c>…_TRACES_ENDPOINT</c>) names a collector.
/// </summary>
internal static class Telemetry
{
    public static void Add(WebApplicationBuilder builder)
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT"))
            && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")))
        {
            return;
        }

        builder.Services.AddOpenTelemetry()
            .ConfigureResource(r => r.AddService(Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") ?? "trustee"))
            .WithTracing(t => t
                .AddSource("Coco.KeyBroker", "Coco.Attestation", "Grpc.Net.Client")
                .AddAspNetCoreInstrumentation(o => o.Filter = static context => context.Request.Path.Value is not ("/healthz" or "/readyz" or "/metrics"))
                .AddHttpClientInstrumentation()
                .AddOtlpExporter());
    }

    public static void Map(WebApplication app)
    {
        CollectorRegistry registry = Metrics.NewCustomRegistry();
        var bridge = new PrometheusBridge(registry);
        app.Lifetime.ApplicationStopped.Register(bridge.Dispose);
        app.MapMetrics(registry: registry).WithMetadata(new HttpMethodMetadata([HttpMethods.Get]));

        // Else the broker's own answer to unknown paths, 404, would be what other methods get.
        app.MapMethods(
            "/metrics",
            [HttpMethods.Head, HttpMethods.Post, HttpMethods.Put, HttpMethods.Patch, HttpMethods.Delete, HttpMethods.Options],
            static context =>
            {
                context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
                context.Response.Headers.Allow = HttpMethods.Get;
                return Task.CompletedTask;
            });
    }
}
