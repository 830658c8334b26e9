// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Intel;

/// <summary>One field of a fixed layout.</summary>
/// <param name="Name">Name in the words of Intel's document.</param>
/// <param name="ClaimName">Name as a claim (attestation-service.md 6.4, 6.5).</param>
/// <param name="Offset">Offset from the start of the structure, in bytes.</param>
/// <param name="Length">Length in bytes.</param>
public readonly record struct LayoutField(string Name, string ClaimName, int Offset, int Length);
