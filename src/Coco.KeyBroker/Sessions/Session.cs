// SPDX-License-Identifier: Apache-2.0
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>A handshake between <c>auth</c> and its end. Lives in the guest's cookie only.</summary>
/// <param name="Id">32 lower-case hexadecimal digits; the key under which the token is stored once there is one.</param>
/// <param name="Version">The protocol version that the guest speaks.</param>
/// <param name="Tee">The TEE that it named.</param>
/// <param name="Nonce">The challenge's nonce as it was sent; null when it is kept in the store because it is too large for a cookie.</param>
/// <param name="HashAlgorithm">Negotiated hash; null for none.</param>
/// <param name="Policy">The appraisal policy that the guest selected; null for the default.</param>
/// <param name="ExpiresAt">Fixed at <c>auth</c>, whole seconds.</param>
internal sealed record Session(
    string Id,
    ProtocolVersion Version,
    TeeType Tee,
    string? Nonce,
    string? HashAlgorithm,
    string? Policy,
    DateTimeOffset ExpiresAt);
