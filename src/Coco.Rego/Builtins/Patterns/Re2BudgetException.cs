// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins.Patterns;

/// <summary>A regular expression met its limit of work; the built-in that ran it turns this into the evaluation's limit error.</summary>
internal sealed class Re2BudgetException() : Exception("regular expression needs too much work");
