// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>
/// What one evaluation may use. All are counted, none is a time, so that the outcome does not depend on load. Reaching one ends the
/// evaluation with a fault that names it; nothing in a policy can hide that.
/// </summary>
/// <param name="MaxSteps">Expressions evaluated, and elements visited by built-in functions.</param>
/// <param name="MaxDepth">Nested rule and function calls.</param>
/// <param name="MaxValues">Elements of collections that are made.</param>
/// <param name="MaxRegexLength">Characters of a regular expression or glob.</param>
/// <param name="MaxOutputLength">Characters of one string that is made, and of all printed text together; also parts of the result, where a part counts as
/// often as it occurs.</param>
public sealed record RegoLimits(
    long MaxSteps = 1_000_000,
    int MaxDepth = 256,
    long MaxValues = 1_000_000,
    int MaxRegexLength = 8_192,
    int MaxOutputLength = 4_194_304)
{
    /// <summary>The defaults.</summary>
    public static RegoLimits Default { get; } = new();
}
