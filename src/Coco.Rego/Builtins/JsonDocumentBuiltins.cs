// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Builtins.Json;
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Parts of documents by path, patches, and schemas.</summary>
internal static class JsonDocumentBuiltins
{
    private const int MaxSchemaErrors = 1_000;

    internal static IEnumerable<Builtin> All() =>
    [
        new("json.filter", [Obj, Any], static (c, a) => WithPaths(c, a, DocumentPaths.Filter)),
        new("json.remove", [Obj, Any], static (c, a) => WithPaths(c, a, DocumentPaths.Remove)),
        new("json.patch", [Any, Arr], static (c, a) => JsonPatch.Apply(c, a[0], (RegoArray)a[1])),
        new("json.match_schema", [Any, Any], static (c, a) => MatchSchema(c, a[0], a[1])),
        new("json.verify_schema", [Any], static (c, a) => VerifySchema(c, a[0])),
    ];

    private static RegoValue? WithPaths(
        BuiltinContext context, ReadOnlySpan<RegoValue> arguments, Func<BuiltinContext, RegoValue, PathNode, RegoValue> apply)
    {
        var paths = arguments[1];
        if (paths is not (RegoArray or RegoSet))
        {
            return context.FailOperand(2, "one of {set, array}", paths);
        }

        var root = new PathNode();
        foreach (var path in paths.ItemsOf())
        {
            if (DocumentPaths.Parse(path) is not { } steps)
            {
                return context.FailOperand(2, "one of {set, array} containing string paths or array of path segments", path);
            }

            context.Charge(steps.Length);
            root.Add(steps);
        }

        return apply(context, arguments[0], root);
    }

    private static RegoValue? MatchSchema(BuiltinContext context, RegoValue document, RegoValue schema)
    {
        if (!TryLoad(context, 1, document, out var instance) || !TryLoad(context, 2, schema, out var schemaValue))
        {
            return null;
        }

        if (!JsonSchema.TryLoad(context, schemaValue, out var compiled, out var error))
        {
            return context.Fail(error);
        }

        var errors = new List<RegoValue>();
        foreach (var failure in compiled.Validate(context, instance).Take(MaxSchemaErrors))
        {
            errors.Add(RegoObject.Of(
                ("desc", failure.Description),
                ("error", failure.Field + ": " + failure.Description),
                ("field", failure.Field),
                ("type", failure.Type)));
        }

        return RegoArray.Of(errors.Count == 0, context.OutputArray(errors));
    }

    private static RegoValue VerifySchema(BuiltinContext context, RegoValue schema)
    {
        if (!TryLoad(context, 1, schema, out var value))
        {
            var message = context.ErrorMessage ?? "";
            context.ErrorCode = null;
            return RegoArray.Of(false, "jsonschema: " + message);
        }

        return JsonSchema.TryLoad(context, value, out _, out var error)
            ? RegoArray.Of(true, RegoValue.Null)
            : RegoArray.Of(false, "jsonschema: " + error);
    }

    // A string is JSON text; anything but that and an object is refused.
    private static bool TryLoad(BuiltinContext context, int operand, RegoValue value, out RegoValue document)
    {
        document = value;
        if (value is RegoObject)
        {
            return true;
        }

        if (value is not RegoString text)
        {
            context.Fail($"wrong type, expected string or object, got {value.TypeName} in operand {operand}");
            return false;
        }

        context.Charge(text.Value.Length / 16);
        var parsed = RegoValue.ParseJson(text.Value);
        if (!parsed.TryGet(out document!, out var refusal))
        {
            context.Fail("invalid JSON string: " + refusal.Detail);
            return false;
        }

        return true;
    }
}
