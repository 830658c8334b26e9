// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers.Cca;

/// <summary>The attestation key of one CCA platform, as its maker registered it.</summary>
/// <param name="ImplementationId">Implementation id, 32 bytes.</param>
/// <param name="InstanceId">Instance id, 33 bytes.</param>
/// <param name="Key">The platform's public key (CPAK).</param>
public sealed record CcaTrustAnchor(ReadOnlyMemory<byte> ImplementationId, ReadOnlyMemory<byte> InstanceId, VerificationKey Key);
