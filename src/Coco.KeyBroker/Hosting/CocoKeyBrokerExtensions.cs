// SPDX-License-Identifier: Apache-2.0
using Coco.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Coco.KeyBroker;

/// <summary>Registration of the key broker in a host.</summary>
public static class CocoKeyBrokerExtensions
{
    /// <summary>
    /// Adds the key broker without plugins. The host must also register an <see cref="IAttestationService"/> and an
    /// <see cref="IStoreProvider"/>, and may register an <see cref="ISessionStoreProvider"/> and a <see cref="TimeProvider"/>.
    /// </summary>
    public static ICocoKeyBrokerBuilder AddCocoKeyBroker(this IServiceCollection services, Action<KeyBrokerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = new KeyBrokerOptions();
        configure?.Invoke(options);
        Validate(options);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<KeyBrokerMetrics>();
        services.AddSingleton(static p => new KeyBrokerStores(p.GetRequiredService<IStoreProvider>(), p.GetService<ISessionStoreProvider>()));
        services.AddSingleton<SessionKeys>();
        services.AddSingleton<AttestedSessions>();
        services.AddSingleton<AuditLog>();
        services.AddSingleton<IHostedService>(static p => p.GetRequiredService<AuditLog>());
        services.AddSingleton<TokenVerifier>();
        services.AddSingleton<IResourcePolicyCompiler, RegoPolicyCompiler>();
        services.AddSingleton<ResourcePolicies>();
        AddAdministrators(services, options.Admin, () => options.Outbound.Invoker);
        services.AddSingleton<IHostedService, WarmUp>();
        services.AddSingleton<AdminGuard>();
        services.AddSingleton<HandshakeHandler>();
        services.AddSingleton<PluginHandler>();
        services.AddSingleton<AdminHandler>();
        services.AddSingleton<ReadinessHandler>();
        services.AddSingleton<KeyBrokerDispatcher>();
        services.AddSingleton<IReadinessSource>(static p =>
        {
            KeyBrokerStores stores = p.GetRequiredService<KeyBrokerStores>();
            return new BrokerReadiness("store", async ct =>
            {
                await (await stores.BrokerAsync(ct)).GetGenerationAsync(ct);
                await (await stores.SessionsAsync(ct)).GetGenerationAsync(ct);
                return null;
            });
        });
        services.AddSingleton<IReadinessSource>(static p =>
        {
            AuditLog audit = p.GetRequiredService<AuditLog>();
            return new BrokerReadiness("audit", _ => new(audit.Check()));
        });
        services.AddSingleton<IReadinessSource>(static p => new BrokerReadiness("resource-policy", p.GetRequiredService<ResourcePolicies>().CheckAsync));
        services.AddSingleton<IReadinessSource>(static p => new BrokerReadiness("token-issuers", p.GetRequiredService<TokenVerifier>().CheckAsync));
        return new Builder(services);
    }

    /// <summary>
    /// Adds the key broker's <see cref="IAdminAuthenticator"/> and <see cref="IAdminAuthorizer"/> to a host without a key broker, whose own endpoints
    /// they guard.
    /// </summary>
    public static void AddCocoAdministrators(this IServiceCollection services, Action<AdminOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        var admin = new AdminOptions();
        configure(admin);
        services.TryAddSingleton(TimeProvider.System);
        AddAdministrators(services, admin, static () => new OutboundHttp().Invoker);
    }

    /// <summary>Adds the <c>resource</c> plugin with values in the key-value store.</summary>
    public static ICocoKeyBrokerBuilder AddResourcePlugin(this ICocoKeyBrokerBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<IBrokerPlugin>(static p => new ResourcePlugin(
            new KeyValueBackend(p.GetRequiredService<KeyBrokerStores>(), p.GetRequiredService<KeyBrokerOptions>(), p.GetRequiredService<TimeProvider>()),
            p.GetRequiredService<KeyBrokerMetrics>()));
        return builder;
    }

    /// <summary>Adds the <c>resource</c> plugin with values in another back end.</summary>
    public static ICocoKeyBrokerBuilder AddResourcePlugin(this ICocoKeyBrokerBuilder builder, Func<IServiceProvider, ISecretBackend> backend)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<IBrokerPlugin>(p => new ResourcePlugin(backend(p), p.GetRequiredService<KeyBrokerMetrics>()));
        return builder;
    }

    /// <summary>Adds the <c>sample</c> plugin.</summary>
    public static ICocoKeyBrokerBuilder AddSamplePlugin(this ICocoKeyBrokerBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<IBrokerPlugin, SamplePlugin>();
        return builder;
    }

    /// <summary>Adds the <c>provisioner</c> plugin.</summary>
    /// <param name="builder">The broker.</param>
    /// <param name="keyLength">Characters of a disk key, 16 to 512. Default 32.</param>
    public static ICocoKeyBrokerBuilder AddProvisionerPlugin(this ICocoKeyBrokerBuilder builder, int keyLength = 32)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<IBrokerPlugin>(p => new ProvisionerPlugin(p.GetRequiredService<KeyBrokerStores>(), keyLength));
        return builder;
    }

    /// <summary>Maps <c>/kbs/v0/…</c>, <c>/healthz</c> and <c>/readyz</c>.</summary>
    public static void MapCocoKeyBroker(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        KeyBrokerDispatcher dispatcher = endpoints.ServiceProvider.GetRequiredService<KeyBrokerDispatcher>();
        ReadinessHandler readiness = endpoints.ServiceProvider.GetRequiredService<ReadinessHandler>();
        endpoints.Map("/kbs/v0/{**rest}", (RequestDelegate)dispatcher.HandleAsync);
        endpoints.MapFallback("{**path}", (RequestDelegate)dispatcher.HandleElsewhereAsync);
        endpoints.MapGet("/healthz", (RequestDelegate)(static context => Reply.EmptyAsync(context, StatusCodes.Status200OK)));
        endpoints.MapGet("/readyz", (RequestDelegate)readiness.HandleAsync);
    }

    private static void Validate(KeyBrokerOptions options)
    {
        if (options.SessionTimeout < TimeSpan.FromSeconds(1) || options.SessionTimeout > TimeSpan.FromDays(1))
        {
            throw new ArgumentException("the session timeout is 1 second to 1 day", nameof(options));
        }

        if (options.MaxBodyBytes is < 1024 or > 1 << 30)
        {
            throw new ArgumentException("the largest body is 1 KiB to 1 GiB", nameof(options));
        }

        if (options.KeptVersions is < 1 or > 1000)
        {
            throw new ArgumentException("1 to 1000 versions of a resource are kept", nameof(options));
        }
    }

    private static void AddAdministrators(IServiceCollection services, AdminOptions admin, Func<HttpMessageInvoker> http)
    {
        services.TryAddSingleton<IAdminAuthenticator>(p => admin.Mode switch
        {
            AdminMode.InsecureAllowAll => new AnonymousAuthenticator(),
            AdminMode.AuthenticatedAuthorization => new BearerAuthenticator(admin, http(), p.GetRequiredService<TimeProvider>()),
            _ => new DenyingAuthenticator(),
        });
        services.TryAddSingleton<IAdminAuthorizer>(_ => admin.Mode == AdminMode.InsecureAllowAll ? new AllowingAuthorizer() : new AccessRuleAuthorizer(admin.Rules));
    }

    private sealed record Builder(IServiceCollection Services) : ICocoKeyBrokerBuilder;
}
