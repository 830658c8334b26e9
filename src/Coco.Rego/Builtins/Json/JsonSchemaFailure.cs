// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins.Json;

/// <summary>A place where a document does not fit its schema.</summary>
/// <param name="Field">Path with dots; <c>(root)</c> for the whole document.</param>
/// <param name="Type">The kind of failure.</param>
/// <param name="Description">What is wrong, for people.</param>
internal readonly record struct JsonSchemaFailure(string Field, string Type, string Description);
