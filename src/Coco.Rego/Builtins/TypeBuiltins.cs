// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Types and conversions between them.</summary>
internal static class TypeBuiltins
{
    internal static IEnumerable<Builtin> All() =>
    [
        Is("is_null", RegoKind.Null),
        Is("is_boolean", RegoKind.Boolean),
        Is("is_number", RegoKind.Number),
        Is("is_string", RegoKind.String),
        Is("is_array", RegoKind.Array),
        Is("is_object", RegoKind.Object),
        Is("is_set", RegoKind.Set),
        new("type_name", [Any], static (_, a) => a[0].TypeName),
        new("to_number", [Any], static (c, a) => ToNumber(c, a[0])),
        Cast("cast_array", Arr | Set, static (c, v) => v is RegoArray ? v : c.OutputArray([.. v.ItemsOf()])),
        Cast("cast_set", Arr | Set, static (c, v) => v is RegoSet ? v : RegoSet.Of(v.ItemsOf())),
        Cast("cast_string", Str, static (_, v) => v),
        Cast("cast_boolean", Bool, static (_, v) => v),
        Cast("cast_null", RegoTypes.Null, static (_, v) => v),
        Cast("cast_object", Obj, static (_, v) => v),
    ];

    private static Builtin Is(string name, RegoKind kind) => new(name, [Any], (_, a) => a[0].Kind == kind);

    private static Builtin Cast(string name, RegoTypes from, Func<BuiltinContext, RegoValue, RegoValue?> convert) =>
        new(name, [from], (c, a) => convert(c, a[0])) { IsV0Only = true };

    private static RegoValue? ToNumber(BuiltinContext context, RegoValue value)
    {
        switch (value)
        {
            case RegoNull:
                return RegoNumber.Zero;
            case RegoBoolean boolean:
                return boolean.Value ? 1 : 0;
            case RegoNumber:
                return value;
            case RegoString text:
                return Parse(context, text.Value);
            default:
                return context.FailOperand(1, "one of {null, boolean, number, string}", value);
        }
    }

    private static RegoValue? Parse(BuiltinContext context, string text)
    {
        var unsigned = text.AsSpan().TrimStart("+-");
        if (unsigned.Equals("inf", StringComparison.OrdinalIgnoreCase)
            || unsigned.Equals("infinity", StringComparison.OrdinalIgnoreCase)
            || unsigned.Equals("nan", StringComparison.OrdinalIgnoreCase))
        {
            return context.FailOperand(1, "valid number string", "\"" + text + "\"");
        }

        context.Charge(text.Length / 16);
        return NumberText.TryParse(text, out var number) ? number : context.Fail($"strconv.ParseFloat: parsing \"{text}\": invalid syntax");
    }
}
