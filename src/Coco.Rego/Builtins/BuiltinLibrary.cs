// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Functions;

namespace Coco.Rego.Builtins;

/// <summary>All built-in functions but the operators.</summary>
internal static class BuiltinLibrary
{
    internal static IEnumerable<Builtin> All() => [];
}
