// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Functions;

namespace Coco.Rego.Builtins.GraphQl;

/// <summary>A schema with its extensions applied, checked as the specification (October 2021, section 3) demands.</summary>
internal sealed class GraphQlSchema
{
    private static readonly string[] Scalars = ["Int", "Float", "String", "Boolean", "ID"];

    private readonly BuiltinContext _context;
    private readonly Dictionary<string, Definition> _types = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DirectiveDefinition> _directives = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _roots = new(StringComparer.Ordinal);

    private GraphQlSchema(BuiltinContext context) => _context = context;

    /// <summary>A field of an object, interface or input.</summary>
    public sealed record Field(string Name, GraphQlType Type, List<Argument> Arguments, bool HasDefault, RegoObject Node);

    /// <summary>An argument of a field or directive.</summary>
    public sealed record Argument(string Name, GraphQlType Type, bool HasDefault, RegoObject Node)
    {
        /// <summary>It must be given.</summary>
        public bool IsRequired => Type.NonNull && !HasDefault;
    }

    /// <summary>A directive.</summary>
    public sealed record DirectiveDefinition(string Name, List<Argument> Arguments, HashSet<string> Locations, bool IsRepeatable);

    /// <summary>A type.</summary>
    public sealed class Definition(string name, string kind, bool builtIn)
    {
        public string Name { get; } = name;

        public string Kind { get; } = kind;

        public bool BuiltIn { get; } = builtIn;

        public List<Field> Fields { get; } = [];

        public List<string> Interfaces { get; } = [];

        public List<string> Types { get; } = [];

        public List<RegoObject> EnumValues { get; } = [];

        public List<RegoObject> Directives { get; } = [];

        public bool IsComposite => Kind is "OBJECT" or "INTERFACE" or "UNION";

        public bool IsInput => Kind is "SCALAR" or "ENUM" or "INPUT_OBJECT";

        public Field? FieldOf(string name) => Fields.Find(field => field.Name == name);
    }

    /// <summary>Reads and checks a schema document.</summary>
    /// <exception cref="GraphQlException">It is not valid.</exception>
    public static GraphQlSchema Load(BuiltinContext context, RegoObject document)
    {
        var schema = new GraphQlSchema(context);
        schema.AddBuiltIns();
        foreach (var definition in Nodes(document, "Definitions"))
        {
            var name = Text(definition, "Name");
            if (!schema._types.TryAdd(name, new Definition(name, Text(definition, "Kind"), definition.Get("BuiltIn") is RegoBoolean { Value: true })))
            {
                throw new GraphQlException($"Cannot redeclare type {name}.");
            }

            schema.Extend(definition);
        }

        foreach (var extension in Nodes(document, "Extensions"))
        {
            var (name, kind) = (Text(extension, "Name"), Text(extension, "Kind"));
            if (!schema._types.TryGetValue(name, out var known))
            {
                schema._types[name] = new Definition(name, kind, builtIn: false);
            }
            else if (known.Kind != kind)
            {
                throw new GraphQlException($"Cannot extend type {name} because the base type is a {known.Kind}, not {kind}.");
            }

            schema.Extend(extension);
        }

        schema.AddDirectives(document);
        schema.AddRoots(document);
        schema.Check();
        return schema;
    }

    /// <summary>The type of a name.</summary>
    public Definition? Find(string name) => _types.GetValueOrDefault(name);

    /// <summary>The directive of a name.</summary>
    public DirectiveDefinition? FindDirective(string name) => _directives.GetValueOrDefault(name);

    /// <summary>The type at which operations of a kind begin.</summary>
    public Definition? Root(string operation) => _roots.TryGetValue(operation, out var name) ? Find(name) : null;

    /// <summary>The object types that a value of a type may be of.</summary>
    public HashSet<string> Possible(Definition definition)
    {
        _context.Charge(1);
        return definition.Kind switch
        {
            "UNION" => [.. definition.Types],
            "INTERFACE" => [.. _types.Values.Where(type => type.Kind == "OBJECT" && type.Interfaces.Contains(definition.Name)).Select(static type => type.Name)],
            _ => [definition.Name],
        };
    }

    /// <summary>Items of a list of objects; nothing where it is absent.</summary>
    /// <exception cref="GraphQlException">It is something else.</exception>
    public static IEnumerable<RegoObject> Nodes(RegoObject node, string name)
    {
        switch (node.Get(name))
        {
            case null or RegoNull:
                return [];
            case RegoArray array:
                return array.Items.ToArray().Select(item => item as RegoObject ?? throw new GraphQlException($"an item of {name} is no object"));
            default:
                throw new GraphQlException($"{name} is no array");
        }
    }

    /// <summary>A text; empty where it is absent.</summary>
    public static string Text(RegoObject node, string name) => node.Get(name) is RegoString text ? text.Value : "";

    /// <summary>Checks directives where they are used.</summary>
    /// <exception cref="GraphQlException">One is unknown, stands where it may not, or has wrong arguments.</exception>
    public void CheckDirectives(IEnumerable<RegoObject> directives, string location)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var directive in directives)
        {
            _context.Charge(1);
            var name = Text(directive, "Name");
            if (!_directives.TryGetValue(name, out var definition))
            {
                throw new GraphQlException($"Undefined directive {name}.");
            }

            if (!definition.Locations.Contains(location))
            {
                throw new GraphQlException($"Directive {name} is not applicable on {location}.");
            }

            if (!seen.Add(name) && !definition.IsRepeatable)
            {
                throw new GraphQlException($"The directive \"@{name}\" can only be used once at this location.");
            }

            CheckArguments(definition.Arguments, [.. Nodes(directive, "Arguments")], $"directive \"@{name}\"");
        }
    }

    /// <summary>Checks that arguments are known, given once, and complete.</summary>
    public static void CheckArguments(List<Argument> known, List<RegoObject> given, string where)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var argument in given)
        {
            var name = Text(argument, "Name");
            if (!names.Add(name))
            {
                throw new GraphQlException($"There can be only one argument named \"{name}\".");
            }

            if (!known.Exists(one => one.Name == name))
            {
                throw new GraphQlException($"Unknown argument \"{name}\" on {where}.");
            }
        }

        foreach (var argument in known)
        {
            if (argument.IsRequired && !names.Contains(argument.Name))
            {
                throw new GraphQlException($"Argument \"{argument.Name}\" of type \"{argument.Type}\" is required on {where}, but it was not provided.");
            }
        }
    }

    private static void CheckName(string name)
    {
        if (name.StartsWith("__", StringComparison.Ordinal))
        {
            throw new GraphQlException($"Name \"{name}\" must not begin with \"__\", which is reserved by GraphQL introspection.");
        }
    }

    private void AddBuiltIns()
    {
        foreach (var scalar in Scalars)
        {
            _types[scalar] = new Definition(scalar, "SCALAR", builtIn: true);
        }

        var introspection = GraphQlParser.ParseSchema(_context, Introspection.Source);
        foreach (var definition in Nodes(introspection, "Definitions"))
        {
            var name = Text(definition, "Name");
            _types[name] = new Definition(name, Text(definition, "Kind"), builtIn: true);
            Extend(definition);
        }

        AddDirectives(introspection);
    }

    private void Extend(RegoObject node)
    {
        _context.Charge(1);
        var definition = _types[Text(node, "Name")];
        definition.Directives.AddRange(Nodes(node, "Directives"));
        definition.Interfaces.AddRange(Names(node, "Interfaces"));
        definition.Types.AddRange(Names(node, "Types"));
        definition.EnumValues.AddRange(Nodes(node, "EnumValues"));
        foreach (var field in Nodes(node, "Fields"))
        {
            definition.Fields.Add(new Field(
                Text(field, "Name"), GraphQlType.Read(field.Get("Type")), Arguments(field), field.Get("DefaultValue") is RegoObject, field));
        }
    }

    private static IEnumerable<string> Names(RegoObject node, string list) =>
        node.Get(list) is RegoArray names ? names.Items.ToArray().Select(static name => name is RegoString text ? text.Value : "") : [];

    private static List<Argument> Arguments(RegoObject node) =>
        [.. Nodes(node, "Arguments").Select(static one => new Argument(Text(one, "Name"), GraphQlType.Read(one.Get("Type")), one.Get("DefaultValue") is RegoObject, one))];

    private void AddDirectives(RegoObject document)
    {
        foreach (var directive in Nodes(document, "Directives"))
        {
            var name = Text(directive, "Name");
            var definition = new DirectiveDefinition(
                name, Arguments(directive), [.. Names(directive, "Locations")], directive.Get("IsRepeatable") is RegoBoolean { Value: true });
            if (_directives.ContainsKey(name) && !Introspection.Directives.Contains(name))
            {
                throw new GraphQlException($"Cannot redeclare directive {name}.");
            }

            _directives[name] = definition;
        }
    }

    private void AddRoots(RegoObject document)
    {
        var schemas = Nodes(document, "Schema").ToList();
        if (schemas.Count > 1)
        {
            throw new GraphQlException("Cannot have multiple schema entry points, consider schema extensions instead.");
        }

        foreach (var node in schemas.Concat(Nodes(document, "SchemaExtension")))
        {
            foreach (var operation in Nodes(node, "OperationTypes"))
            {
                var (kind, type) = (Text(operation, "Operation"), Text(operation, "Type"));
                if (!_types.TryGetValue(type, out var root) || root.Kind != "OBJECT")
                {
                    throw new GraphQlException($"Schema root {kind} refers to a type {type} that does not exist.");
                }

                _roots[kind] = type;
            }

            CheckDirectives(Nodes(node, "Directives"), "SCHEMA");
        }

        if (schemas.Count == 0)
        {
            foreach (var name in (ReadOnlySpan<string>)["Query", "Mutation", "Subscription"])
            {
                if (_types.ContainsKey(name))
                {
                    _roots.TryAdd(name.ToLowerInvariant(), name);
                }
            }
        }
    }

    private void Check()
    {
        foreach (var directive in _directives.Values)
        {
            CheckName(directive.Name);
            CheckArgumentDefinitions(directive.Arguments);
        }

        foreach (var definition in _types.Values)
        {
            _context.Charge(1);
            if (!definition.BuiltIn)
            {
                CheckName(definition.Name);
            }

            CheckContent(definition);
            CheckFields(definition);
            CheckInterfaces(definition);
            CheckDirectives(definition.Directives, definition.Kind);
        }
    }

    private static void CheckContent(Definition definition)
    {
        switch (definition.Kind)
        {
            case "OBJECT" or "INTERFACE" when definition.Fields.Count == 0:
                throw new GraphQlException($"{definition.Kind} {definition.Name}: must define one or more fields.");
            case "INPUT_OBJECT" when definition.Fields.Count == 0:
                throw new GraphQlException($"{definition.Kind} {definition.Name}: must define one or more input fields.");
            case "ENUM" when definition.EnumValues.Count == 0:
                throw new GraphQlException($"{definition.Kind} {definition.Name}: must define one or more unique enum values.");
            case "SCALAR" or "OBJECT" or "INTERFACE" or "UNION" or "ENUM" or "INPUT_OBJECT":
                break;
            default:
                throw new GraphQlException($"{definition.Name} is of no known kind.");
        }
    }

    private void CheckFields(Definition definition)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var field in definition.Fields)
        {
            if (!definition.BuiltIn)
            {
                CheckName(field.Name);
            }

            if (!names.Add(field.Name))
            {
                throw new GraphQlException($"Field {definition.Name}.{field.Name} can only be defined once.");
            }

            var type = Known(field.Type);
            if (definition.Kind == "INPUT_OBJECT" ? !type.IsInput : type.Kind == "INPUT_OBJECT")
            {
                throw new GraphQlException($"{definition.Kind} {definition.Name}: field {field.Name} cannot be of type {type.Name}.");
            }

            CheckArgumentDefinitions(field.Arguments);
            CheckDirectives(Nodes(field.Node, "Directives"), definition.Kind == "INPUT_OBJECT" ? "INPUT_FIELD_DEFINITION" : "FIELD_DEFINITION");
        }

        foreach (var name in definition.Types)
        {
            if (!_types.TryGetValue(name, out var member))
            {
                throw new GraphQlException($"Undefined type {name}.");
            }

            if (member.Kind != "OBJECT")
            {
                throw new GraphQlException($"UNION type \"{name}\" must be OBJECT.");
            }
        }

        foreach (var value in definition.EnumValues)
        {
            var name = Text(value, "Name");
            CheckName(name);
            if (name is "true" or "false" or "null" || !names.Add(name))
            {
                throw new GraphQlException($"ENUM {definition.Name}: value {name} is not allowed.");
            }

            CheckDirectives(Nodes(value, "Directives"), "ENUM_VALUE");
        }
    }

    private Definition Known(GraphQlType type) => Find(type.BaseName) ?? throw new GraphQlException($"Undefined type {type.BaseName}.");

    private void CheckArgumentDefinitions(List<Argument> arguments)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var argument in arguments)
        {
            CheckName(argument.Name);
            if (!names.Add(argument.Name))
            {
                throw new GraphQlException($"There can be only one argument named \"{argument.Name}\".");
            }

            var type = Known(argument.Type);
            if (!type.IsInput)
            {
                throw new GraphQlException($"cannot use {type.Name} as argument {argument.Name} because {type.Kind} is not a valid input type");
            }

            CheckDirectives(Nodes(argument.Node, "Directives"), "ARGUMENT_DEFINITION");
        }
    }

    private void CheckInterfaces(Definition definition)
    {
        foreach (var name in definition.Interfaces)
        {
            if (!_types.TryGetValue(name, out var contract))
            {
                throw new GraphQlException($"Undefined type {name}.");
            }

            if (contract.Kind != "INTERFACE")
            {
                throw new GraphQlException($"{name} is a non interface type {contract.Kind}.");
            }

            foreach (var required in contract.Interfaces)
            {
                if (!definition.Interfaces.Contains(required))
                {
                    throw new GraphQlException($"Type {definition.Name} must implement {required} because it is implemented by {name}.");
                }
            }

            foreach (var field in contract.Fields)
            {
                CheckImplementation(definition, contract, field);
            }
        }
    }

    private void CheckImplementation(Definition definition, Definition contract, Field required)
    {
        _context.Charge(1);
        var field = definition.FieldOf(required.Name)
            ?? throw new GraphQlException($"For {definition.Name} to implement {contract.Name} it must have a field called {required.Name}.");
        if (!IsCovariant(required.Type, field.Type))
        {
            throw new GraphQlException($"For {definition.Name} to implement {contract.Name} the field {required.Name} must have type {required.Type}.");
        }

        foreach (var argument in required.Arguments)
        {
            if (field.Arguments.Find(one => one.Name == argument.Name) is not { } found || found.Type != argument.Type)
            {
                throw new GraphQlException(
                    $"For {definition.Name} to implement {contract.Name} the field {required.Name} must have the same arguments but it is missing {argument.Name}.");
            }
        }

        foreach (var argument in field.Arguments)
        {
            if (argument.IsRequired && !required.Arguments.Exists(one => one.Name == argument.Name))
            {
                throw new GraphQlException(
                    $"For {definition.Name} to implement {contract.Name} any additional arguments on {required.Name} must be optional or have a default value but {argument.Name} is required.");
            }
        }
    }

    private bool IsCovariant(GraphQlType required, GraphQlType actual)
    {
        if (required.NonNull && !actual.NonNull)
        {
            return false;
        }

        if (required.Element is not null)
        {
            return actual.Element is not null && IsCovariant(required.Element, actual.Element);
        }

        return actual.Element is null
            && (actual.Name == required.Name || (Find(required.Name) is { } type && Find(actual.Name) is { } own
                && (type.Kind == "UNION" ? type.Types.Contains(own.Name) : own.Interfaces.Contains(type.Name))));
    }
}
