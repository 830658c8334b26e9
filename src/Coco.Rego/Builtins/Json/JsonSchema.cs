// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Coco.Rego.Builtins.Patterns;
using Coco.Rego.Functions;

namespace Coco.Rego.Builtins.Json;

/// <summary>
/// A JSON Schema of drafts 4, 6 and 7. References lead only into the schema itself (<c>#/definitions/…</c>) or to an
/// <c>$id</c> in it; nothing is fetched.
/// </summary>
internal sealed class JsonSchema
{
    private const int MaxDepth = 128;
    private const string Root = "(root)";

    private static readonly string[] Types = ["array", "boolean", "integer", "number", "null", "object", "string"];

    private static readonly string[] SchemaKeywords = ["additionalItems", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else"];
    private static readonly string[] SchemaListKeywords = ["allOf", "anyOf", "oneOf"];
    private static readonly string[] SchemaMapKeywords = ["properties", "patternProperties", "definitions", "$defs"];

    private static readonly string[] CountKeywords =
    [
        "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
    ];

    private readonly RegoValue _root;
    private readonly Dictionary<string, RegoValue> _identified = new(StringComparer.Ordinal);

    private JsonSchema(RegoValue root) => _root = root;

    /// <summary>Checks the schema itself; the error says what is wrong with it.</summary>
    public static bool TryLoad(BuiltinContext context, RegoValue schema, out JsonSchema loaded, out string error)
    {
        loaded = new JsonSchema(schema);
        try
        {
            loaded.Check(context, schema, 0);
            loaded.CheckReferences(context, schema, 0);
            error = "";
            return true;
        }
        catch (FormatException e)
        {
            error = e.Message;
            return false;
        }
    }

    /// <summary>All places where the document does not fit.</summary>
    public List<JsonSchemaFailure> Validate(BuiltinContext context, RegoValue document)
    {
        var failures = new List<JsonSchemaFailure>();
        Validate(context, _root, document, Root, failures, 0);
        return failures;
    }

    private void Check(BuiltinContext context, RegoValue schema, int depth)
    {
        context.Charge(1);
        if (depth > MaxDepth)
        {
            throw new FormatException("schema nests too deeply");
        }

        if (schema is RegoBoolean)
        {
            return;
        }

        if (schema is not RegoObject members)
        {
            throw new FormatException("schema is invalid: Invalid type. Expected: valid schema, given: " + TypeOf(schema));
        }

        if ((members.Get("$id") ?? members.Get("id")) is RegoString id)
        {
            _identified.TryAdd(id.Value, schema);
        }

        CheckType(members.Get("type"));
        CheckScalars(context, members);
        foreach (var keyword in SchemaKeywords)
        {
            if (members.Get(keyword) is { } sub)
            {
                Check(context, sub, depth + 1);
            }
        }

        foreach (var keyword in SchemaListKeywords)
        {
            if (members.Get(keyword) is { } list)
            {
                CheckList(context, keyword, list, depth);
            }
        }

        foreach (var keyword in SchemaMapKeywords)
        {
            if (members.Get(keyword) is { } map)
            {
                CheckMap(context, keyword, map, depth);
            }
        }

        if (members.Get("items") is { } items)
        {
            if (items is RegoArray)
            {
                CheckList(context, "items", items, depth);
            }
            else
            {
                Check(context, items, depth + 1);
            }
        }
    }

    private static void CheckType(RegoValue? type)
    {
        if (type is null)
        {
            return;
        }

        if (type is not (RegoString or RegoArray))
        {
            throw new FormatException("Invalid type. Expected: string/array of strings, given: type");
        }

        foreach (var name in type is RegoArray list ? list.Items : [type])
        {
            if (name is not RegoString text)
            {
                throw new FormatException("Invalid type. Expected: string/array of strings, given: type");
            }

            if (!Types.Contains(text.Value))
            {
                throw new FormatException(
                    $"has a primitive type that is NOT VALID -- given: /{text.Value}/ Expected valid values are:[{string.Join(' ', Types)}]");
            }
        }
    }

    private static void CheckScalars(BuiltinContext context, RegoObject members)
    {
        foreach (var keyword in CountKeywords)
        {
            if (members.Get(keyword) is { } value && value is not RegoNumber { IsInteger: true, Sign: >= 0 })
            {
                throw new FormatException($"{keyword} must be greater than or equal to 0");
            }
        }

        if (members.Get("multipleOf") is { } multiple && multiple is not RegoNumber { Sign: > 0 })
        {
            throw new FormatException("multipleOf must be strictly greater than 0");
        }

        foreach (var keyword in (ReadOnlySpan<string>)["minimum", "maximum"])
        {
            if (members.Get(keyword) is { } bound and not RegoNumber)
            {
                throw new FormatException($"Invalid type. Expected: number, given: {TypeOf(bound)}");
            }
        }

        if (members.Get("pattern") is { } pattern)
        {
            CheckPattern(context, pattern);
        }

        if (members.Get("required") is { } required && (required is not RegoArray names || names.Items.ToArray().Any(static name => name is not RegoString)))
        {
            if (required is not RegoBoolean)
            {
                throw new FormatException("Invalid type. Expected: array of strings, given: required");
            }
        }

        if (members.Get("enum") is { } choices and not RegoArray)
        {
            throw new FormatException($"Invalid type. Expected: array, given: {TypeOf(choices)}");
        }

        if (members.Get("uniqueItems") is { } unique and not RegoBoolean)
        {
            throw new FormatException($"Invalid type. Expected: boolean, given: {TypeOf(unique)}");
        }
    }

    private static Re2Regex CheckPattern(BuiltinContext context, RegoValue pattern)
    {
        if (pattern is not RegoString text)
        {
            throw new FormatException("Invalid type. Expected: string, given: pattern");
        }

        context.ChargeRegex(text.Value.Length);
        return Re2Regex.TryCompile(text.Value, out var regex, out _)
            ? regex
            : throw new FormatException($"pattern must be a valid regex: {text.Value}");
    }

    private void CheckList(BuiltinContext context, string keyword, RegoValue list, int depth)
    {
        if (list is not RegoArray array || (array.Count == 0 && keyword != "items"))
        {
            throw new FormatException($"Invalid type. Expected: non-empty array of schemas, given: {keyword}");
        }

        foreach (var item in array.Items)
        {
            Check(context, item, depth + 1);
        }
    }

    private void CheckMap(BuiltinContext context, string keyword, RegoValue map, int depth)
    {
        if (map is not RegoObject members)
        {
            throw new FormatException($"Invalid type. Expected: valid schema, given: {keyword}");
        }

        for (var i = 0; i < members.Count; i++)
        {
            if (keyword == "patternProperties")
            {
                CheckPattern(context, members.Keys[i]);
            }

            Check(context, members.Values[i], depth + 1);
        }
    }

    private void CheckReferences(BuiltinContext context, RegoValue value, int depth)
    {
        context.Charge(1);
        if (depth > MaxDepth)
        {
            throw new FormatException("schema nests too deeply");
        }

        if (value is RegoObject members)
        {
            if (members.Get("$ref") is RegoString reference)
            {
                Resolve(reference.Value);
            }

            foreach (var child in members.Values)
            {
                CheckReferences(context, child, depth + 1);
            }
        }

        foreach (var child in value.ItemsOf())
        {
            CheckReferences(context, child, depth + 1);
        }
    }

    private RegoValue Resolve(string reference)
    {
        if (_identified.TryGetValue(reference, out var identified))
        {
            return identified;
        }

        if (!reference.StartsWith('#'))
        {
            throw new FormatException($"remote reference loading disabled: {reference}");
        }

        RegoValue? target = _root;
        foreach (var part in reference.Split('/').Skip(1))
        {
            var key = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            target = target is RegoArray array && int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                ? array.Lookup(RegoNumber.Of(index))
                : target.Lookup(RegoString.Of(key));
            if (target is null)
            {
                throw new FormatException($"Object has no key '{key}'");
            }
        }

        return target is RegoObject or RegoBoolean ? target : throw new FormatException($"{reference} must be a valid schema");
    }

    private void Validate(
        BuiltinContext context, RegoValue schema, RegoValue value, string field, List<JsonSchemaFailure> failures, int depth)
    {
        context.Charge(1);
        if (depth > MaxDepth)
        {
            throw new RegoLimitException(RegoLimit.Depth, $"a schema applied more than {MaxDepth} levels deep");
        }

        if (schema is RegoBoolean always)
        {
            if (!always.Value)
            {
                failures.Add(new JsonSchemaFailure(field, "false", "False always fails validation"));
            }

            return;
        }

        var members = (RegoObject)schema;
        if (members.Get("$ref") is RegoString reference)
        {
            Validate(context, Resolve(reference.Value), value, field, failures, depth + 1);
            return;
        }

        if (members.Get("type") is { } type && !HasType(type, value))
        {
            var expected = string.Join(',', type.ItemsOf().Length == 0 ? [type.ToDisplayString()] : type.ItemsOf().ToArray().Select(static t => t.ToDisplayString()));
            failures.Add(new JsonSchemaFailure(field, "invalid_type", $"Invalid type. Expected: {expected}, given: {TypeOf(value)}"));
            return;
        }

        Combine(context, members, value, field, failures, depth);
        Choose(members, value, field, failures);
        switch (value)
        {
            case RegoNumber number:
                Number(members, number, field, failures);
                break;
            case RegoString text:
                Text(context, members, text.Value, field, failures);
                break;
            case RegoArray array:
                Items(context, members, array, field, failures, depth);
                break;
            case RegoObject document:
                Members(context, members, document, field, failures, depth);
                break;
        }
    }

    private static string TypeOf(RegoValue value) => value switch
    {
        RegoNumber number => number.IsInteger ? "integer" : "number",
        RegoSet => "array",
        _ => value.TypeName,
    };

    private static bool HasType(RegoValue type, RegoValue value)
    {
        foreach (var name in type is RegoArray list ? list.Items : [type])
        {
            var wanted = name.TextOf();
            if (wanted == TypeOf(value) || (wanted == "number" && value is RegoNumber))
            {
                return true;
            }
        }

        return false;
    }

    private bool Fits(BuiltinContext context, RegoValue schema, RegoValue value, int depth)
    {
        var failures = new List<JsonSchemaFailure>();
        Validate(context, schema, value, Root, failures, depth + 1);
        return failures.Count == 0;
    }

    private void Combine(
        BuiltinContext context, RegoObject schema, RegoValue value, string field, List<JsonSchemaFailure> failures, int depth)
    {
        if (schema.Get("allOf") is RegoArray all)
        {
            var before = failures.Count;
            foreach (var sub in all.Items)
            {
                Validate(context, sub, value, field, failures, depth + 1);
            }

            if (failures.Count > before)
            {
                failures.Add(new JsonSchemaFailure(field, "number_all_of", "Must validate all the schemas (allOf)"));
            }
        }

        if (schema.Get("anyOf") is RegoArray any && CountFitting(context, any, value, depth) == 0)
        {
            failures.Add(new JsonSchemaFailure(field, "number_any_of", "Must validate at least one schema (anyOf)"));
        }

        if (schema.Get("oneOf") is RegoArray one && CountFitting(context, one, value, depth) != 1)
        {
            failures.Add(new JsonSchemaFailure(field, "number_one_of", "Must validate one and only one schema (oneOf)"));
        }

        if (schema.Get("not") is { } not && Fits(context, not, value, depth))
        {
            failures.Add(new JsonSchemaFailure(field, "number_not", "Must not validate the schema (not)"));
        }

        if (schema.Get("if") is { } condition)
        {
            var holds = Fits(context, condition, value, depth);
            if (schema.Get(holds ? "then" : "else") is { } branch && !Fits(context, branch, value, depth))
            {
                failures.Add(holds
                    ? new JsonSchemaFailure(field, "condition_then", "Must validate \"then\" as \"if\" was valid")
                    : new JsonSchemaFailure(field, "condition_else", "Must validate \"else\" as \"if\" was not valid"));
            }
        }
    }

    private int CountFitting(BuiltinContext context, RegoArray schemas, RegoValue value, int depth)
    {
        var count = 0;
        foreach (var sub in schemas.Items)
        {
            count += Fits(context, sub, value, depth) ? 1 : 0;
        }

        return count;
    }

    private static void Choose(RegoObject schema, RegoValue value, string field, List<JsonSchemaFailure> failures)
    {
        if (schema.Get("enum") is RegoArray choices && !choices.Items.Contains(value))
        {
            var allowed = string.Join(", ", choices.Items.ToArray().Select(static choice => choice.ToJson()));
            failures.Add(new JsonSchemaFailure(field, "enum", $"{field} must be one of the following: {allowed}"));
        }

        if (schema.Get("const") is { } constant && !constant.Equals(value))
        {
            failures.Add(new JsonSchemaFailure(field, "const", $"{field} does not match: {constant.ToJson()}"));
        }
    }

    private static void Number(RegoObject schema, RegoNumber number, string field, List<JsonSchemaFailure> failures)
    {
        if (schema.Get("multipleOf") is RegoNumber multiple && !RegoNumber.Divide(number, multiple).IsInteger)
        {
            failures.Add(new JsonSchemaFailure(field, "multiple_of", $"Must be a multiple of {multiple.ToText()}"));
        }

        var (exclusiveLow, exclusiveHigh) = (schema.Get("exclusiveMinimum"), schema.Get("exclusiveMaximum"));
        if (schema.Get("minimum") is RegoNumber low)
        {
            Bound(low, exclusiveLow is RegoBoolean { Value: true }, below: true);
        }

        if (schema.Get("maximum") is RegoNumber high)
        {
            Bound(high, exclusiveHigh is RegoBoolean { Value: true }, below: false);
        }

        if (exclusiveLow is RegoNumber above)
        {
            Bound(above, exclusive: true, below: true);
        }

        if (exclusiveHigh is RegoNumber under)
        {
            Bound(under, exclusive: true, below: false);
        }

        void Bound(RegoNumber bound, bool exclusive, bool below)
        {
            var order = below ? number.CompareTo(bound) : bound.CompareTo(number);
            if (order > 0 || (order == 0 && !exclusive))
            {
                return;
            }

            var word = below ? "greater" : "less";
            failures.Add(exclusive
                ? new JsonSchemaFailure(field, below ? "number_gt" : "number_lt", $"Must be {word} than {bound.ToText()}")
                : new JsonSchemaFailure(field, below ? "number_gte" : "number_lte", $"Must be {word} than or equal to {bound.ToText()}"));
        }
    }

    private static void Text(BuiltinContext context, RegoObject schema, string text, string field, List<JsonSchemaFailure> failures)
    {
        context.Charge(text.Length / 64);
        var length = CodePoints.Count(text);
        if (schema.Get("minLength") is RegoNumber low && RegoNumber.Of(length) < low)
        {
            failures.Add(new JsonSchemaFailure(field, "string_gte", $"String length must be greater than or equal to {low.ToText()}"));
        }

        if (schema.Get("maxLength") is RegoNumber high && RegoNumber.Of(length) > high)
        {
            failures.Add(new JsonSchemaFailure(field, "string_lte", $"String length must be less than or equal to {high.ToText()}"));
        }

        if (schema.Get("pattern") is RegoString pattern && !RegexWork.IsMatch(context, CheckPattern(context, pattern), text))
        {
            failures.Add(new JsonSchemaFailure(field, "pattern", $"Does not match pattern '{pattern.Value}'"));
        }

        if (schema.Get("format") is RegoString format && !JsonSchemaFormats.Fits(format.Value, text))
        {
            failures.Add(new JsonSchemaFailure(field, "format", $"Does not match format '{format.Value}'"));
        }
    }

    private void Items(
        BuiltinContext context, RegoObject schema, RegoArray array, string field, List<JsonSchemaFailure> failures, int depth)
    {
        var items = schema.Get("items");
        for (var i = 0; i < array.Count && items is not null; i++)
        {
            var sub = items is RegoArray list ? (i < list.Count ? list[i] : schema.Get("additionalItems")) : items;
            if (sub is RegoBoolean { Value: false } && items is RegoArray)
            {
                failures.Add(new JsonSchemaFailure(field, "array_no_additional_items", "No additional items allowed on array"));
                break;
            }

            if (sub is not null)
            {
                Validate(context, sub, array[i], Below(field, i.ToString(CultureInfo.InvariantCulture)), failures, depth + 1);
            }
        }

        if (schema.Get("minItems") is RegoNumber low && RegoNumber.Of(array.Count) < low)
        {
            failures.Add(new JsonSchemaFailure(field, "array_min_items", $"Array must have at least {low.ToText()} items"));
        }

        if (schema.Get("maxItems") is RegoNumber high && RegoNumber.Of(array.Count) > high)
        {
            failures.Add(new JsonSchemaFailure(field, "array_max_items", $"Array must have at most {high.ToText()} items"));
        }

        if (schema.Get("uniqueItems") is RegoBoolean { Value: true } && FirstDuplicate(context, array) is var (first, second))
        {
            failures.Add(new JsonSchemaFailure(field, "unique", $"array items[{first},{second}] must be unique"));
        }

        if (schema.Get("contains") is { } contains && !array.Items.ToArray().Any(item => Fits(context, contains, item, depth)))
        {
            failures.Add(new JsonSchemaFailure(field, "contains", "At least one of the items must match"));
        }
    }

    private static (int First, int Second)? FirstDuplicate(BuiltinContext context, RegoArray array)
    {
        context.Charge(array.Count);
        var seen = new Dictionary<RegoValue, int>();
        for (var i = 0; i < array.Count; i++)
        {
            if (!seen.TryAdd(array[i], i))
            {
                return (seen[array[i]], i);
            }
        }

        return null;
    }

    private void Members(
        BuiltinContext context, RegoObject schema, RegoObject document, string field, List<JsonSchemaFailure> failures, int depth)
    {
        Required(schema, document, field, failures);
        var properties = schema.Get("properties") as RegoObject ?? RegoObject.Empty;
        var patterns = schema.Get("patternProperties") as RegoObject ?? RegoObject.Empty;
        var additional = schema.Get("additionalProperties");
        var names = schema.Get("propertyNames");
        for (var i = 0; i < document.Count; i++)
        {
            context.Charge(1);
            var key = document.Keys[i];
            var name = key.ToDisplayString();
            var value = document.Values[i];
            var below = Below(field, name);
            var known = properties.IndexOf(key) >= 0;
            if (properties.Lookup(key) is { } sub)
            {
                Validate(context, sub, value, below, failures, depth + 1);
            }

            for (var p = 0; p < patterns.Count; p++)
            {
                if (RegexWork.IsMatch(context, CheckPattern(context, patterns.Keys[p]), name))
                {
                    known = true;
                    Validate(context, patterns.Values[p], value, below, failures, depth + 1);
                }
            }

            if (!known && additional is RegoBoolean { Value: false })
            {
                failures.Add(new JsonSchemaFailure(field, "additional_property_not_allowed", $"Additional property {name} is not allowed"));
            }
            else if (!known && additional is not null)
            {
                Validate(context, additional, value, below, failures, depth + 1);
            }

            if (names is not null && !Fits(context, names, RegoString.Of(name), depth))
            {
                failures.Add(new JsonSchemaFailure(field, "invalid_property_name", $"Property name of \"{name}\" does not match"));
            }
        }
    }

    private static void Required(RegoObject schema, RegoObject document, string field, List<JsonSchemaFailure> failures)
    {
        if (schema.Get("required") is RegoArray required)
        {
            foreach (var name in required.Items)
            {
                if (document.Lookup(name) is null)
                {
                    failures.Add(new JsonSchemaFailure(field, "required", $"{name.ToDisplayString()} is required"));
                }
            }
        }

        if (schema.Get("minProperties") is RegoNumber low && RegoNumber.Of(document.Count) < low)
        {
            failures.Add(new JsonSchemaFailure(field, "array_min_properties", $"Must have at least {low.ToText()} properties"));
        }

        if (schema.Get("maxProperties") is RegoNumber high && RegoNumber.Of(document.Count) > high)
        {
            failures.Add(new JsonSchemaFailure(field, "array_max_properties", $"Must have at most {high.ToText()} properties"));
        }

        if (schema.Get("dependencies") is RegoObject dependencies)
        {
            for (var i = 0; i < dependencies.Count; i++)
            {
                if (document.Lookup(dependencies.Keys[i]) is not null && dependencies.Values[i] is RegoArray needed)
                {
                    foreach (var name in needed.Items)
                    {
                        if (document.Lookup(name) is null)
                        {
                            failures.Add(new JsonSchemaFailure(field, "missing_dependency", $"Has a dependency on {name.ToDisplayString()}"));
                        }
                    }
                }
            }
        }
    }

    private static string Below(string field, string name) => field == Root ? name : field + "." + name;
}
