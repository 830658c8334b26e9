// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Cca;

/// <summary>A firmware component that the platform token measures.</summary>
/// <param name="Type">Kind, for example <c>BL</c>; null when it is not said.</param>
/// <param name="Measurement">Its digest.</param>
/// <param name="Version">Its version; null when it is not said.</param>
/// <param name="SignerId">Digest of its signer's key.</param>
/// <param name="HashAlgorithm">Hash of the measurement; null when it is that of the token.</param>
public sealed record CcaSoftwareComponent(
    string? Type,
    ReadOnlyMemory<byte> Measurement,
    string? Version,
    ReadOnlyMemory<byte> SignerId,
    string? HashAlgorithm);
