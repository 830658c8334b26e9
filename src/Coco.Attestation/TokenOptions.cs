// SPDX-License-Identifier: Apache-2.0
namespace Coco.Attestation;

/// <summary>Contents of the tokens (attestation-service.md 4, 10, 11).</summary>
public sealed record TokenOptions
{
    /// <summary>Which token is issued. Default <see cref="TokenForm.Ear"/>.</summary>
    public TokenForm Form { get; init; } = TokenForm.Ear;

    /// <summary>Validity. Default 5 minutes.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary><c>iss</c>. Default <c>CoCo-Attestation-Service</c>.</summary>
    public string Issuer { get; init; } = "CoCo-Attestation-Service";

    /// <summary>Developer of the verifier. Default <c>https://confidentialcontainers.org</c>.</summary>
    public string Developer { get; init; } = "https://confidentialcontainers.org";

    /// <summary>Build of the verifier. Default <c>attestation-service 0.1.0</c>.</summary>
    public string Build { get; init; } = "attestation-service 0.1.0";

    /// <summary><c>eat_profile</c>.</summary>
    public string Profile { get; init; } = "tag:github.com,2024:confidential-containers/Trustee";

    /// <summary>Keep <c>additional-evidence</c> in the token's runtime data claims. Default true.</summary>
    public bool Verbose { get; init; } = true;
}

/// <summary>The kinds of token.</summary>
public enum TokenForm
{
    /// <summary>EAR (attestation-service.md 10).</summary>
    Ear,

    /// <summary>The first Simple token: CoCo 0.5 to 0.8.</summary>
    SimpleFirst,

    /// <summary>Simple token of 0.9 and 0.10, key in the payload.</summary>
    SimpleV09,

    /// <summary>Simple token of 0.11 to 0.15, key in the header.</summary>
    SimpleV011,
}
