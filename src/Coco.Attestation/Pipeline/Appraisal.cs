// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Attestation.Pipeline;

/// <summary>What a policy made of one device's claims.</summary>
/// <param name="Tee">The TEE.</param>
/// <param name="TeeClass">Its class.</param>
/// <param name="Claims">The shaped claims.</param>
/// <param name="Vector">The trust vector.</param>
/// <param name="Extensions">Extensions by name, sorted, without nulls.</param>
/// <param name="Policy">The policy that decided.</param>
/// <param name="ReferenceValues">The names that it asked for, with what came back (null: unknown).</param>
internal sealed record Appraisal(
    TeeType Tee,
    string TeeClass,
    JsonObject Claims,
    TrustVector Vector,
    ImmutableArray<(string Name, JsonNode Value)> Extensions,
    AppliedPolicy Policy,
    IReadOnlyList<KeyValuePair<string, JsonElement?>> ReferenceValues);

/// <summary>A policy as it was applied.</summary>
/// <param name="RequestedId">The id that was asked for, without class.</param>
/// <param name="StoredId">The id that it is stored under.</param>
/// <param name="Sha384">SHA-384 of its text, lower-case hexadecimal.</param>
/// <param name="Source">Its text.</param>
internal sealed record AppliedPolicy(string RequestedId, string StoredId, string Sha384, string Source);
