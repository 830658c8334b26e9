// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Tee.Json;

namespace Coco.Tee.Tpm;

/// <summary>An endorsement key's certificates, and the attestation key that is said to live beside it.</summary>
/// <param name="Certificates">EK certificate first, then its issuers.</param>
/// <param name="AkArea">The attestation key as TPM2B_PUBLIC.</param>
public sealed record TpmEndorsementKey(ImmutableArray<ReadOnlyMemory<byte>> Certificates, ReadOnlyMemory<byte> AkArea)
{
    /// <summary>Reads <c>{"ek_certificates": [base64 DER…], "ak_tpm_public": base64 TPM2B_PUBLIC}</c>.</summary>
    public static Result<TpmEndorsementKey> Parse(JsonElement json)
    {
        if (!TpmEvidence.Certificates(json, "ek_certificates").TryGet(out ImmutableArray<ReadOnlyMemory<byte>> certificates, out Refusal? refusal)
            || !EvidenceFields.Base64(json, "ak_tpm_public", 2048).TryGet(out ReadOnlyMemory<byte> area, out refusal))
        {
            return refusal;
        }

        return certificates.IsEmpty ? EvidenceFields.Bad("ek_certificates", "missing") : new TpmEndorsementKey(certificates, area);
    }
}
