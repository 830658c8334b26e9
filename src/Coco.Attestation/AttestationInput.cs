// SPDX-License-Identifier: Apache-2.0
using Coco.Protocol;

namespace Coco.Attestation;

/// <summary>One evidence of a guest and what it must be bound to.</summary>
/// <param name="Evidence">As received.</param>
/// <param name="RuntimeData">What its report data must hold. <see cref="RuntimeDataInput.Absent"/> has to be written.</param>
/// <param name="InitData">What its configuration register must hold. <see cref="InitDataInput.Absent"/> has to be written.</param>
public sealed record AttestationInput(Evidence Evidence, RuntimeDataInput RuntimeData, InitDataInput InitData);
