// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco.KeyBroker;

/// <summary>What a guest has to prove freshness with (kbs.md 2.2).</summary>
/// <param name="Nonce">Sent as it is: base64 of 32 random bytes, or for SE the JSON text that the attestation service made.</param>
/// <param name="SelectedHashAlgorithm">Lower-case name (<c>sha256</c>, <c>sha384</c>, <c>sha512</c>, <c>sm3</c>); null when nothing was negotiated, which means SHA-384.</param>
public sealed record Challenge(string Nonce, string? SelectedHashAlgorithm = null)
{
    /// <summary>
    /// Ours: a credential challenge that a guest asked for by naming its TPM's endorsement key; a JSON object that goes out as
    /// <c>extra-params.tpm-credential</c>. Null when none was asked for.
    /// </summary>
    public string? TpmCredential { get; init; }

    /// <summary>A challenge of 32 bytes of the system's random number generator.</summary>
    public static Challenge Random(string? selectedHashAlgorithm = null) =>
        new(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)), selectedHashAlgorithm);
}
