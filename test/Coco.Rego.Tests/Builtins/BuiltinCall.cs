// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Functions;

namespace Coco.Rego.Tests.Builtins;

/// <summary>Calls a built-in function as the evaluator does.</summary>
internal static class BuiltinCall
{
    public static (RegoValue? Value, string? Code, string? Message) Run(string name, RegoHost? host, RegoLimits? limits, params RegoValue[] arguments)
    {
        var builtin = BuiltinTable.Find(name) ?? throw new ArgumentException($"no function {name}");
        Assert.Equal(builtin.Arity, arguments.Length);
        var context = new BuiltinContext(limits ?? RegoLimits.Default, host ?? RegoHost.Default, CancellationToken.None);
        var value = builtin.Function(context, arguments);
        return (value, context.ErrorCode, context.ErrorMessage);
    }

    /// <summary>The result in Rego notation; "undefined" or the error where there is none.</summary>
    public static string Show(string name, params RegoValue[] arguments)
    {
        var (value, code, message) = Run(name, null, null, arguments);
        return value?.ToString() ?? (code is null ? "undefined" : $"{code}: {message}");
    }

    /// <summary>The same with the arguments as one JSON array.</summary>
    public static string ShowJson(string name, string arguments) =>
        Show(name, ((RegoArray)RegoValue.ParseJson(arguments).Require()).Items.ToArray());
}
