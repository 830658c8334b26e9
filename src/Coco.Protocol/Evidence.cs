// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.Protocol;

/// <summary>Evidence as it was received: not yet parsed, not yet bound, not yet verified.</summary>
/// <param name="Tee">The TEE that it says it comes from.</param>
/// <param name="Body">The JSON of that TEE (tee-evidence.md).</param>
public sealed record Evidence(TeeType Tee, JsonElement Body);
