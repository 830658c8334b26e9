// SPDX-License-Identifier: Apache-2.0
using Coco.Verifiers.Certificates;

namespace Coco.Verifiers.Tpm;

/// <summary>What says that an attestation key is a TPM's.</summary>
/// <param name="Kind"><c>certificate</c> or <c>endorsement-key</c>, as the claim <c>ak_endorsed_by</c> writes it.</param>
/// <param name="Root">The root that it leads to; null when nothing endorsed the key.</param>
internal sealed record TpmEndorser(string Kind, TrustedKey? Root)
{
    public static TpmEndorser None { get; } = new(string.Empty, null);
}
