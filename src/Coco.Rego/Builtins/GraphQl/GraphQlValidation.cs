// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Coco.Rego.Functions;
using Definition = Coco.Rego.Builtins.GraphQl.GraphQlSchema.Definition;

namespace Coco.Rego.Builtins.GraphQl;

/// <summary>Checks a query document against a schema (specification, section 5).</summary>
internal sealed class GraphQlValidation
{
    private const int MaxDepth = 256;

    private readonly BuiltinContext _context;
    private readonly GraphQlSchema _schema;
    private readonly Dictionary<string, RegoObject> _fragments = new(StringComparer.Ordinal);
    private readonly HashSet<string> _usedFragments = [];
    private Dictionary<string, RegoObject>? _variables;
    private HashSet<string> _usedVariables = [];
    private HashSet<string> _visiting = [];
    private int _depth;

    private GraphQlValidation(BuiltinContext context, GraphQlSchema schema)
    {
        _context = context;
        _schema = schema;
    }

    /// <exception cref="GraphQlException">The query is not valid.</exception>
    public static void Validate(BuiltinContext context, GraphQlSchema schema, RegoObject query)
    {
        var validation = new GraphQlValidation(context, schema);
        validation.Fragments(query);
        validation.Operations(query);
        foreach (var name in validation._fragments.Keys)
        {
            if (!validation._usedFragments.Contains(name))
            {
                throw new GraphQlException($"Fragment \"{name}\" is never used.");
            }
        }
    }

    private static string Text(RegoObject node, string name) => GraphQlSchema.Text(node, name);

    private static IEnumerable<RegoObject> Nodes(RegoObject node, string name) => GraphQlSchema.Nodes(node, name);

    private void Fragments(RegoObject query)
    {
        foreach (var fragment in Nodes(query, "Fragments"))
        {
            var name = Text(fragment, "Name");
            if (!_fragments.TryAdd(name, fragment))
            {
                throw new GraphQlException($"There can be only one fragment named \"{name}\".");
            }

            _schema.CheckDirectives(Nodes(fragment, "Directives"), "FRAGMENT_DEFINITION");
        }

        // Each fragment is checked by itself, too, even where no operation reaches it.
        foreach (var fragment in _fragments.Values)
        {
            var type = Composite(Text(fragment, "TypeCondition"), $"Fragment \"{Text(fragment, "Name")}\"");
            _visiting = [Text(fragment, "Name")];
            Selections(type, Nodes(fragment, "SelectionSet"));
        }
    }

    private Definition Composite(string name, string who)
    {
        var type = _schema.Find(name) ?? throw new GraphQlException($"Unknown type \"{name}\".");
        return type.IsComposite ? type : throw new GraphQlException($"{who} cannot condition on non composite type \"{name}\".");
    }

    private void Operations(RegoObject query)
    {
        var operations = Nodes(query, "Operations").ToList();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var operation in operations)
        {
            var name = Text(operation, "Name");
            if (name.Length == 0 && operations.Count > 1)
            {
                throw new GraphQlException("This anonymous operation must be the only defined operation.");
            }

            if (!names.Add(name))
            {
                throw new GraphQlException($"There can be only one operation named \"{name}\".");
            }

            Operation(operation, name);
        }
    }

    private void Operation(RegoObject operation, string name)
    {
        var kind = Text(operation, "Operation");
        var root = _schema.Root(kind) ?? throw new GraphQlException($"Schema does not support operation type \"{kind}\"");
        _schema.CheckDirectives(Nodes(operation, "Directives"), kind.ToUpperInvariant());
        _variables = new Dictionary<string, RegoObject>(StringComparer.Ordinal);
        _usedVariables = [];
        _visiting = [];
        foreach (var variable in Nodes(operation, "VariableDefinitions"))
        {
            Variable(variable);
        }

        Values(Nodes(operation, "Directives"));
        var selections = Nodes(operation, "SelectionSet").ToList();
        Selections(root, selections);
        if (kind == "subscription" && Flatten(root, selections, 0).Select(static pair => Text(pair.Field, "Alias")).Distinct(StringComparer.Ordinal).Count() != 1)
        {
            throw new GraphQlException($"Subscription {(name.Length == 0 ? "" : $"\"{name}\" ")}must select only one top level field.");
        }

        Mergeable(root, selections, 0);
        foreach (var variable in _variables.Keys)
        {
            if (!_usedVariables.Contains(variable))
            {
                throw new GraphQlException($"Variable \"${variable}\" is never used in operation \"{name}\".");
            }
        }

        _variables = null;
    }

    private void Variable(RegoObject variable)
    {
        var name = Text(variable, "Variable");
        var type = GraphQlType.Read(variable.Get("Type"));
        if (!_variables!.TryAdd(name, variable))
        {
            throw new GraphQlException($"There can be only one variable named \"${name}\".");
        }

        if (_schema.Find(type.BaseName) is not { } definition)
        {
            throw new GraphQlException($"Unknown type \"{type.BaseName}\".");
        }

        if (!definition.IsInput)
        {
            throw new GraphQlException($"Variable \"${name}\" cannot be non-input type \"{type}\".");
        }

        if (variable.Get("DefaultValue") is RegoObject value)
        {
            Value(value, type, hasDefault: false);
        }

        _schema.CheckDirectives(Nodes(variable, "Directives"), "VARIABLE_DEFINITION");
    }

    private void Enter()
    {
        _context.Charge(1);
        if (++_depth > MaxDepth)
        {
            throw new GraphQlException("query nests too deeply");
        }
    }

    private void Selections(Definition parent, IEnumerable<RegoObject> selections)
    {
        Enter();
        foreach (var selection in selections)
        {
            _context.Charge(1);
            if (selection.Get("Alias") is not null)
            {
                FieldSelection(parent, selection);
            }
            else if (selection.Get("SelectionSet") is not null || selection.Get("TypeCondition") is not null)
            {
                var condition = Text(selection, "TypeCondition");
                var type = condition.Length == 0 ? parent : Composite(condition, "Fragment");
                CheckSpread(parent, type, "Fragment");
                CheckUse(selection, "INLINE_FRAGMENT");
                Selections(type, Nodes(selection, "SelectionSet"));
            }
            else
            {
                Spread(parent, selection);
            }
        }

        _depth--;
    }

    private void CheckUse(RegoObject node, string location)
    {
        var directives = Nodes(node, "Directives").ToList();
        _schema.CheckDirectives(directives, location);
        Values(directives);
    }

    private void Values(IEnumerable<RegoObject> directives)
    {
        foreach (var directive in directives)
        {
            if (_schema.FindDirective(Text(directive, "Name")) is { } definition)
            {
                Arguments(definition.Arguments, Nodes(directive, "Arguments"));
            }
        }
    }

    private void Spread(Definition parent, RegoObject selection)
    {
        var name = Text(selection, "Name");
        if (!_fragments.TryGetValue(name, out var fragment))
        {
            throw new GraphQlException($"Unknown fragment \"{name}\".");
        }

        CheckUse(selection, "FRAGMENT_SPREAD");
        var type = Composite(Text(fragment, "TypeCondition"), $"Fragment \"{name}\"");
        CheckSpread(parent, type, $"Fragment \"{name}\"");
        if (_variables is not null)
        {
            _usedFragments.Add(name);
        }

        if (!_visiting.Add(name))
        {
            throw new GraphQlException($"Cannot spread fragment \"{name}\" within itself.");
        }

        Selections(type, Nodes(fragment, "SelectionSet"));
        _visiting.Remove(name);
    }

    private void CheckSpread(Definition parent, Definition type, string who)
    {
        if (!_schema.Possible(parent).Overlaps(_schema.Possible(type)))
        {
            throw new GraphQlException($"{who} cannot be spread here as objects of type \"{parent.Name}\" can never be of type \"{type.Name}\".");
        }
    }

    private (GraphQlType Type, List<GraphQlSchema.Argument> Arguments)? FieldOf(Definition parent, string name)
    {
        switch (name)
        {
            case "__typename":
                return (new GraphQlType("String", null, true), []);
            case "__schema" when parent == _schema.Root("query"):
                return (new GraphQlType("__Schema", null, true), []);
            case "__type" when parent == _schema.Root("query"):
                return (new GraphQlType("__Type", null, false), [new GraphQlSchema.Argument("name", new GraphQlType("String", null, true), false, RegoObject.Empty)]);
        }

        return parent.Kind != "UNION" && parent.FieldOf(name) is { } field ? (field.Type, field.Arguments) : null;
    }

    private void FieldSelection(Definition parent, RegoObject selection)
    {
        var name = Text(selection, "Name");
        if (FieldOf(parent, name) is not var (type, arguments))
        {
            throw new GraphQlException($"Cannot query field \"{name}\" on type \"{parent.Name}\".");
        }

        var given = Nodes(selection, "Arguments").ToList();
        GraphQlSchema.CheckArguments(arguments, given, $"field \"{parent.Name}.{name}\"");
        Arguments(arguments, given);
        CheckUse(selection, "FIELD");
        var selections = Nodes(selection, "SelectionSet").ToList();
        var result = _schema.Find(type.BaseName) ?? throw new GraphQlException($"Unknown type \"{type.BaseName}\".");
        if (result.IsComposite != (selections.Count > 0))
        {
            throw new GraphQlException(result.IsComposite
                ? $"Field \"{name}\" of type \"{type}\" must have a selection of subfields. Did you mean \"{name} {{ ... }}\"?"
                : $"Field \"{name}\" must not have a selection since type \"{type}\" has no subfields.");
        }

        if (selections.Count > 0)
        {
            Selections(result, selections);
        }
    }

    private void Arguments(List<GraphQlSchema.Argument> known, IEnumerable<RegoObject> given)
    {
        foreach (var argument in given)
        {
            if (known.Find(one => one.Name == Text(argument, "Name")) is { } definition)
            {
                Value(argument.Get("Value") as RegoObject ?? throw new GraphQlException("an argument has no value"), definition.Type, definition.HasDefault);
            }
        }
    }

    private void Value(RegoObject value, GraphQlType type, bool hasDefault)
    {
        Enter();
        var kind = value.Get("Kind") is RegoNumber number && number.TryGetInt32(out var k) ? k : -1;
        var raw = Text(value, "Raw");
        if (kind == 0)
        {
            VariableUse(raw, type, hasDefault);
        }
        else if (kind == 6)
        {
            if (type.NonNull)
            {
                throw new GraphQlException($"Expected value of type \"{type}\", found null.");
            }
        }
        else if (type.Element is not null)
        {
            // One value stands for a list of one.
            if (kind != 8)
            {
                Value(value, type.Element, hasDefault: false);
            }

            foreach (var child in kind == 8 ? Nodes(value, "Children") : [])
            {
                Value(ValueOf(child), type.Element, hasDefault: false);
            }
        }
        else
        {
            Named(value, kind, raw, type);
        }

        _depth--;
    }

    private static RegoObject ValueOf(RegoObject child) => child.Get("Value") as RegoObject ?? throw new GraphQlException("a value is missing");

    private void VariableUse(string name, GraphQlType type, bool hasDefault)
    {
        if (_variables is null)
        {
            return;
        }

        if (!_variables.TryGetValue(name, out var variable))
        {
            throw new GraphQlException($"Variable \"${name}\" is not defined.");
        }

        _usedVariables.Add(name);
        var own = GraphQlType.Read(variable.Get("Type"));
        if (type.NonNull && !own.NonNull && (hasDefault || (variable.Get("DefaultValue") is RegoObject value && !RegoNumber.Of(6).Equals(value.Get("Kind")))))
        {
            own = own with { NonNull = true };
        }

        if (!own.FitsInto(type))
        {
            throw new GraphQlException($"Variable \"${name}\" of type \"{GraphQlType.Read(variable.Get("Type"))}\" used in position expecting type \"{type}\".");
        }
    }

    private void Named(RegoObject value, int kind, string raw, GraphQlType type)
    {
        var definition = _schema.Find(type.Name) ?? throw new GraphQlException($"Unknown type \"{type.Name}\".");
        var fits = definition.Kind switch
        {
            "SCALAR" => kind != 8 && kind != 9 ? ScalarFits(definition, kind, raw) : !definition.BuiltIn,
            "ENUM" => kind == 7 && definition.EnumValues.Exists(one => Text(one, "Name") == raw),
            "INPUT_OBJECT" => kind == 9,
            _ => false,
        };
        if (!fits)
        {
            throw new GraphQlException($"Expected value of type \"{type}\", found {raw}.");
        }

        if (definition.Kind == "INPUT_OBJECT")
        {
            Input(definition, [.. Nodes(value, "Children")]);
        }
    }

    private static bool ScalarFits(Definition definition, int kind, string raw) => definition.Name switch
    {
        "Int" => kind == 1 && int.TryParse(raw, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _),
        "Float" => kind is 1 or 2,
        "String" => kind is 3 or 4,
        "Boolean" => kind == 5,
        "ID" => kind is 1 or 3 or 4,
        _ => true,
    };

    private void Input(Definition definition, List<RegoObject> children)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var child in children)
        {
            var name = Text(child, "Name");
            if (!names.Add(name))
            {
                throw new GraphQlException($"There can be only one input field named \"{name}\".");
            }

            var field = definition.FieldOf(name) ?? throw new GraphQlException($"Field \"{name}\" is not defined by type \"{definition.Name}\".");
            Value(ValueOf(child), field.Type, field.HasDefault);
        }

        foreach (var field in definition.Fields)
        {
            if (field.Type.NonNull && !field.HasDefault && !names.Contains(field.Name))
            {
                throw new GraphQlException($"Field \"{definition.Name}.{field.Name}\" of required type \"{field.Type}\" was not provided.");
            }
        }
    }

    // The fields that a set selects, through all fragments, each with the type it is selected on.
    private List<(Definition Parent, RegoObject Field)> Flatten(Definition parent, IEnumerable<RegoObject> selections, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new GraphQlException("query nests too deeply");
        }

        var result = new List<(Definition Parent, RegoObject Field)>();
        foreach (var selection in selections)
        {
            _context.Charge(1);
            if (selection.Get("Alias") is not null)
            {
                result.Add((parent, selection));
                continue;
            }

            var source = selection.Get("SelectionSet") is null ? _fragments[Text(selection, "Name")] : selection;
            var condition = Text(source, "TypeCondition");
            result.AddRange(Flatten(condition.Length == 0 ? parent : _schema.Find(condition)!, Nodes(source, "SelectionSet"), depth + 1));
        }

        return result;
    }

    // Fields under one name must be the same field, or of types that no object has both of.
    private void Mergeable(Definition parent, IEnumerable<RegoObject> selections, int depth)
    {
        foreach (var group in Flatten(parent, selections, depth).GroupBy(static pair => Text(pair.Field, "Alias"), StringComparer.Ordinal))
        {
            var (firstParent, first) = group.First();
            foreach (var (otherParent, other) in group.Skip(1))
            {
                _context.Charge(1);
                var exclusive = firstParent != otherParent && firstParent.Kind == "OBJECT" && otherParent.Kind == "OBJECT";
                var differs = !exclusive && (Text(first, "Name") != Text(other, "Name") || !SameArguments(first, other));
                if (differs || !SameShape(FieldOf(firstParent, Text(first, "Name"))!.Value.Type, FieldOf(otherParent, Text(other, "Name"))!.Value.Type))
                {
                    throw new GraphQlException($"Fields \"{group.Key}\" conflict. Use different aliases on the fields to fetch both if this was intentional.");
                }
            }

            var result = _schema.Find(FieldOf(firstParent, Text(first, "Name"))!.Value.Type.BaseName)!;
            var below = group.SelectMany(static pair => Nodes(pair.Field, "SelectionSet")).ToList();
            if (below.Count > 0)
            {
                Mergeable(result, below, depth + 1);
            }
        }
    }

    private static bool SameArguments(RegoObject a, RegoObject b)
    {
        var left = Nodes(a, "Arguments").ToDictionary(static one => Text(one, "Name"), static one => one.Get("Value"), StringComparer.Ordinal);
        var right = Nodes(b, "Arguments").ToList();
        return left.Count == right.Count && right.TrueForAll(one => left.TryGetValue(Text(one, "Name"), out var value) && value == one.Get("Value"));
    }

    private bool SameShape(GraphQlType a, GraphQlType b)
    {
        if (a.NonNull != b.NonNull || (a.Element is null) != (b.Element is null))
        {
            return false;
        }

        if (a.Element is not null)
        {
            return SameShape(a.Element, b.Element!);
        }

        return a.Name == b.Name || (_schema.Find(a.Name) is { IsComposite: true } && _schema.Find(b.Name) is { IsComposite: true });
    }
}
