// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Functions;

namespace Coco.Rego.Builtins.Patterns;

/// <summary>Runs regular expressions at the expense of an evaluation's steps.</summary>
internal static class RegexWork
{
    /// <summary>Operations of the matching machine that count as one step.</summary>
    private const int OperationsPerStep = 32;

    internal delegate T Work<out T>(ref long budget);

    internal static bool IsMatch(BuiltinContext context, Re2Regex regex, string text) =>
        Run(context, (ref long budget) => regex.IsMatch(text, ref budget));

    internal static T Run<T>(BuiltinContext context, Work<T> work)
    {
        var granted = Math.Max(0, context.Limits.MaxSteps - context.Steps) * OperationsPerStep;
        var budget = granted;
        try
        {
            var result = work(ref budget);
            context.Charge((granted - budget) / OperationsPerStep);
            return result;
        }
        catch (Re2BudgetException)
        {
            throw new RegoLimitException(RegoLimit.Steps, $"more than {context.Limits.MaxSteps} steps");
        }
    }
}
