// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.Protocol;

/// <summary>A value that claims are compared against, as the reference value provider keeps it (rvps.md 4).</summary>
/// <param name="Name">The name that policies ask for.</param>
/// <param name="Value">Any JSON, usually a list of strings.</param>
/// <param name="Expiration">From this instant on (UTC) it does not exist for policies.</param>
public sealed record ReferenceValue(string Name, JsonElement Value, DateTimeOffset Expiration);
