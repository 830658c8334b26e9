// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>Which limit an evaluation reached.</summary>
public enum RegoLimit
{
    /// <summary><see cref="RegoLimits.MaxSteps"/>.</summary>
    Steps,

    /// <summary><see cref="RegoLimits.MaxDepth"/>, or the thread's stack.</summary>
    Depth,

    /// <summary><see cref="RegoLimits.MaxValues"/>.</summary>
    Values,

    /// <summary><see cref="RegoLimits.MaxRegexLength"/>.</summary>
    Regex,

    /// <summary><see cref="RegoLimits.MaxOutputLength"/>.</summary>
    Output,

    /// <summary><see cref="RegoValue.MaxDepth"/>.</summary>
    Nesting,

    /// <summary><see cref="RegoNumber.MaxDigits"/>.</summary>
    Digits,
}
