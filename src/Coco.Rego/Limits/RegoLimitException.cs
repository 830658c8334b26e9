// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>Carries a reached limit up to the evaluation, where it becomes a fault. Built-in functions must let it pass.</summary>
internal sealed class RegoLimitException(RegoLimit limit, string message) : Exception(message)
{
    internal RegoLimit Limit { get; } = limit;
}
