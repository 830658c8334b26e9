// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Builtins.Text;
using Coco.Rego.Functions;

namespace Coco.Rego.Builtins.GraphQl;

/// <summary>Parses queries and schemas into the documents that the functions of Rego give; empty lists are left out.</summary>
internal sealed class GraphQlParser
{
    private const int MaxDepth = 128;

    private static readonly string[] DirectiveLocations =
    [
        "QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT", "VARIABLE_DEFINITION",
        "SCHEMA", "SCALAR", "OBJECT", "FIELD_DEFINITION", "ARGUMENT_DEFINITION", "INTERFACE", "UNION", "ENUM", "ENUM_VALUE",
        "INPUT_OBJECT", "INPUT_FIELD_DEFINITION",
    ];

    private readonly BuiltinContext _context;
    private readonly GraphQlLexer _lexer;
    private GraphQlToken _token;
    private int _depth;

    private GraphQlParser(BuiltinContext context, string text)
    {
        context.Charge(text.Length / 8);
        _context = context;
        _lexer = new GraphQlLexer(text);
        _token = _lexer.Next();
    }

    /// <exception cref="GraphQlException">The text is no query document.</exception>
    public static RegoObject ParseQuery(BuiltinContext context, string text)
    {
        var parser = new GraphQlParser(context, text);
        List<RegoValue> operations = [], fragments = [];
        while (parser._token.Kind != GraphQlTokenKind.End)
        {
            if (parser.At("{") || parser.AtKeyword("query") || parser.AtKeyword("mutation") || parser.AtKeyword("subscription"))
            {
                operations.Add(parser.Operation());
            }
            else if (parser.AtKeyword("fragment"))
            {
                fragments.Add(parser.Fragment());
            }
            else
            {
                throw parser.Unexpected();
            }
        }

        return new Members().List("Operations", operations).List("Fragments", fragments).Build(context);
    }

    /// <exception cref="GraphQlException">The text is no schema document.</exception>
    public static RegoObject ParseSchema(BuiltinContext context, string text)
    {
        var parser = new GraphQlParser(context, text);
        List<RegoValue> schemas = [], schemaExtensions = [], directives = [], definitions = [], extensions = [];
        while (parser._token.Kind != GraphQlTokenKind.End)
        {
            var description = parser.Description(out var hasDescription);
            if (parser._token.Kind != GraphQlTokenKind.Name)
            {
                throw parser.Unexpected();
            }

            switch (parser._token.Text)
            {
                case "schema":
                    parser.Take();
                    schemas.Add(parser.Schema(description, isExtension: false));
                    break;
                case "directive":
                    directives.Add(parser.DirectiveDefinition(description));
                    break;
                case "extend":
                    if (hasDescription)
                    {
                        throw parser.Unexpected();
                    }

                    parser.Take();
                    if (parser.AtKeyword("schema"))
                    {
                        parser.Take();
                        schemaExtensions.Add(parser.Schema("", isExtension: true));
                    }
                    else
                    {
                        extensions.Add(parser.TypeDefinition("", isExtension: true));
                    }

                    break;
                default:
                    definitions.Add(parser.TypeDefinition(description, isExtension: false));
                    break;
            }
        }

        return new Members()
            .List("Schema", schemas)
            .List("SchemaExtension", schemaExtensions)
            .List("Directives", directives)
            .List("Definitions", definitions)
            .List("Extensions", extensions)
            .Build(context);
    }

    private bool At(string punctuator) => _token.Kind == GraphQlTokenKind.Punctuator && _token.Text == punctuator;

    private bool AtKeyword(string word) => _token.Kind == GraphQlTokenKind.Name && _token.Text == word;

    private GraphQlToken Take()
    {
        var token = _token;
        _token = _lexer.Next();
        return token;
    }

    private bool Skip(string punctuator)
    {
        if (!At(punctuator))
        {
            return false;
        }

        Take();
        return true;
    }

    private GraphQlException Error(string message) => new(message, _token.Line, _token.Column);

    private GraphQlException Unexpected() => Error($"Unexpected {_token}");

    private void Expect(string punctuator)
    {
        if (!Skip(punctuator))
        {
            throw Error($"Expected {punctuator}, found {_token}");
        }
    }

    private void ExpectKeyword(string word)
    {
        if (!AtKeyword(word))
        {
            throw Error($"Expected {GoQuote.Quote(word, ascii: false)}, found {_token}");
        }

        Take();
    }

    private string Name() =>
        _token.Kind == GraphQlTokenKind.Name ? Take().Text : throw Error($"Expected Name, found {_token}");

    private void Enter()
    {
        if (++_depth > MaxDepth)
        {
            throw Error("document nests too deeply");
        }
    }

    // At least one item between two punctuators; nothing where the first does not stand here.
    private List<RegoValue> Some(string open, string close, Func<RegoValue> item)
    {
        var items = new List<RegoValue>();
        if (!Skip(open))
        {
            return items;
        }

        Enter();
        if (At(close))
        {
            throw Error($"expected at least one definition, found {close}");
        }

        while (!Skip(close))
        {
            items.Add(item());
        }

        _depth--;
        return items;
    }

    private RegoObject Operation()
    {
        if (At("{"))
        {
            return new Members().Add("Operation", "query").Add("Name", "").List("SelectionSet", RequiredSelections()).Build(_context);
        }

        var operation = Take().Text;
        var name = _token.Kind == GraphQlTokenKind.Name ? Take().Text : "";
        return new Members()
            .Add("Operation", operation)
            .Add("Name", name)
            .List("VariableDefinitions", Some("(", ")", VariableDefinition))
            .List("Directives", Directives(isConstant: false))
            .List("SelectionSet", RequiredSelections())
            .Build(_context);
    }

    private RegoObject Fragment()
    {
        ExpectKeyword("fragment");
        if (AtKeyword("on"))
        {
            throw Unexpected();
        }

        var name = Name();
        var variables = Some("(", ")", VariableDefinition);
        ExpectKeyword("on");
        return new Members()
            .Add("Name", name)
            .List("VariableDefinition", variables)
            .Add("TypeCondition", Name())
            .List("Directives", Directives(isConstant: false))
            .List("SelectionSet", RequiredSelections())
            .Build(_context);
    }

    private RegoValue VariableDefinition()
    {
        Expect("$");
        var name = Name();
        Expect(":");
        var type = Type();
        var members = new Members().Add("Variable", name).Add("Type", type).Add("Used", false);
        if (Skip("="))
        {
            members.Add("DefaultValue", Value(isConstant: true));
        }

        return members.List("Directives", Directives(isConstant: true)).Build(_context);
    }

    private List<RegoValue> RequiredSelections()
    {
        if (!At("{"))
        {
            throw Error($"Expected {{, found {_token}");
        }

        return Some("{", "}", Selection);
    }

    private RegoValue Selection()
    {
        if (Skip("..."))
        {
            return Spread();
        }

        var name = Name();
        var alias = name;
        if (Skip(":"))
        {
            name = Name();
        }

        return new Members()
            .Add("Alias", alias)
            .Add("Name", name)
            .List("Arguments", Some("(", ")", () => Argument(isConstant: false)))
            .List("Directives", Directives(isConstant: false))
            .List("SelectionSet", At("{") ? RequiredSelections() : [])
            .Build(_context);
    }

    private RegoObject Spread()
    {
        if (_token.Kind == GraphQlTokenKind.Name && _token.Text != "on")
        {
            return new Members().Add("Name", Name()).List("Directives", Directives(isConstant: false)).Build(_context);
        }

        var condition = "";
        if (AtKeyword("on"))
        {
            Take();
            condition = Name();
        }

        return new Members()
            .Add("TypeCondition", condition)
            .List("Directives", Directives(isConstant: false))
            .List("SelectionSet", RequiredSelections())
            .Build(_context);
    }

    private RegoValue Argument(bool isConstant)
    {
        var name = Name();
        Expect(":");
        return new Members().Add("Name", name).Add("Value", Value(isConstant)).Build(_context);
    }

    private List<RegoValue> Directives(bool isConstant)
    {
        var directives = new List<RegoValue>();
        while (Skip("@"))
        {
            directives.Add(new Members()
                .Add("Name", Name())
                .Add("Location", "")
                .List("Arguments", Some("(", ")", () => Argument(isConstant)))
                .Build(_context));
        }

        return directives;
    }

    private RegoObject Value(bool isConstant)
    {
        if (Skip("["))
        {
            return Collection(8, "]", () => new Members().Add("Name", "").Add("Value", Value(isConstant)).Build(_context));
        }

        if (Skip("{"))
        {
            return Collection(9, "}", () => Argument(isConstant));
        }

        if (At("$") && !isConstant)
        {
            Take();
            return Scalar(0, Name());
        }

        var kind = _token.Kind switch
        {
            GraphQlTokenKind.Int => 1,
            GraphQlTokenKind.Float => 2,
            GraphQlTokenKind.String => 3,
            GraphQlTokenKind.BlockString => 4,
            GraphQlTokenKind.Name => _token.Text switch
            {
                "true" or "false" => 5,
                "null" => 6,
                _ => 7,
            },
            _ => throw Unexpected(),
        };
        return Scalar(kind, Take().Text);
    }

    private RegoObject Scalar(int kind, string raw) =>
        new Members().Add("Kind", kind).Add("Raw", raw).Add("ExpectedTypeHasDefault", false).Build(_context);

    private RegoObject Collection(int kind, string close, Func<RegoValue> item)
    {
        Enter();
        var children = new List<RegoValue>();
        while (!Skip(close))
        {
            children.Add(item());
        }

        _depth--;
        return new Members().Add("Kind", kind).Add("Raw", "").Add("ExpectedTypeHasDefault", false).List("Children", children).Build(_context);
    }

    private RegoObject Type()
    {
        var members = new Members();
        if (Skip("["))
        {
            Enter();
            members.Add("NamedType", "").Add("Elem", Type());
            _depth--;
            Expect("]");
        }
        else
        {
            members.Add("NamedType", Name());
        }

        return members.Add("NonNull", Skip("!")).Build(_context);
    }

    private string Description(out bool present)
    {
        present = _token.Kind is GraphQlTokenKind.String or GraphQlTokenKind.BlockString;
        return present ? Take().Text : "";
    }

    private RegoObject Schema(string description, bool isExtension)
    {
        var directives = Directives(isConstant: true);
        var operations = Some("{", "}", () =>
        {
            if (_token.Kind != GraphQlTokenKind.Name || _token.Text is not ("query" or "mutation" or "subscription"))
            {
                throw Unexpected();
            }

            var operation = Take().Text;
            Expect(":");
            return new Members().Add("Operation", operation).Add("Type", Name()).Build(_context);
        });
        if (operations.Count == 0 && (!isExtension || directives.Count == 0))
        {
            throw Unexpected();
        }

        return new Members().Add("Description", description).List("Directives", directives).List("OperationTypes", operations).Build(_context);
    }

    private RegoObject DirectiveDefinition(string description)
    {
        ExpectKeyword("directive");
        Expect("@");
        var name = Name();
        var arguments = Some("(", ")", ArgumentDefinition);
        var repeatable = AtKeyword("repeatable");
        if (repeatable)
        {
            Take();
        }

        ExpectKeyword("on");
        var locations = new List<RegoValue>();
        Skip("|");
        do
        {
            if (!DirectiveLocations.Contains(_token.Text))
            {
                throw Unexpected();
            }

            locations.Add(Name());
        }
        while (Skip("|"));
        return new Members()
            .Add("Description", description)
            .Add("Name", name)
            .List("Arguments", arguments)
            .List("Locations", locations)
            .Add("IsRepeatable", repeatable)
            .Build(_context);
    }

    private RegoObject TypeDefinition(string description, bool isExtension)
    {
        var kind = _token.Kind == GraphQlTokenKind.Name ? KindOf(_token.Text) : null;
        if (kind is null)
        {
            throw Unexpected();
        }

        Take();
        var members = new Members().Add("Kind", kind).Add("Description", description).Add("Name", Name()).Add("BuiltIn", false);
        List<RegoValue> interfaces = kind is "OBJECT" or "INTERFACE" ? Interfaces() : [];
        var directives = Directives(isConstant: true);
        List<RegoValue> fields = [], types = [], values = [];
        switch (kind)
        {
            case "OBJECT" or "INTERFACE":
                fields = Some("{", "}", FieldDefinition);
                break;
            case "INPUT_OBJECT":
                fields = Some("{", "}", InputField);
                break;
            case "ENUM":
                values = Some("{", "}", EnumValue);
                break;
            case "UNION" when Skip("="):
                Skip("|");
                do
                {
                    types.Add(Name());
                }
                while (Skip("|"));
                break;
        }

        if (isExtension && interfaces.Count + directives.Count + fields.Count + types.Count + values.Count == 0)
        {
            throw Unexpected();
        }

        return members
            .List("Directives", directives)
            .List("Interfaces", interfaces)
            .List("Fields", fields)
            .List("Types", types)
            .List("EnumValues", values)
            .Build(_context);
    }

    private static string? KindOf(string word) => word switch
    {
        "scalar" => "SCALAR",
        "type" => "OBJECT",
        "interface" => "INTERFACE",
        "union" => "UNION",
        "enum" => "ENUM",
        "input" => "INPUT_OBJECT",
        _ => null,
    };

    private List<RegoValue> Interfaces()
    {
        var interfaces = new List<RegoValue>();
        if (!AtKeyword("implements"))
        {
            return interfaces;
        }

        Take();
        Skip("&");
        do
        {
            interfaces.Add(Name());
        }
        while (Skip("&"));
        return interfaces;
    }

    private RegoValue FieldDefinition()
    {
        var members = new Members().Add("Description", Description(out _)).Add("Name", Name()).List("Arguments", Some("(", ")", ArgumentDefinition));
        Expect(":");
        return members.Add("Type", Type()).List("Directives", Directives(isConstant: true)).Build(_context);
    }

    private RegoValue InputField() => ArgumentDefinition();

    private RegoValue ArgumentDefinition()
    {
        var members = new Members().Add("Description", Description(out _)).Add("Name", Name());
        Expect(":");
        members.Add("Type", Type());
        if (Skip("="))
        {
            members.Add("DefaultValue", Value(isConstant: true));
        }

        return members.List("Directives", Directives(isConstant: true)).Build(_context);
    }

    private RegoValue EnumValue() =>
        new Members().Add("Description", Description(out _)).Add("Name", Name()).List("Directives", Directives(isConstant: true)).Build(_context);

    /// <summary>Collects members; a list without items is left out.</summary>
    private sealed class Members
    {
        private readonly List<(RegoValue Key, RegoValue Value)> _members = [];

        public Members Add(string name, RegoValue value)
        {
            _members.Add((name, value));
            return this;
        }

        public Members List(string name, List<RegoValue> items) => items.Count == 0 ? this : Add(name, RegoArray.OfList(items));

        public RegoObject Build(BuiltinContext context)
        {
            context.Charge(1);
            context.ChargeValues(_members.Count);
            return RegoObject.Of([.. _members]);
        }
    }
}
