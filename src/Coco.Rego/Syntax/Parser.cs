// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;

namespace Coco.Rego.Syntax;

/// <summary>Tokens to a syntax tree. Never throws on any text; gives all errors that it finds.</summary>
internal sealed class Parser
{
    private const int MaxNesting = 1000;
    private const int MaxErrors = 100;
    private const int MaxChain = 2000;

    private static readonly HashSet<string> V1Keywords =
        ["as", "contains", "default", "else", "every", "false", "if", "import", "in", "not", "null", "package", "some", "true", "with"];

    private readonly SourceText _source;
    private readonly HashSet<string> _keywords;
    private readonly bool _v1;
    private readonly List<RegoDiagnostic> _errors = [];
    private Token[] _tokens;
    private int _at;
    private int _nesting;

    private Parser(SourceText source, Token[] tokens, bool v1)
    {
        _source = source;
        _tokens = tokens;
        _v1 = v1;
        _keywords = v1 ? V1Keywords : [.. V1Keywords.Except(["contains", "every", "if", "in"], StringComparer.Ordinal)];
    }

    private ref readonly Token Now => ref _tokens[_at];

    private ref readonly Token Following => ref _tokens[Math.Min(_at + 1, _tokens.Length - 1)];

    /// <summary>Parses a module.</summary>
    internal static ParseOutcome ParseModule(string name, string text, RegoVersion version, int maxLength)
    {
        var source = new SourceText(name, text);
        if (text.Length > maxLength)
        {
            return Failed(source, $"source is longer than {maxLength} characters", 0);
        }

        Token[] tokens;
        List<Comment> comments;
        try
        {
            (tokens, comments) = Lexer.Run(text);
        }
        catch (RegoSyntaxException e)
        {
            return Failed(source, e.Message, e.Offset);
        }
        catch (InsufficientExecutionStackException)
        {
            return Failed(source, "source nests too deeply", 0);
        }

        bool v1 = version != RegoVersion.V0 || ImportsV1(tokens);
        ParseOutcome outcome = new Parser(source, tokens, v1).Module(comments);
        if (outcome.Module is null && v1 && version == RegoVersion.V1OrV0 && !ImportsV1(tokens))
        {
            ParseOutcome old = new Parser(source, tokens, v1: false).Module(comments);
            return old.Module is null ? outcome : old;
        }

        return outcome;
    }

    /// <summary>Parses a query: a body without braces.</summary>
    internal static (List<Literal>? Body, SourceText Source, IReadOnlyList<RegoDiagnostic> Errors) ParseQuery(string name, string text)
    {
        var source = new SourceText(name, text);
        try
        {
            (Token[] tokens, _) = Lexer.Run(text);
            var parser = new Parser(source, tokens, v1: true);
            List<Literal> body = parser.Query(TokenKind.End);
            parser.Expect(TokenKind.End, "end of query");
            return (body, source, []);
        }
        catch (RegoSyntaxException e)
        {
            return (null, source, Failed(source, e.Message, e.Offset).Errors);
        }
        catch (InsufficientExecutionStackException)
        {
            return (null, source, Failed(source, "query nests too deeply", 0).Errors);
        }
    }

    private static ParseOutcome Failed(SourceText source, string message, int offset) =>
        new(null, [new RegoDiagnostic(RegoErrorCodes.Parse, message, source.Locate(Math.Clamp(offset, 0, source.Text.Length)))]);

    private static bool ImportsV1(Token[] tokens)
    {
        for (int i = 0; i + 3 < tokens.Length; i++)
        {
            if (tokens[i].LineBefore && tokens[i].Is("import") && tokens[i + 1].Is("rego") && tokens[i + 2].Kind == TokenKind.Dot && tokens[i + 3].Is("v1"))
            {
                return true;
            }
        }

        return false;
    }

    private ParseOutcome Module(List<Comment> comments)
    {
        Module? module = null;
        try
        {
            module = Package(comments);
        }
        catch (RegoSyntaxException e)
        {
            Error(e);
        }

        while (Now.Kind != TokenKind.End && _errors.Count < MaxErrors)
        {
            if (Now.Kind == TokenKind.Semicolon)
            {
                _at++;
                continue;
            }

            try
            {
                Statement(module);
            }
            catch (RegoSyntaxException e)
            {
                Error(e);
                SkipToStatement();
            }
            catch (InsufficientExecutionStackException)
            {
                Error(new RegoSyntaxException("source nests too deeply", Now.Start));
                break;
            }
        }

        if (module is not null && _errors.Count == 0)
        {
            Annotations.Attach(module, _source, (message, offset) => Error(new RegoSyntaxException(message, offset)));
        }

        return new ParseOutcome(_errors.Count == 0 ? module : null, _errors);
    }

    private void Error(RegoSyntaxException e) =>
        _errors.Add(new RegoDiagnostic(RegoErrorCodes.Parse, e.Message, _source.Locate(Math.Clamp(e.Offset, 0, _source.Text.Length))));

    // A statement after an error: the next token that starts a line without indentation.
    private void SkipToStatement()
    {
        _nesting = 0;
        do
        {
            if (Now.Kind == TokenKind.End)
            {
                return;
            }

            _at++;
        }
        while (!(Now.LineBefore && Now.Kind == TokenKind.Identifier && !Now.Is("else") && (Now.Start == 0 || _source.Text[Now.Start - 1] == '\n')) && Now.Kind != TokenKind.End);
    }

    private Module Package(List<Comment> comments)
    {
        int start = Now.Start;
        if (!IsKeyword("package"))
        {
            throw Unexpected("package");
        }

        _at++;
        if (Now.Kind != TokenKind.Identifier)
        {
            throw Unexpected("a package name");
        }

        var path = new List<string> { Now.Text };
        if (_v1 && Following.Kind != TokenKind.Dot && _keywords.Contains(Now.Text))
        {
            throw new RegoSyntaxException($"{Now.Text} is a keyword and cannot be a package name", Now.Start);
        }

        _at++;
        path.AddRange(Names());
        return new Module { Source = _source, IsV0 = !_v1, Package = path, PackageStart = start, PackageEnd = _tokens[_at - 1].End, Comments = comments };
    }

    private List<string> Names()
    {
        var path = new List<string>();
        while (!Now.SpaceBefore)
        {
            if (Now.Kind == TokenKind.Dot)
            {
                _at++;
                path.Add(Now.Kind == TokenKind.Identifier && !Now.SpaceBefore ? Now.Text : throw Unexpected("a name"));
                _at++;
            }
            else if (Now.Kind == TokenKind.LeftBracket)
            {
                _at++;
                path.Add(Now.Kind is TokenKind.String or TokenKind.RawString ? Now.Text : throw Unexpected("a string"));
                _at++;
                Expect(TokenKind.RightBracket, "]");
            }
            else
            {
                break;
            }
        }

        return path;
    }

    private void Statement(Module? module)
    {
        if (IsKeyword("import"))
        {
            Import import = ParseImport();
            module?.Imports.Add(import);
            EndOfStatement();
            return;
        }

        if (IsKeyword("package"))
        {
            throw new RegoSyntaxException("unexpected package: a module has one package, at its start", Now.Start);
        }

        int before = module?.Rules.Count ?? 0;
        var rules = new List<Rule>();
        ParseRule(rules);
        module?.Rules.InsertRange(before, rules);
        EndOfStatement();
    }

    private void EndOfStatement()
    {
        if (Now.Kind is not (TokenKind.End or TokenKind.Semicolon) && !Now.LineBefore)
        {
            throw Unexpected("end of line");
        }
    }

    private Import ParseImport()
    {
        int start = Now.Start;
        _at++;
        if (Now.Kind != TokenKind.Identifier)
        {
            throw Unexpected("an import path");
        }

        string head = Now.Text;
        int headStart = Now.Start;
        _at++;
        List<string> path = Names();
        string? alias = null;
        if (Now.Is("as"))
        {
            _at++;
            alias = Now.Kind == TokenKind.Identifier ? Now.Text : throw Unexpected("a name");
            if (_keywords.Contains(alias))
            {
                throw new RegoSyntaxException($"{alias} is a keyword and cannot be an alias", Now.Start);
            }

            _at++;
        }

        var import = new Import(head, path, alias) { Start = start, End = _tokens[_at - 1].End };
        switch (head)
        {
            case "input" or "data":
                break;
            case "rego" when path is ["v1"]:
                if (alias is not null)
                {
                    throw new RegoSyntaxException("import rego.v1 cannot have an alias", headStart);
                }

                break;
            case "future" when path is ["keywords"] or ["keywords", "in" or "if" or "every" or "contains"]:
                if (alias is not null)
                {
                    throw new RegoSyntaxException("future keywords cannot have an alias", headStart);
                }

                _keywords.UnionWith(path.Count == 1 ? ["in", "if", "every", "contains"] : path[1] == "every" ? ["every", "in"] : [path[1]]);
                break;
            default:
                throw new RegoSyntaxException($"invalid import {string.Join('.', path.Prepend(head))}: path must begin with data, input, rego.v1 or future.keywords", headStart);
        }

        return import;
    }

    private void ParseRule(List<Rule> rules)
    {
        int start = Now.Start;
        bool isDefault = IsKeyword("default");
        _at += isDefault ? 1 : 0;
        if (Now.Kind != TokenKind.Identifier)
        {
            throw Unexpected("a rule name");
        }

        if (IsKeyword(Now.Text))
        {
            throw new RegoSyntaxException($"unexpected {Now.Text} keyword: a rule cannot start with it", Now.Start);
        }

        VarTerm name = At(new VarTerm(Now.Text), Now.Start);
        _at++;
        End(name);
        List<RefPart> path = HeadPath();
        List<Term>? parameters = null;
        if (Now.Kind == TokenKind.LeftParen && !Now.SpaceBefore)
        {
            parameters = ArgumentList();
        }

        Term? member = null;
        bool bracket = false;
        if (parameters is null && !isDefault && IsKeyword("contains"))
        {
            _at++;
            member = Infix(0);
        }

        (Term? value, bool unify) = HeadValue(member is not null);
        if (isDefault)
        {
            ParseDefault(rules, start, name, path, parameters, value, unify);
            return;
        }

        int headEnd = _tokens[_at - 1].End;
        bool hasIf = IsKeyword("if");
        if (!_v1 && !hasIf && parameters is null && value is null && member is null && path is [{ IsDot: false }])
        {
            member = path[0].Operand;
            path = [];
            bracket = true;
        }

        var branches = new List<Branch>();
        Branch first = ParseBranch(value, unify, start);
        branches.Add(first);
        if (first.Body is null && value is null && member is null && (_v1 || parameters is not null || path.Count == 0 || path[^1].IsDot))
        {
            throw new RegoSyntaxException($"rule {_source.Excerpt(start, headEnd)} has neither a value nor a body", start);
        }

        while (IsKeyword("else"))
        {
            if (member is not null)
            {
                throw new RegoSyntaxException("else cannot be used on a partial set", Now.Start);
            }

            if (branches[^1].Body is null)
            {
                throw new RegoSyntaxException("else after a branch that always holds", Now.Start);
            }

            int elseStart = Now.Start;
            _at++;
            (Term? elseValue, bool elseUnify) = HeadValue(false);
            Branch branch = ParseBranch(elseValue, elseUnify, elseStart);
            if (branch.Body is null && elseValue is null)
            {
                throw new RegoSyntaxException("else has neither a value nor a body", elseStart);
            }

            branches.Add(branch);
        }

        var rule = new Rule { Name = name, Path = path, Parameters = parameters, Member = member, IsBracketMember = bracket, Branches = branches, HeadEnd = headEnd, Start = start };
        End(rule);
        rules.Add(rule);
        while (Now.Kind == TokenKind.LeftBrace && first.Body is not null && branches.Count == 1)
        {
            int bodyStart = Now.Start;
            if (_v1)
            {
                throw new RegoSyntaxException("unexpected {: bodies cannot be chained in v1", bodyStart);
            }

            var chained = new Rule
            {
                Name = name,
                Path = path,
                Parameters = parameters,
                Member = member,
                IsBracketMember = bracket,
                Branches = [At(new Branch(value, Braces()) { HasBraces = true, UsesUnify = unify }, bodyStart)],
                IsChained = true,
                HeadEnd = headEnd,
                Start = bodyStart,
            };
            End(chained.Branches[0]);
            End(chained);
            rules.Add(chained);
        }
    }

    private void ParseDefault(List<Rule> rules, int start, VarTerm name, List<RefPart> path, List<Term>? parameters, Term? value, bool unify)
    {
        if (value is null)
        {
            throw new RegoSyntaxException("default rule must have a value", start);
        }

        if (IsKeyword("if") || Now.Kind == TokenKind.LeftBrace)
        {
            throw new RegoSyntaxException("default rule cannot have a body", Now.Start);
        }

        var rule = new Rule
        {
            IsDefault = true,
            Name = name,
            Path = path,
            Parameters = parameters,
            Branches = [new Branch(value, null) { UsesUnify = unify, Start = start, End = value.End }],
            Start = start,
            HeadEnd = value.End,
        };
        End(rule);
        rules.Add(rule);
    }

    private (Term? Value, bool Unify) HeadValue(bool forbidden)
    {
        if (Now.Kind is not (TokenKind.Assign or TokenKind.Unify))
        {
            return (null, false);
        }

        if (forbidden)
        {
            throw new RegoSyntaxException("a partial set cannot have a value", Now.Start);
        }

        bool unify = Now.Kind == TokenKind.Unify;
        _at++;
        return (Infix(0), unify);
    }

    private List<RefPart> HeadPath()
    {
        var parts = new List<RefPart>();
        while (!Now.SpaceBefore && Now.Kind is TokenKind.Dot or TokenKind.LeftBracket)
        {
            parts.Add(Part());
        }

        return parts;
    }

    private Branch ParseBranch(Term? value, bool unify, int start)
    {
        bool hasIf = IsKeyword("if");
        List<Literal>? body = null;
        bool braces = false;
        if (hasIf)
        {
            _at++;
            braces = Now.Kind == TokenKind.LeftBrace;
            body = braces ? Braces() : [ParseLiteral()];
        }
        else if (Now.Kind == TokenKind.LeftBrace)
        {
            if (_v1)
            {
                throw new RegoSyntaxException("unexpected {: the if keyword is required before a rule body", Now.Start);
            }

            braces = true;
            body = Braces();
        }

        var branch = new Branch(value, body) { HasIf = hasIf, HasBraces = braces, UsesUnify = unify, Start = start };
        End(branch);
        return branch;
    }

    private List<Literal> Braces()
    {
        int open = Now.Start;
        Expect(TokenKind.LeftBrace, "{");
        Enter();
        List<Literal> body = Query(TokenKind.RightBrace);
        if (body.Count == 0)
        {
            throw new RegoSyntaxException("body is empty", open);
        }

        Expect(TokenKind.RightBrace, "}");
        _nesting--;
        return body;
    }

    private List<Literal> Query(TokenKind close)
    {
        var body = new List<Literal>();
        while (true)
        {
            while (Now.Kind == TokenKind.Semicolon && body.Count > 0)
            {
                _at++;
            }

            if (Now.Kind == close || Now.Kind == TokenKind.End)
            {
                return body;
            }

            if (body.Count > 0 && _tokens[_at - 1].Kind != TokenKind.Semicolon && !Now.LineBefore)
            {
                throw Unexpected("; or end of line");
            }

            body.Add(ParseLiteral());
        }
    }

    private Literal ParseLiteral()
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        int start = Now.Start;
        Literal literal;
        if (IsKeyword("some"))
        {
            literal = ParseSome();
        }
        else if (IsKeyword("every"))
        {
            literal = ParseEvery();
        }
        else if (IsKeyword("not"))
        {
            _at++;
            if (IsKeyword("some") || IsKeyword("every") || IsKeyword("not"))
            {
                if (IsKeyword("every"))
                {
                    throw new RegoSyntaxException("not cannot stand before every", Now.Start);
                }

                throw new RegoSyntaxException($"not cannot stand before {Now.Text}", Now.Start);
            }

            literal = new ExpressionLiteral(Statement(), negated: true);
        }
        else
        {
            literal = new ExpressionLiteral(Statement(), negated: false);
        }

        literal.Start = start;
        End(literal);
        while (IsKeyword("with"))
        {
            if (literal is SomeLiteral)
            {
                throw new RegoSyntaxException("with cannot modify a some declaration", Now.Start);
            }

            int withStart = Now.Start;
            _at++;
            Term target = Postfix();
            if (target is not (VarTerm or RefTerm))
            {
                throw new RegoSyntaxException("with target must be a reference", withStart);
            }

            if (!IsKeyword("as"))
            {
                throw Unexpected("as");
            }

            _at++;
            var modifier = At(new WithModifier(target, Infix(0)), withStart);
            End(modifier);
            literal.With.Add(modifier);
        }

        End(literal);
        return literal;
    }

    private Literal ParseSome()
    {
        int start = Now.Start;
        _at++;
        var terms = new List<Term> { Infix(1) };
        while (Now.Kind == TokenKind.Comma)
        {
            _at++;
            terms.Add(Infix(1));
        }

        if (IsKeyword("in"))
        {
            if (terms.Count > 2)
            {
                throw new RegoSyntaxException("some … in takes one or two terms", start);
            }

            _at++;
            Term collection = Infix(0);
            return new SomeInLiteral(terms.Count == 2 ? terms[0] : null, terms[^1], collection);
        }

        foreach (Term term in terms)
        {
            if (term is not VarTerm)
            {
                throw new RegoSyntaxException("some takes names, or a term followed by in", term.Start);
            }
        }

        return new SomeLiteral([.. terms.Cast<VarTerm>()]);
    }

    private EveryLiteral ParseEvery()
    {
        _at++;
        Term? key = null;
        Term value = Infix(1);
        if (Now.Kind == TokenKind.Comma)
        {
            _at++;
            key = value;
            value = Infix(1);
        }

        if (!IsKeyword("in"))
        {
            throw Unexpected("in");
        }

        if (value is not VarTerm || key is not (null or VarTerm))
        {
            throw new RegoSyntaxException("every takes names before in", value.Start);
        }

        _at++;
        Term domain = Infix(0);
        int open = Now.Start;
        return new EveryLiteral(key, value, domain, Braces()) { BodyStart = open };
    }

    // An expression that may bind: `a = b`, `a := b`, `k, v in c`.
    private Term Statement()
    {
        int start = Now.Start;
        Term left = MemberPair();
        if (Now.Kind is TokenKind.Assign or TokenKind.Unify)
        {
            TokenKind op = Now.Kind;
            _at++;
            Term right = MemberPair();
            if (Now.Kind is TokenKind.Assign or TokenKind.Unify)
            {
                throw Unexpected("end of expression");
            }

            left = At(new InfixTerm(op, left, right), start);
            End(left);
        }

        return left;
    }

    private Term MemberPair()
    {
        int start = Now.Start;
        Term first = Infix(0);
        if (Now.Kind != TokenKind.Comma || first is MemberTerm { InParentheses: false } || !_keywords.Contains("in"))
        {
            return first;
        }

        int mark = _at;
        _at++;
        Term value = Infix(1);
        if (!IsKeyword("in"))
        {
            _at = mark;
            return first;
        }

        return Members(start, first, value);
    }

    private Term Members(int start, Term? key, Term value)
    {
        Term term = value;
        int count = 0;
        while (IsKeyword("in"))
        {
            _at++;
            term = At(new MemberTerm(key, term, Infix(1)), start);
            End(term);
            key = null;
            Chain(ref count);
        }

        return term;
    }

    private void Chain(ref int count)
    {
        if (++count > MaxChain)
        {
            throw new RegoSyntaxException($"more than {MaxChain} operators in one expression", Now.Start);
        }
    }

    // Levels: 0 in, 1 relational, 2 |, 3 &, 4 + -, 5 * / %.
    private Term Infix(int level, bool bar = true)
    {
        int start = Now.Start;
        Term left = level >= 5 ? Unary() : Infix(level + 1, bar);
        if (level == 0)
        {
            return Members(start, null, left);
        }

        int count = 0;
        while (LevelOf(Now.Kind) == level && (bar || Now.Kind != TokenKind.Or))
        {
            TokenKind op = Now.Kind;
            _at++;
            Term right = level >= 5 ? Unary() : Infix(level + 1, bar);
            left = At(new InfixTerm(op, left, right), start);
            End(left);
            Chain(ref count);
        }

        return left;
    }

    private static int LevelOf(TokenKind kind) => kind switch
    {
        TokenKind.Equal or TokenKind.NotEqual or TokenKind.Less or TokenKind.LessOrEqual or TokenKind.Greater or TokenKind.GreaterOrEqual => 1,
        TokenKind.Or => 2,
        TokenKind.And => 3,
        TokenKind.Plus or TokenKind.Minus => 4,
        TokenKind.Star or TokenKind.Slash or TokenKind.Percent => 5,
        _ => -1,
    };

    private Term Unary()
    {
        if (Now.Kind != TokenKind.Minus)
        {
            return Postfix();
        }

        int start = Now.Start;
        _at++;
        if (Now.Kind == TokenKind.Number && !Now.SpaceBefore)
        {
            var number = (RegoNumber)Now.Value!;
            _at++;
            RegoNumber negated = RegoNumber.TryParse("-" + number.ToText(), out RegoNumber? n) ? n : RegoNumber.Negate(number);
            Term literal = At(new ScalarTerm(negated), start);
            End(literal);
            return literal;
        }

        Enter();
        Term negative = At(new NegativeTerm(Unary()), start);
        End(negative);
        _nesting--;
        return negative;
    }

    private Term Postfix()
    {
        int start = Now.Start;
        Term term = Primary();
        if (term is ScalarTerm or TemplateTerm)
        {
            return term;
        }

        while (!Now.SpaceBefore)
        {
            if (Now.Kind is TokenKind.Dot or TokenKind.LeftBracket)
            {
                var parts = new List<RefPart>();
                while (!Now.SpaceBefore && Now.Kind is TokenKind.Dot or TokenKind.LeftBracket)
                {
                    parts.Add(Part());
                }

                term = At(new RefTerm(term, parts), start);
            }
            else if (Now.Kind == TokenKind.LeftParen && IsCallable(term))
            {
                List<Term> arguments = ArgumentList();
                term = term is VarTerm { Name: "set" } && arguments.Count == 0 ? At(new SetTerm([]), start) : At(new CallTerm(term, arguments), start);
            }
            else
            {
                break;
            }

            End(term);
            Enter();
            _nesting--;
        }

        return term;
    }

    private static bool IsCallable(Term term) => term switch
    {
        VarTerm v => !v.IsWildcard && !v.InParentheses,
        RefTerm { InParentheses: false, Head: VarTerm } r => r.Parts.TrueForAll(static p => p.Operand is ScalarTerm { Value: RegoString }),
        _ => false,
    };

    private RefPart Part()
    {
        if (Now.Kind == TokenKind.Dot)
        {
            _at++;
            if (Now.Kind != TokenKind.Identifier || Now.SpaceBefore)
            {
                throw Unexpected("a name");
            }

            Term name = At(new ScalarTerm(RegoString.Of(Now.Text)), Now.Start);
            _at++;
            End(name);
            return new RefPart(name, IsDot: true);
        }

        _at++;
        Enter();
        Term operand = Infix(0);
        Expect(TokenKind.RightBracket, "]");
        _nesting--;
        return new RefPart(operand, IsDot: false);
    }

    private List<Term> ArgumentList()
    {
        Expect(TokenKind.LeftParen, "(");
        Enter();
        List<Term> arguments = Items(TokenKind.RightParen, []);
        _nesting--;
        return arguments;
    }

    private List<Term> Items(TokenKind close, List<Term> items)
    {
        while (Now.Kind != close)
        {
            items.Add(Infix(0));
            if (Now.Kind != TokenKind.Comma)
            {
                break;
            }

            _at++;
        }

        Expect(close, close switch { TokenKind.RightParen => ")", TokenKind.RightBracket => "]", _ => "}" });
        return items;
    }

    private Term Primary()
    {
        Token token = Now;
        int start = token.Start;
        switch (token.Kind)
        {
            case TokenKind.Number:
                return Single(new ScalarTerm((RegoNumber)token.Value!));
            case TokenKind.String:
                return Single(new ScalarTerm(RegoString.Of(token.Text)));
            case TokenKind.RawString:
                return Single(new ScalarTerm(RegoString.Of(token.Text)) { IsRaw = true });
            case TokenKind.Template:
                return Template(token);
            case TokenKind.Identifier:
                return Word(token);
            case TokenKind.LeftParen:
                return Parentheses(start);
            case TokenKind.LeftBracket:
                return Bracket(start);
            case TokenKind.LeftBrace:
                return Brace(start);
            default:
                throw Unexpected("a term");
        }
    }

    private Term Single(Term term)
    {
        term.Start = Now.Start;
        _at++;
        End(term);
        return term;
    }

    private Term Word(Token token)
    {
        bool isRef = Following is { Kind: TokenKind.Dot, SpaceBefore: false };
        if (!isRef)
        {
            switch (token.Text)
            {
                case "null":
                    return Single(new ScalarTerm(RegoValue.Null));
                case "true":
                    return Single(new ScalarTerm(RegoValue.True));
                case "false":
                    return Single(new ScalarTerm(RegoValue.False));
            }

            bool isCall = Following is { Kind: TokenKind.LeftParen, SpaceBefore: false };
            if (_keywords.Contains(token.Text) && !(isCall && token.Text == "contains"))
            {
                throw new RegoSyntaxException($"unexpected {token.Text} keyword", token.Start);
            }
        }

        return Single(new VarTerm(token.Text));
    }

    private Term Parentheses(int start)
    {
        _at++;
        Enter();
        Term inner = Statement();
        if (inner is InfixTerm { Operator: TokenKind.Assign, InParentheses: false })
        {
            throw new RegoSyntaxException(":= cannot stand in parentheses", start);
        }

        Expect(TokenKind.RightParen, ")");
        _nesting--;
        inner.InParentheses = true;
        return inner;
    }

    private Term Bracket(int start)
    {
        _at++;
        Enter();
        Term term;
        if (Now.Kind == TokenKind.RightBracket)
        {
            _at++;
            term = At(new ArrayTerm([]), start);
        }
        else
        {
            Term first = Infix(0, bar: false);
            if (Now.Kind == TokenKind.Or)
            {
                term = At(new ComprehensionTerm(ComprehensionKind.Array, null, first, ComprehensionBody(TokenKind.RightBracket)), start);
            }
            else
            {
                var items = new List<Term> { first };
                if (Now.Kind == TokenKind.Comma)
                {
                    _at++;
                    Items(TokenKind.RightBracket, items);
                }
                else
                {
                    Expect(TokenKind.RightBracket, "] or ,");
                }

                term = At(new ArrayTerm(items), start);
            }
        }

        _nesting--;
        End(term);
        return term;
    }

    private Term Brace(int start)
    {
        _at++;
        Enter();
        Term term;
        if (Now.Kind == TokenKind.RightBrace)
        {
            _at++;
            term = At(new ObjectTerm([]), start);
        }
        else
        {
            Term first = Infix(0, bar: false);
            term = Now.Kind switch
            {
                TokenKind.Colon => Members(start, first),
                TokenKind.Or => At(new ComprehensionTerm(ComprehensionKind.Set, null, first, ComprehensionBody(TokenKind.RightBrace)), start),
                _ => SetItems(start, first),
            };
        }

        _nesting--;
        End(term);
        return term;
    }

    private SetTerm SetItems(int start, Term first)
    {
        var items = new List<Term> { first };
        if (Now.Kind == TokenKind.Comma)
        {
            _at++;
            Items(TokenKind.RightBrace, items);
        }
        else
        {
            Expect(TokenKind.RightBrace, "} or ,");
        }

        return At(new SetTerm(items), start);
    }

    private Term Members(int start, Term firstKey)
    {
        _at++;
        Term value = Infix(0, bar: false);
        if (Now.Kind == TokenKind.Or)
        {
            return At(new ComprehensionTerm(ComprehensionKind.Object, firstKey, value, ComprehensionBody(TokenKind.RightBrace)), start);
        }

        var members = new List<(Term, Term)> { (firstKey, value) };
        while (Now.Kind == TokenKind.Comma)
        {
            _at++;
            if (Now.Kind == TokenKind.RightBrace)
            {
                break;
            }

            Term key = Infix(0);
            Expect(TokenKind.Colon, ":");
            members.Add((key, Infix(0)));
        }

        Expect(TokenKind.RightBrace, "} or ,");
        return At(new ObjectTerm(members), start);
    }

    private List<Literal> ComprehensionBody(TokenKind close)
    {
        int bar = Now.Start;
        _at++;
        List<Literal> body = Query(close);
        if (body.Count == 0)
        {
            throw new RegoSyntaxException("comprehension has no body", bar);
        }

        Expect(close, close == TokenKind.RightBracket ? "]" : "}");
        return body;
    }

    private TemplateTerm Template(Token token)
    {
        var parts = new List<(string?, Term?)>();
        foreach (TemplatePart part in (List<TemplatePart>)token.Value!)
        {
            if (part.Tokens is null)
            {
                parts.Add((part.Text, null));
                continue;
            }

            Token[] outer = _tokens;
            int at = _at;
            _tokens = part.Tokens;
            _at = 0;
            Enter();
            Term term = Infix(0);
            Expect(TokenKind.End, "} at the end of the template expression");
            _nesting--;
            _tokens = outer;
            _at = at;
            parts.Add((null, term));
        }

        TemplateTerm template = At(new TemplateTerm(parts), token.Start);
        _at++;
        End(template);
        return template;
    }

    private bool IsKeyword(string word) =>
        Now.Is(word) && _keywords.Contains(word) && Following is not { Kind: TokenKind.Dot, SpaceBefore: false };

    private void Enter()
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (++_nesting > MaxNesting)
        {
            throw new RegoSyntaxException($"source nests deeper than {MaxNesting} levels", Now.Start);
        }
    }

    private void Expect(TokenKind kind, string what)
    {
        if (Now.Kind != kind)
        {
            throw Unexpected(what);
        }

        if (kind != TokenKind.End)
        {
            _at++;
        }
    }

    private RegoSyntaxException Unexpected(string expected)
    {
        string found = Now.Kind == TokenKind.End ? "end of text" : _source.Excerpt(Now.Start, Math.Min(Now.End, Now.Start + 40));
        return new RegoSyntaxException($"unexpected {found}: expected {expected}", Now.Start);
    }

    private static T At<T>(T node, int start)
        where T : Node
    {
        node.Start = start;
        return node;
    }

    private void End(Node node) => node.End = _at > 0 ? _tokens[_at - 1].End : node.Start;
}
