// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Syntax;

namespace Coco.Rego.Functions;

/// <summary>Functions about policies themselves. <c>rego.metadata.*</c> are constants that the compiler makes.</summary>
internal static class PolicyBuiltins
{
    private const int MaxModuleLength = 262_144;

    internal static IEnumerable<Builtin> All() =>
    [
        new("rego.parse_module", [RegoTypes.String, RegoTypes.String], static (c, a) => ParseModule(c, ((RegoString)a[0]).Value, ((RegoString)a[1]).Value)),
    ];

    private static RegoValue? ParseModule(BuiltinContext context, string name, string text)
    {
        context.Charge(text.Length);
        ParseOutcome outcome = Parser.ParseModule(name, text, RegoVersion.V1, MaxModuleLength);
        if (outcome.Module is null)
        {
            return context.Fail(outcome.Errors[0].Code + ": " + outcome.Errors[0].Message);
        }

        context.ChargeValues(text.Length / 4);
        return new ModuleJson(outcome.Module.Source).Of(outcome.Module);
    }
}
