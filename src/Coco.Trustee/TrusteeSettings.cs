// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Net;
using Coco.Attestation;
using Coco.KeyBroker;
using Coco.Protocol;
using Coco.ReferenceValues;

namespace Coco.Trustee;

/// <summary>Everything that a server process is told, whichever form of configuration it came from.</summary>
internal sealed record TrusteeSettings
{
    /// <summary>Where state is kept that nothing else names.</summary>
    public required string Home { get; init; }

    /// <summary>Addresses of the faces that speak HTTP/1.1: key broker, REST, administrators.</summary>
    public ImmutableArray<IPEndPoint> Sockets { get; init; } = [new(IPAddress.Loopback, 8080)];

    /// <summary>Addresses of the faces that speak gRPC, which needs HTTP/2: without TLS nothing negotiates, so a plain port speaks one of the two.</summary>
    public ImmutableArray<IPEndPoint> GrpcSockets { get; init; } = [];

    /// <summary>TLS of all faces; null serves plain HTTP.</summary>
    public TlsSettings? Tls { get; init; } = new();

    /// <summary>What one client, or many of them, may cost a listener.</summary>
    public ListenerLimits Limits { get; init; } = new();

    /// <summary>Where values are kept.</summary>
    public StoreSettings Store { get; init; } = new("sqlite", null);

    /// <summary>Another store for sessions; null keeps them with everything else.</summary>
    public StoreSettings? SessionStore { get; init; }

    /// <summary>File of the key ring for encryption at rest; null stores as it is.</summary>
    public string? KeyRingPath { get; init; }

    /// <summary>Whether values that were stored before the ring was configured are still read.</summary>
    public bool KeyRingAcceptsPlain { get; init; }

    /// <summary>Whether each decision asks the store for changes of other processes; else they count within a second.</summary>
    public bool StrictConsistency { get; init; }

    /// <summary>Sets up the key broker.</summary>
    public Action<KeyBrokerOptions> KeyBroker { get; init; } = _ => { };

    /// <summary>Sets up who may administrate an attestation service that runs without a key broker; null maps nothing for administrators.</summary>
    public Action<AdminOptions>? Administrators { get; init; }

    /// <summary>The attestation service.</summary>
    public AttestationOptions Attestation { get; init; } = new();

    /// <summary>The reference value provider.</summary>
    public ReferenceValuesOptions ReferenceValues { get; init; } = new();

    /// <summary>The verifiers.</summary>
    public AsVerifierConfig Verifiers { get; init; } = new();

    /// <summary>Other stores for some namespaces; the key is the namespace.</summary>
    public ImmutableDictionary<string, StoreSettings> StoreOverrides { get; init; } = ImmutableDictionary<string, StoreSettings>.Empty;

    /// <summary>A remote attestation service (gRPC, Intel Trust Authority); null uses the one in this process.</summary>
    public IAttestationService? RemoteAttestation { get; init; }

    /// <summary>Address of a remote reference value provider (gRPC); null uses the one in this process.</summary>
    public Uri? RemoteReferenceValues { get; init; }

    /// <summary>Adds the plugins of the key broker.</summary>
    public Action<ICocoKeyBrokerBuilder> Plugins { get; init; } = b => b.AddResourcePlugin();

    /// <summary>Sentences that are warned of at start.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];
}

/// <summary>Limits of a listener against slow, large and many clients.</summary>
internal sealed record ListenerLimits
{
    /// <summary>Largest request head. A bearer token with the evidence of many devices outgrows the usual 32 KiB.</summary>
    public int HeaderBytes { get; init; } = 256 << 10;

    /// <summary>Time for a TLS handshake.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for a request head.</summary>
    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Time that a connection may be open without a request.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(130);

    /// <summary>Slowest body, in bytes a second, after a grace of five seconds.</summary>
    public int MinDataRate { get; init; } = 240;

    /// <summary>Most connections at once; null for what the limit of open files allows.</summary>
    public int? MaxConnections { get; init; }
}

/// <summary>TLS of a listener.</summary>
internal sealed record TlsSettings
{
    /// <summary>PEM chain, leaf first; null for a certificate that the server makes.</summary>
    public string? CertificatePath { get; init; }

    /// <summary>PEM key.</summary>
    public string? KeyPath { get; init; }

    /// <summary>Names and addresses that a self-made certificate is for, besides the usual ones.</summary>
    public ImmutableArray<string> Names { get; init; } = [];

    /// <summary>Protocol versions; <see cref="System.Security.Authentication.SslProtocols.None"/> for TLS 1.2 and 1.3.</summary>
    public System.Security.Authentication.SslProtocols Protocols { get; init; } =
        System.Security.Authentication.SslProtocols.Tls12 | System.Security.Authentication.SslProtocols.Tls13;

    /// <summary>Cipher suites; empty for the system's.</summary>
    public ImmutableArray<System.Net.Security.TlsCipherSuite> CipherSuites { get; init; } = [];
}

/// <summary>A store.</summary>
/// <param name="Type"><c>memory</c>, <c>sqlite</c>, <c>local_fs</c>, <c>local_json</c>, <c>postgres</c>, <c>redis</c>.</param>
/// <param name="Location">Path, connection string or URL; null for the type's own default.</param>
internal sealed record StoreSettings(string Type, string? Location)
{
    /// <summary>Whether several processes see the same values.</summary>
    public bool IsShared => Type is "postgres" or "redis";

    /// <summary>Whether everything is lost when the process ends.</summary>
    public bool IsEphemeral => Type == "memory";
}
