// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Rego.Builtins.Text;

/// <summary>Reads the syntax of Go's <c>text/template</c>, but for nested template definitions.</summary>
internal sealed class GoTemplateParser
{
    private const int MaxDepth = 64;

    private readonly string _text;
    private int _position;
    private int _depth;
    private string _action = "";
    private int _at;
    private bool _trimNext;

    private GoTemplateParser(string text) => _text = text;

    /// <exception cref="FormatException">The text is no template.</exception>
    public static List<GoTemplateNode> Parse(string text)
    {
        var parser = new GoTemplateParser(text);
        var nodes = parser.List(out var end);
        return end == "" ? nodes : throw new FormatException($"template: unexpected {{{{{end}}}}}");
    }

    // Nodes up to an action that ends the list (end, else, else if …), whose text is given back; "" at the end of the text.
    private List<GoTemplateNode> List(out string end)
    {
        if (++_depth > MaxDepth)
        {
            throw new FormatException("template: nests too deeply");
        }

        var nodes = new List<GoTemplateNode>();
        while (NextAction(nodes))
        {
            var word = Word();
            switch (word)
            {
                case "end" or "else":
                    end = word == "end" ? "end" : _action.Trim();
                    _depth--;
                    return nodes;
                case "if":
                    nodes.Add(Branch(GoTemplateKind.If));
                    break;
                case "range":
                    nodes.Add(Branch(GoTemplateKind.Range));
                    break;
                case "with":
                    nodes.Add(Branch(GoTemplateKind.With));
                    break;
                case "break":
                    nodes.Add(new GoTemplateNode { Kind = GoTemplateKind.Break });
                    break;
                case "continue":
                    nodes.Add(new GoTemplateNode { Kind = GoTemplateKind.Continue });
                    break;
                case "define" or "template" or "block":
                    throw new FormatException($"template: {word} is not supported");
                default:
                    _at = 0;
                    nodes.Add(Simple());
                    break;
            }
        }

        _depth--;
        end = "";
        return nodes;
    }

    // Adds the literal before the next action; false at the end of the text.
    private bool NextAction(List<GoTemplateNode> nodes)
    {
        while (true)
        {
            var open = _text.IndexOf("{{", _position, StringComparison.Ordinal);
            var literal = _text[_position..(open < 0 ? _text.Length : open)];
            if (_trimNext)
            {
                literal = literal.TrimStart();
            }

            if (open < 0)
            {
                _position = _text.Length;
                AddLiteral(nodes, literal);
                return false;
            }

            var start = open + 2;
            if (start + 1 < _text.Length && _text[start] == '-' && char.IsWhiteSpace(_text[start + 1]))
            {
                literal = literal.TrimEnd();
                start++;
            }

            AddLiteral(nodes, literal);
            var close = FindClose(start);
            var action = _text[start..close];
            _position = close + 2;
            _trimNext = action.Length > 1 && action[^1] == '-' && char.IsWhiteSpace(action[^2]);
            if (_trimNext)
            {
                action = action[..^1];
            }

            if (!action.TrimStart().StartsWith("/*", StringComparison.Ordinal))
            {
                _action = action;
                _at = 0;
                return true;
            }
        }
    }

    private static void AddLiteral(List<GoTemplateNode> nodes, string literal)
    {
        if (literal.Length > 0)
        {
            nodes.Add(new GoTemplateNode { Kind = GoTemplateKind.Literal, Text = literal });
        }
    }

    private int FindClose(int start)
    {
        for (var i = start; i + 1 < _text.Length; i++)
        {
            switch (_text[i])
            {
                case '}' when _text[i + 1] == '}':
                    return i;
                case '"' or '`' or '\'':
                    i = EndOfQuoted(_text, i) - 1;
                    break;
                case '/' when _text[i + 1] == '*':
                    var end = _text.IndexOf("*/", i, StringComparison.Ordinal);
                    i = end < 0 ? _text.Length : end + 1;
                    break;
            }
        }

        throw new FormatException("template: unclosed action");
    }

    private static int EndOfQuoted(string text, int start)
    {
        for (var i = start + 1; i < text.Length; i++)
        {
            if (text[i] == '\\' && text[start] != '`')
            {
                i++;
            }
            else if (text[i] == text[start])
            {
                return i + 1;
            }
        }

        throw new FormatException("template: unterminated quoted string");
    }

    private GoTemplateNode Branch(GoTemplateKind kind)
    {
        var node = Clause(kind);
        node.Body = List(out var end);
        if (end.StartsWith("else", StringComparison.Ordinal))
        {
            var rest = end[4..].Trim();
            if (rest.Length == 0)
            {
                node.Else = List(out end);
            }
            else if (rest.StartsWith("if ", StringComparison.Ordinal) || rest.StartsWith("with ", StringComparison.Ordinal))
            {
                var isIf = rest.StartsWith("if ", StringComparison.Ordinal);
                _action = rest[(isIf ? 2 : 4)..];
                _at = 0;
                if (++_depth > MaxDepth)
                {
                    throw new FormatException("template: nests too deeply");
                }

                node.Else = [Branch(isIf ? GoTemplateKind.If : GoTemplateKind.With)];
                _depth--;
                return node;
            }
            else
            {
                throw new FormatException($"template: unexpected {{{{{end}}}}}");
            }
        }

        return end == "end" ? node : throw new FormatException("template: unexpected EOF");
    }

    private GoTemplateNode Clause(GoTemplateKind kind)
    {
        var variables = Declaration(out _);
        return new GoTemplateNode { Kind = kind, Variables = variables, Pipeline = Pipeline(inParentheses: false) };
    }

    private GoTemplateNode Simple()
    {
        var variables = Declaration(out var assigns);
        var kind = variables.Count == 0 ? GoTemplateKind.Output : assigns ? GoTemplateKind.Assign : GoTemplateKind.Declare;
        return new GoTemplateNode { Kind = kind, Variables = variables, Pipeline = Pipeline(inParentheses: false) };
    }

    // "$x :=", "$i, $x :=" or "$x ="; leaves the position alone where none stands here.
    private List<string> Declaration(out bool assigns)
    {
        assigns = false;
        var start = _at;
        var names = new List<string>();
        while (true)
        {
            Spaces();
            if (_at >= _action.Length || _action[_at] != '$')
            {
                break;
            }

            names.Add(Variable());
            Spaces();
            if (_at < _action.Length && _action[_at] == ',')
            {
                _at++;
                continue;
            }

            if (_action.AsSpan(_at).StartsWith(":="))
            {
                _at += 2;
                return names;
            }

            if (_action.AsSpan(_at).StartsWith("="))
            {
                _at++;
                assigns = true;
                return names;
            }

            break;
        }

        _at = start;
        return [];
    }

    private List<List<GoTemplateOperand>> Pipeline(bool inParentheses)
    {
        if (++_depth > MaxDepth)
        {
            throw new FormatException("template: nests too deeply");
        }

        var commands = new List<List<GoTemplateOperand>>();
        while (true)
        {
            var command = new List<GoTemplateOperand>();
            Spaces();
            while (_at < _action.Length && _action[_at] is not ('|' or ')'))
            {
                command.Add(Operand());
                Spaces();
            }

            if (command.Count == 0)
            {
                throw new FormatException("template: missing value for command");
            }

            commands.Add(command);
            if (_at < _action.Length && _action[_at] == '|')
            {
                _at++;
                continue;
            }

            if (inParentheses != (_at < _action.Length))
            {
                throw new FormatException(inParentheses ? "template: unclosed left paren" : "template: unexpected right paren");
            }

            _at += inParentheses ? 1 : 0;
            _depth--;
            return commands;
        }
    }

    private GoTemplateOperand Operand()
    {
        GoTemplateOperand operand;
        var c = _action[_at];
        if (c == '(')
        {
            _at++;
            operand = new GoTemplateOperand { Nested = Pipeline(inParentheses: true) };
        }
        else if (c == '.')
        {
            operand = new GoTemplateOperand { IsDot = true };
            if (_at + 1 >= _action.Length || !(char.IsLetter(_action[_at + 1]) || _action[_at + 1] == '_'))
            {
                _at++;
                return operand;
            }
        }
        else if (c == '$')
        {
            operand = new GoTemplateOperand { Variable = Variable() };
        }
        else if (c is '"' or '`' or '\'')
        {
            var end = EndOfQuoted(_action, _at);
            operand = new GoTemplateOperand { Constant = Unquote(_action[_at..end]) };
            _at = end;
        }
        else if (char.IsAsciiDigit(c) || c is '-' or '+')
        {
            operand = new GoTemplateOperand { Constant = Number() };
        }
        else
        {
            operand = Named();
        }

        while (_at < _action.Length && _action[_at] == '.')
        {
            _at++;
            var field = Word();
            if (field.Length == 0)
            {
                throw new FormatException("template: unexpected <.> in operand");
            }

            operand.Fields.Add(field);
        }

        return operand;
    }

    private GoTemplateOperand Named()
    {
        var word = Word();
        return word switch
        {
            "" => throw new FormatException($"template: unexpected \"{_action[_at]}\" in operand"),
            "true" => new GoTemplateOperand { Constant = RegoValue.True },
            "false" => new GoTemplateOperand { Constant = RegoValue.False },
            "nil" => new GoTemplateOperand { Constant = RegoValue.Null },
            _ when GoTemplateFunctions.Exists(word) => new GoTemplateOperand { Function = word },
            _ => throw new FormatException($"template: function \"{word}\" not defined"),
        };
    }

    private RegoNumber Number()
    {
        var start = _at;
        while (_at < _action.Length && (char.IsAsciiLetterOrDigit(_action[_at]) || _action[_at] is '.' or '+' or '-' or '_'))
        {
            _at++;
        }

        return NumberText.TryParse(_action[start.._at], out var number)
            ? number
            : throw new FormatException($"template: bad number syntax: \"{_action[start.._at]}\"");
    }

    private static RegoValue Unquote(string quoted)
    {
        var body = quoted[1..^1];
        if (quoted[0] == '`')
        {
            return body;
        }

        var result = new StringBuilder();
        for (var i = 0; i < body.Length; i++)
        {
            if (body[i] != '\\')
            {
                result.Append(body[i]);
                continue;
            }

            i++;
            result.Append(body[i] switch
            {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'a' => '\a',
                'b' => '\b',
                'f' => '\f',
                'v' => '\v',
                '\\' or '"' or '\'' => body[i],
                _ => throw new FormatException("template: unsupported escape in string"),
            });
        }

        if (quoted[0] == '\'')
        {
            return Rune.TryGetRuneAt(result.ToString(), 0, out var rune) ? rune.Value : throw new FormatException("template: malformed character constant");
        }

        return result.ToString();
    }

    private string Variable()
    {
        var start = _at++;
        Word(skipSpaces: false);
        return _action[start.._at];
    }

    private void Spaces()
    {
        while (_at < _action.Length && char.IsWhiteSpace(_action[_at]))
        {
            _at++;
        }
    }

    private string Word(bool skipSpaces = true)
    {
        if (skipSpaces && _at == 0)
        {
            Spaces();
        }

        var start = _at;
        while (_at < _action.Length && (char.IsLetterOrDigit(_action[_at]) || _action[_at] == '_'))
        {
            _at++;
        }

        return _action[start.._at];
    }
}
