// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>
/// A function that the host adds. Null is undefined. Must be quick and must not block: what has to be fetched is announced by throwing
/// <see cref="RegoNeedsDataException"/>, fetched by the host, and the evaluation is started again.
/// </summary>
/// <param name="arguments">As many as were declared.</param>
public delegate RegoValue? RegoHostFunction(ReadOnlySpan<RegoValue> arguments);
