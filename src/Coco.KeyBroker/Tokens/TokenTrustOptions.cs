// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;

namespace Coco.KeyBroker;

/// <summary>Whose attestation tokens are believed (kbs.md 5.2). With nothing set, nobody's.</summary>
public sealed class TokenTrustOptions
{
    /// <summary>Whether the keys that the registered <see cref="IAttestationService"/> publishes are trusted: for a service in the same process. Default false.</summary>
    public bool TrustAttestationService { get; set; }

    /// <summary>JWK sets: <c>https://</c> (the set itself, or an OpenID issuer), <c>file://</c>, or a local path.</summary>
    public ImmutableArray<string> TrustedJwkSets { get; set; } = [];

    /// <summary>Certificates that chains in a token's <c>x5c</c> must end at. Self-signed ones are roots, others fill gaps in chains.</summary>
    public ImmutableArray<X509Certificate2> TrustedCertificates { get; set; } = [];

    /// <summary>JSON pointers that are tried before the built-in ones to find the guest's key.</summary>
    public ImmutableArray<string> ExtraTeeKeyPaths { get; set; } = [];

    /// <summary>Believe the key in the token's own header, which anybody can write: for tests. Default false.</summary>
    public bool InsecureHeaderJwk { get; set; }
}
