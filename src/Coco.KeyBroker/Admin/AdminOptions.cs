// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.KeyBroker;

/// <summary>The modes of administration (kbs.md 6.1).</summary>
public enum AdminMode
{
    /// <summary>Nobody may administrate.</summary>
    DenyAll,

    /// <summary>Everybody may, without a token: for tests.</summary>
    InsecureAllowAll,

    /// <summary>A bearer token of an identity provider, then the access rules.</summary>
    AuthenticatedAuthorization,
}

/// <summary>Who may administrate.</summary>
public sealed class AdminOptions
{
    /// <summary>Default <see cref="AdminMode.DenyAll"/>.</summary>
    public AdminMode Mode { get; set; } = AdminMode.DenyAll;

    /// <summary>Whose tokens are accepted, tried in this order.</summary>
    public ImmutableArray<IdentityProvider> IdentityProviders { get; set; } = [];

    /// <summary>What each role may do. Nothing is allowed that no rule allows.</summary>
    public ImmutableArray<AccessRule> Rules { get; set; } = [];
}

/// <summary>An issuer of administrators' tokens (kbs.md 6.2).</summary>
public sealed record IdentityProvider
{
    /// <summary>Name in the log; the issuer when not set.</summary>
    public string? Name { get; init; }

    /// <summary>What <c>iss</c> must be; null for not checked.</summary>
    public string? Issuer { get; init; }

    /// <summary>What <c>aud</c> must contain; null for not checked.</summary>
    public string? Audience { get; init; }

    /// <summary>PEM public key (EC, RSA, Ed25519); null when there is a JWK set.</summary>
    public string? PublicKeyPem { get; init; }

    /// <summary>JWK set: <c>https://</c>, <c>file://</c> or a path; null when there is a key.</summary>
    public string? JwkSetUri { get; init; }

    /// <summary>The role of tokens that have none, as those made for releases up to 0.20 are; null (the default) refuses them.</summary>
    public string? DefaultRole { get; init; }
}

/// <summary>One access rule of a role.</summary>
/// <param name="Role">The role.</param>
/// <param name="Pattern">Regular expression that has to match the whole decoded path (<c>/kbs/v0/…</c>), without the query.</param>
/// <param name="Methods">HTTP methods; empty for all.</param>
public sealed record AccessRule(string Role, string Pattern, ImmutableArray<string> Methods)
{
    /// <summary>For all methods.</summary>
    public AccessRule(string role, string pattern)
        : this(role, pattern, [])
    {
    }
}
