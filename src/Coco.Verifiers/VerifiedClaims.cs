// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Verifiers;

/// <summary>What genuine evidence says. Made only by an <see cref="IVerifier"/>, after all its checks.</summary>
/// <param name="Tee">The TEE.</param>
/// <param name="TeeClass">The class that selects the policy: <c>cpu</c>, <c>gpu</c>, ….</param>
/// <param name="Claims">The claims in the shape of attestation-service.md section 6, before the shaping of 5.5.</param>
public sealed record VerifiedClaims(TeeType Tee, string TeeClass, JsonObject Claims);
