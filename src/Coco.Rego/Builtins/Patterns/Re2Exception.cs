// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins.Patterns;

/// <summary>A regular expression that cannot be accepted; never leaves <see cref="Re2Regex.TryCompile"/>.</summary>
internal sealed class Re2Exception(string message) : Exception("error parsing regexp: " + message);
