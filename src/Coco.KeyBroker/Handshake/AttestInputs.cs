// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>What the attestation service has to verify for one guest.</summary>
internal static class AttestInputs
{
    /// <summary>The primary evidence, then each device's, with what they must bind.</summary>
    public static Result<ImmutableArray<AttestationInput>> Of(AttestRequest request, TeeType tee, string nonce, string? hashAlgorithm)
    {
        if (!request.PrimaryHashInputs(nonce).TryGet(out ImmutableArray<ReadOnlyMemory<byte>> candidates, out Refusal? refusal)
            || !request.ReadDevices().TryGet(out ImmutableArray<Evidence> devices, out refusal))
        {
            return refusal;
        }

        // Its report is over SHA-512 and a nonce of the service's own; what a device would be bound to is defined nowhere (kbs.md 2.6).
        if (tee == TeeType.Se && !devices.IsEmpty)
        {
            return new Refusal(RefusalCode.Unsupported, "a guest under Secure Execution has no further devices") { Field = "additional_evidence" };
        }

        ImmutableArray<AttestationInput>.Builder inputs = ImmutableArray.CreateBuilder<AttestationInput>(1 + devices.Length);
        var primary = new RuntimeData(request.PrimaryRuntimeData(nonce), hashAlgorithm, candidates);
        inputs.Add(new AttestationInput(new Evidence(tee, request.Primary), primary, request.InitData));
        foreach (Evidence device in devices)
        {
            JsonObject claims = request.DeviceRuntimeData(nonce);
            if (!CanonicalJson.Write(claims).TryGet(out byte[]? bytes, out refusal))
            {
                return refusal;
            }

            inputs.Add(new AttestationInput(device, new RuntimeData(claims, hashAlgorithm, [bytes]), null));
        }

        return inputs.MoveToImmutable();
    }
}
