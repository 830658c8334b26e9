// SPDX-License-Identifier: Apache-2.0
using Coco.ReferenceValues.Extractors;
using Coco.ReferenceValues.Grpc;
using Coco.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Coco.ReferenceValues;

/// <summary>Puts the reference value provider into a host.</summary>
public static class ReferenceValuesExtensions
{
    /// <summary>The service's name for <c>grpc.health.v1</c>.</summary>
    public const string HealthName = "reference.ReferenceValueProviderService";

    /// <summary>
    /// Adds <see cref="ReferenceValueService"/> and the extractors. The host gives an <see cref="IStoreProvider"/>; a
    /// <see cref="TimeProvider"/> of its own wins over the system's.
    /// </summary>
    public static ICocoReferenceValuesBuilder AddCocoReferenceValues(this IServiceCollection services, ReferenceValuesOptions options)
    {
        services.TryAddSingleton(options);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(p => new ReferenceValueService(
            p.GetRequiredService<IStoreProvider>(),
            p.GetServices<IReferenceValueExtractor>(),
            options,
            p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<ReferenceValueService>>(),
            p.GetKeyedService<HttpClient>(nameof(ReferenceValues))));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IReferenceValueExtractor, SampleExtractor>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IReferenceValueExtractor, SwidExtractor>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IReferenceValueExtractor, CorimExtractor>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IReferenceValueExtractor, SlsaExtractor>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IReferenceValueExtractor, InTotoExtractor>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IReferenceValueExtractor, ReproducibleBuildExtractor>());
        return new Builder(services);
    }

    /// <summary>Maps the gRPC service. The host must have called <c>AddGrpc</c>; messages may be as large as <see cref="ReferenceValueMessage.MaxBytes"/>.</summary>
    public static IEndpointConventionBuilder MapCocoReferenceValues(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGrpcService<ReferenceValueGrpcService>();

    private sealed record Builder(IServiceCollection Services) : ICocoReferenceValuesBuilder;
}

/// <summary>Features are extension methods on this.</summary>
public interface ICocoReferenceValuesBuilder
{
    /// <summary>The host's services.</summary>
    IServiceCollection Services { get; }
}
