// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Rego;

/// <summary>What came of compiling: a program, or all that is wrong.</summary>
/// <param name="Program">Null when there are errors.</param>
/// <param name="Errors">In the order of their places.</param>
public sealed record RegoCompilation(RegoProgram? Program, ImmutableArray<RegoDiagnostic> Errors);
