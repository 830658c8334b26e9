// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>One evidence of a guest with what it must be bound to.</summary>
/// <param name="Evidence">As received; the TEE comes from the handshake, not from the body.</param>
/// <param name="RuntimeData">Nonce and key of the handshake, in every form that the guest's protocol version may have hashed.</param>
/// <param name="InitData">The guest's init-data; null when it sent none, and always null for devices.</param>
public sealed record AttestationInput(Evidence Evidence, RuntimeData RuntimeData, InitDataText? InitData);

/// <summary>The runtime data of one evidence (kbs.md 2.6, 2.8).</summary>
/// <param name="Claims">The structured form with the normalised key, which the token carries as <c>runtime_data_claims</c>.</param>
/// <param name="HashAlgorithm">Negotiated hash, lower-case name; null lets the attestation service choose (SHA-384, for SE SHA-512).</param>
/// <param name="Candidates">
/// The byte strings of which one must have been hashed into the evidence, most likely first; never empty. From protocol 0.3.0 on there is
/// exactly one: the canonical JSON of <paramref name="Claims"/>. Every candidate binds the same nonce and key.
/// </param>
public sealed record RuntimeData(JsonObject Claims, string? HashAlgorithm, ImmutableArray<ReadOnlyMemory<byte>> Candidates);
