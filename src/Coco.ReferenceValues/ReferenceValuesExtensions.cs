// SPDX-License-Identifier: Apache-2.0
using Coco.ReferenceValues.Extractors;
using Coco.ReferenceValues.Grpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Coco.ReferenceValues;

/// <summary>Puts the reference value provider into a host.</summary>
public static class ReferenceValuesExtensions
{
    /// <summary>The service's name for <c>grpc.health.v1</c>.</summary>
    public const string HealthName = "reference.ReferenceValueProviderService";

    /// <summary>
    /// Adds <see cref="ReferenceValueService"/> and the extractors. The host gives an <see cref="Storage.IStoreProvider"/>; a
    /// <see cref="TimeProvider"/> of its own wins over the system's.
    /// </summary>
    public static ICocoReferenceValuesBuilder AddCocoReferenceValues(this IServiceCollection services, ReferenceValuesOptions options)
    {
        services.TryAddSingleton(options);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ReferenceValueService>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IReferenceValueExtractor, SampleExtractor>());
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
