// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using Coco.Rego.Functions;

namespace Coco.Rego.Builtins;

/// <summary>Short names for parameter types, and ways to read arguments, that the families of built-ins share.</summary>
internal static class Arg
{
    internal const RegoTypes Any = RegoTypes.Any;
    internal const RegoTypes Str = RegoTypes.String;
    internal const RegoTypes Num = RegoTypes.Number;
    internal const RegoTypes Bool = RegoTypes.Boolean;
    internal const RegoTypes Arr = RegoTypes.Array;
    internal const RegoTypes Obj = RegoTypes.Object;
    internal const RegoTypes Set = RegoTypes.Set;

    internal const string FloatingPoint = "floating-point number";

    /// <summary>The text of an argument that was declared a string.</summary>
    internal static string TextOf(this RegoValue value) => ((RegoString)value).Value;

    /// <summary>Items of an array or set; empty for anything else.</summary>
    internal static ReadOnlySpan<RegoValue> ItemsOf(this RegoValue value) => value switch
    {
        RegoArray array => array.Items,
        RegoSet set => set.Items,
        _ => default,
    };

    /// <summary>Keys of an object, or items of an array or set.</summary>
    internal static ReadOnlySpan<RegoValue> KeysOf(this RegoValue value) => value is RegoObject members ? members.Keys : value.ItemsOf();

    /// <summary>An integer of any size; false after a failure that names the operand.</summary>
    internal static bool TryInteger(BuiltinContext context, int operand, RegoValue value, out BigInteger integer)
    {
        integer = default;
        if (value is not RegoNumber number)
        {
            context.FailOperand(operand, "number", value);
            return false;
        }

        if (!number.TryGetInteger(out integer))
        {
            context.FailOperand(operand, "integer number", FloatingPoint);
            return false;
        }

        return true;
    }

    /// <summary>A 32-bit integer, with larger ones brought to the ends of the range; false after a failure that names the operand.</summary>
    internal static bool TryClamped(BuiltinContext context, int operand, RegoValue value, out int integer)
    {
        integer = 0;
        if (!TryInteger(context, operand, value, out var big))
        {
            return false;
        }

        integer = big > int.MaxValue ? int.MaxValue : big < int.MinValue ? int.MinValue : (int)big;
        return true;
    }

    /// <summary>Fails with <c>operand N must be array of ELEMENTS but got array containing TYPE</c>.</summary>
    internal static RegoValue? FailElement(this BuiltinContext context, int operand, RegoValue collection, string elements, RegoValue got) =>
        context.FailOperand(operand, $"{collection.TypeName} of {elements}", $"{collection.TypeName} containing {got.TypeName}");

    /// <summary>A string that was made, after its length was counted.</summary>
    internal static RegoValue Output(this BuiltinContext context, string text)
    {
        context.ChargeOutput(text.Length);
        return RegoString.Of(text);
    }

    /// <summary>A list that was made, after its length was counted.</summary>
    internal static RegoArray OutputArray(this BuiltinContext context, List<RegoValue> items)
    {
        context.Charge(items.Count);
        context.ChargeValues(items.Count);
        return RegoArray.OfList(items);
    }
}
