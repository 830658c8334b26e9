// SPDX-License-Identifier: Apache-2.0
using Coco.Attestation.Decisions;
using Coco.Attestation.Pipeline;
using Coco.Attestation.Policies;
using Coco.Attestation.Tokens;
using Coco.Attestation.Wire;
using Coco.Storage;
using Coco.Verifiers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coco.Attestation;

/// <summary>Puts the attestation service into a host.</summary>
public static class AttestationExtensions
{
    /// <summary>The service's name for <c>grpc.health.v1</c>.</summary>
    public const string HealthName = "attestation.AttestationService";

    /// <summary>Largest gRPC message that the host should let through, in bytes: 64 MiB, since evidence of many devices is large.</summary>
    public const int MaxGrpcMessageBytes = AttestationRequests.MaxMessageBytes;

    /// <summary>
    /// Adds <see cref="AttestationServiceCore"/>. The host gives an <see cref="IStoreProvider"/>, an <see cref="IReferenceValueSource"/> and the
    /// <see cref="IVerifier"/>s; an <see cref="ITokenSigner"/> of its own wins over <see cref="AttestationOptions.Signer"/>. A
    /// <see cref="VerifierSetFactory"/> lets recorded evidence be verified as of another time, and a <see cref="RecordingCollateralProvider"/> around
    /// the verifiers' collateral keeps it for that.
    /// </summary>
    public static ICocoAttestationBuilder AddCocoAttestation(this IServiceCollection services, AttestationOptions options)
    {
        services.TryAddSingleton(options);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IAppraisalPolicyCompiler, RegoPolicyCompiler>();
        services.TryAddSingleton(p => new AttestationPolicyStore(
            p.GetRequiredService<IStoreProvider>(),
            p.GetRequiredService<IAppraisalPolicyCompiler>(),
            options,
            p.GetRequiredService<ILogger<AttestationPolicyStore>>()));
        services.TryAddSingleton(p => new TokenSignerSource(p.GetRequiredService<IStoreProvider>(), options, p.GetService<ITokenSigner>()));
        services.TryAddSingleton(p => new CollateralHistory(p.GetRequiredService<IStoreProvider>(), options, p.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<ShadowPolicies>();
        AddDecisions(services, options);
        services.TryAddSingleton<Appraiser>();
        services.TryAddSingleton(p => new AttestationServiceCore(
            p.GetServices<IVerifier>(),
            p.GetRequiredService<AttestationPolicyStore>(),
            p.GetRequiredService<Appraiser>(),
            p.GetRequiredService<TokenSignerSource>(),
            p.GetRequiredService<DecisionLog>(),
            new ChallengeTokens(p.GetRequiredService<IStoreProvider>(), p.GetRequiredService<TimeProvider>()),
            options,
            p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<AttestationServiceCore>>()));
        services.TryAddSingleton(p => new EvidenceVault(
            p.GetRequiredService<DecisionLog>(),
            p.GetRequiredService<DecisionExplainer>(),
            p.GetRequiredService<ContentStore>(),
            p.GetRequiredService<AttestationPolicyStore>(),
            p.GetRequiredService<IReferenceValueSource>(),
            options,
            p.GetServices<IVerifier>(),
            p.GetService<VerifierSetFactory>(),
            p.GetRequiredService<CollateralHistory>(),
            p.GetService<ICollateralProvider>(),
            p.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton(p => new AttestationDoctor(
            p.GetRequiredService<DecisionLog>(),
            p.GetRequiredService<DecisionExplainer>(),
            p.GetRequiredService<AttestationServiceCore>(),
            p.GetServices<IDoctorSource>(),
            p.GetService<IReferenceValueExpirations>(),
            p.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IHostedService, DoctorRounds>();
        if (options.Signer is not null)
        {
            services.AddSingleton<IHostedService, SignerStart>();
        }

        services.TryAddSingleton<AttestationRestApi>();
        services.TryAddSingleton<AttestationAdminApi>();
        return new Builder(services);
    }

    /// <summary>
    /// Adds only <see cref="ReleaseLog"/> and its explanations, for a key broker whose attestation service is in another process. The host gives an
    /// <see cref="IStoreProvider"/>.
    /// </summary>
    public static void AddCocoReleaseDecisions(this IServiceCollection services, AttestationOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IAppraisalPolicyCompiler, RegoPolicyCompiler>();
        AddDecisions(services, options);
    }

    /// <summary>Maps the gRPC service. The host must have called <c>AddGrpc</c> with <see cref="MaxGrpcMessageBytes"/>.</summary>
    public static IEndpointConventionBuilder MapCocoAttestationGrpc(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGrpcService<AttestationGrpcService>();

    /// <summary>Maps the reference value service, forwarding to the remote provider. The host must have registered a <see cref="GrpcReferenceValueSource"/>.</summary>
    public static IEndpointConventionBuilder MapCocoReferenceValueForwarding(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGrpcService<ReferenceValueForwarder>();

    /// <summary>Maps the REST face, without its health check and its keys (<see cref="MapCocoAttestationKeys"/>).</summary>
    /// <param name="endpoints">Where.</param>
    /// <param name="withPolicies">Also the calls that read and change policies.</param>
    public static void MapCocoAttestationRest(this IEndpointRouteBuilder endpoints, bool withPolicies = true)
    {
        AttestationRestApi api = endpoints.ServiceProvider.GetRequiredService<AttestationRestApi>();
        endpoints.MapPost("/attestation", api.AttestAsync);
        endpoints.MapPost("/challenge", api.ChallengeAsync);
        if (withPolicies)
        {
            endpoints.MapPost("/policy", api.SetPolicyAsync);
            endpoints.MapGet("/policy", api.ListPoliciesAsync);
            endpoints.MapGet("/policy/{id}", context => api.GetPolicyAsync(context, (string)context.Request.RouteValues["id"]!));
            endpoints.MapDelete("/policy/{id}", context => api.DeletePolicyAsync(context, (string)context.Request.RouteValues["id"]!));
        }
    }

    /// <summary>Maps <c>/.well-known/jwks.json</c>, <c>/.well-known/openid-configuration</c> and the fork's <c>/jwks</c>.</summary>
    public static void MapCocoAttestationKeys(this IEndpointRouteBuilder endpoints)
    {
        AttestationRestApi api = endpoints.ServiceProvider.GetRequiredService<AttestationRestApi>();
        endpoints.MapGet("/.well-known/jwks.json", api.KeySetAsync);
        endpoints.MapGet("/jwks", api.KeySetAsync);
        endpoints.MapGet("/.well-known/openid-configuration", api.DiscoveryAsync);
    }

    /// <summary>
    /// Maps what administrators ask, below <paramref name="prefix"/>: <c>GET decisions</c>, <c>GET decisions/{id}</c>, <c>GET doctor</c>,
    /// <c>POST reverify</c> and <c>POST policy-diff</c>. The host must put its authentication of administrators in front.
    /// </summary>
    public static RouteGroupBuilder MapCocoAttestationAdmin(this IEndpointRouteBuilder endpoints, string prefix)
    {
        AttestationAdminApi api = endpoints.ServiceProvider.GetRequiredService<AttestationAdminApi>();
        RouteGroupBuilder group = endpoints.MapCocoDecisions(prefix);
        group.MapGet("/doctor", api.DoctorAsync);
        group.MapPost("/reverify", api.ReverifyAsync);
        group.MapPost("/policy-diff", api.DiffAsync);
        return group;
    }

    /// <summary>
    /// Maps <c>GET decisions</c> and <c>GET decisions/{id}</c> below <paramref name="prefix"/>. The host must put its authentication of administrators
    /// in front.
    /// </summary>
    public static RouteGroupBuilder MapCocoDecisions(this IEndpointRouteBuilder endpoints, string prefix)
    {
        DecisionAdminApi api = endpoints.ServiceProvider.GetRequiredService<DecisionAdminApi>();
        RouteGroupBuilder group = endpoints.MapGroup(prefix);
        group.MapGet("/decisions", api.ListAsync);
        group.MapGet("/decisions/{id}", context => api.ExplainAsync(context, (string)context.Request.RouteValues["id"]!));
        return group;
    }

    private static void AddDecisions(IServiceCollection services, AttestationOptions options)
    {
        services.TryAddSingleton(options);
        services.TryAddSingleton(p => new ContentStore(p.GetRequiredService<IStoreProvider>(), options, p.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton(p => new DecisionLog(
            p.GetRequiredService<IStoreProvider>(),
            p.GetRequiredService<ContentStore>(),
            p.GetService<ShadowPolicies>(),
            options,
            p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<DecisionLog>>()));
        services.TryAddSingleton(p => new ReleaseLog(p.GetRequiredService<DecisionLog>()));
        services.TryAddSingleton(p => new DecisionExplainer(
            p.GetRequiredService<DecisionLog>(),
            p.GetRequiredService<ContentStore>(),
            p.GetRequiredService<IAppraisalPolicyCompiler>()));
        services.TryAddSingleton<DecisionAdminApi>();
        services.AddSingleton<IHostedService, RetentionRounds>();
    }

    private sealed record Builder(IServiceCollection Services) : ICocoAttestationBuilder;
}

/// <summary>Features are extension methods on this.</summary>
public interface ICocoAttestationBuilder
{
    /// <summary>The host's services.</summary>
    IServiceCollection Services { get; }
}
