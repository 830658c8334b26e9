// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>Settings of a key broker. Read once, at start.</summary>
public sealed class KeyBrokerOptions
{
    /// <summary>Life of a session from <c>auth</c> on; not extended by use. Default 5 minutes; 1 second to 1 day.</summary>
    public TimeSpan SessionTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Largest request body in bytes. Default 2 MiB; at most 1 GiB.</summary>
    public long MaxBodyBytes { get; set; } = 2 << 20;

    /// <summary>Protocol versions that are served. Default all of 0.1.0, 0.1.1, 0.2.0, 0.3.0, 0.4.0.</summary>
    public ImmutableArray<string> ProtocolVersions { get; set; } = ["0.1.0", "0.1.1", "0.2.0", "0.3.0", "0.4.0"];

    /// <summary>Whether guests of 0.1.x get answers under <c>RSA1_5</c>, which is all they know. Default true.</summary>
    public bool AllowRsa15 { get; set; } = true;

    /// <summary>403 for a policy's no, 404 for a missing resource, 405 for a wrong method, where the reference answers 401 or 404. Default false.</summary>
    public bool StrictStatus { get; set; }

    /// <summary>Answer refused administrators at plugin paths with the type <c>AdminAuthInitialization</c>, as the reference does; else <c>AdminAuthAccess</c> everywhere. Default true.</summary>
    public bool ReferenceAdminErrorType { get; set; } = true;

    /// <summary>Whose attestation tokens are believed.</summary>
    public TokenTrustOptions TokenTrust { get; } = new();

    /// <summary>Who may administrate.</summary>
    public AdminOptions Admin { get; } = new();

    /// <summary>The resource policy that is stored when there is none. Default <see cref="NamedResourcePolicies.Default"/>.</summary>
    public string InitialResourcePolicy { get; set; } = NamedResourcePolicies.Default;

    /// <summary>Whether each decision asks the store if the policy changed; else a change at another replica counts within a second. Default false.</summary>
    public bool StrictPolicyConsistency { get; set; }

    /// <summary>Values of the request's <c>attestation-policy-selector</c> and the appraisal policies they choose; a selector that is not here is refused.</summary>
    public ImmutableDictionary<string, PolicyId> PolicySelectors { get; set; } = ImmutableDictionary<string, PolicyId>.Empty;

    /// <summary>Requests to <c>auth</c> and <c>attest</c> that one client address may make in a second, on average. 0 (the default) for no limit.</summary>
    public double HandshakesPerSecond { get; set; }

    /// <summary>How many of them it may make at once. Default 100.</summary>
    public int HandshakeBurst { get; set; } = 100;

    /// <summary>PEM private key (EC P-256) that signs the heads of the audit chain; null (the default) for one that is made once and kept in the store.</summary>
    public Secret? AuditKeyPem { get; set; }

    /// <summary>How long audit events are kept; null (the default) for ever.</summary>
    public TimeSpan? AuditRetention { get; set; }

    /// <summary>How many versions of a resource are kept, the present one included. Default 10; 1 to 1000.</summary>
    public int KeptVersions { get; set; } = 10;

    /// <summary>How other servers are reached.</summary>
    public OutboundHttp Outbound { get; set; } = new();
}
