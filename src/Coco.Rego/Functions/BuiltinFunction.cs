// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Functions;

/// <summary>
/// The code of a built-in function. The number of arguments is the number of parameters (any, when variadic) and each argument is of a
/// declared type. Gives the result; or null for undefined; or null after one of the <c>Fail</c> methods of the context, which is an
/// error in strict mode and undefined otherwise. Must be pure but for the context, must not throw on any argument, and must call
/// <see cref="BuiltinContext.Charge"/> for work that grows with its arguments.
/// </summary>
internal delegate RegoValue? BuiltinFunction(BuiltinContext context, ReadOnlySpan<RegoValue> arguments);
