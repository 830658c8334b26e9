// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Coco.KeyBroker;

/// <summary>Registration of the key broker in a host.</summary>
public static class CocoKeyBrokerExtensions
{
    /// <summary>
    /// Adds the key broker. The host must also register an <see cref="IAttestationService"/>, a
    /// <see cref="Coco.Storage.IStoreProvider"/> and a <see cref="TimeProvider"/>.
    /// </summary>
    public static ICocoKeyBrokerBuilder AddCocoKeyBroker(this IServiceCollection services, Action<KeyBrokerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = new KeyBrokerOptions();
        configure?.Invoke(options);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        return new Builder(services);
    }

    /// <summary>Maps <c>/kbs/v0/…</c>, <c>/healthz</c> and <c>/readyz</c>.</summary>
    public static IEndpointConventionBuilder MapCocoKeyBroker(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        return endpoints.MapGet("/healthz", static _ => Task.CompletedTask);
    }

    private sealed record Builder(IServiceCollection Services) : ICocoKeyBrokerBuilder;
}
