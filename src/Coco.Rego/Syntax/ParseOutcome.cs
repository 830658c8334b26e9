// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Syntax;

/// <summary>A module, or what is wrong with it.</summary>
internal sealed record ParseOutcome(Module? Module, IReadOnlyList<RegoDiagnostic> Errors);
