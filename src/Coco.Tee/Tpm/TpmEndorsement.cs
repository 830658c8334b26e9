// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Tpm;

/// <summary>The answer to a credential challenge: proof that the attestation key lives in the TPM of an endorsement key.</summary>
/// <param name="Key">Endorsement key and attestation key as the TPM describes them.</param>
/// <param name="Secret">What TPM2_ActivateCredential gave.</param>
/// <param name="State">The challenge's own sealed copy, which comes back as it was given.</param>
public sealed record TpmEndorsement(TpmEndorsementKey Key, ReadOnlyMemory<byte> Secret, ReadOnlyMemory<byte> State);
