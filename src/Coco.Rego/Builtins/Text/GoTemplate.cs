// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Rego.Functions;

namespace Coco.Rego.Builtins.Text;

/// <summary>Fills a template of Go's <c>text/template</c>; what is not defined shows as <c>&lt;undefined&gt;</c>.</summary>
internal sealed class GoTemplate
{
    private readonly BuiltinContext _context;
    private readonly StringBuilder _output = new();
    private readonly List<(string Name, RegoValue? Value)> _variables = [];
    private bool _break;
    private bool _continue;

    private GoTemplate(BuiltinContext context) => _context = context;

    public static RegoValue? Render(BuiltinContext context, string text, RegoObject data)
    {
        context.Charge(text.Length / 16);
        var template = new GoTemplate(context);
        template._variables.Add(("$", data));
        try
        {
            template.Run(GoTemplateParser.Parse(text), data);
        }
        catch (FormatException e)
        {
            return context.Fail(e.Message);
        }

        return context.Output(template._output.ToString());
    }

    private void Run(List<GoTemplateNode> nodes, RegoValue? dot)
    {
        var scope = _variables.Count;
        foreach (var node in nodes)
        {
            _context.Charge(1);
            switch (node.Kind)
            {
                case GoTemplateKind.Literal:
                    Write(node.Text);
                    break;
                case GoTemplateKind.Output:
                    Write(GoTemplateFunctions.Show(Evaluate(node.Pipeline, dot)));
                    break;
                case GoTemplateKind.Declare:
                    _variables.Add((node.Variables[0], Evaluate(node.Pipeline, dot)));
                    break;
                case GoTemplateKind.Assign:
                    var at = Find(node.Variables[0]);
                    _variables[at] = (node.Variables[0], Evaluate(node.Pipeline, dot));
                    break;
                case GoTemplateKind.If or GoTemplateKind.With:
                    Choose(node, dot);
                    break;
                case GoTemplateKind.Range:
                    Repeat(node, dot);
                    break;
                default:
                    _break = node.Kind == GoTemplateKind.Break;
                    _continue = !_break;
                    break;
            }

            if (_break || _continue)
            {
                break;
            }
        }

        _variables.RemoveRange(scope, _variables.Count - scope);
    }

    private void Write(string text)
    {
        _context.ChargeOutput(_output.Length + (long)text.Length);
        _output.Append(text);
    }

    private int Find(string name)
    {
        var at = _variables.FindLastIndex(variable => variable.Name == name);
        return at >= 0 ? at : throw new FormatException($"template: undefined variable \"{name}\"");
    }

    private void Choose(GoTemplateNode node, RegoValue? dot)
    {
        var scope = _variables.Count;
        var value = Evaluate(node.Pipeline, dot);
        foreach (var name in node.Variables)
        {
            _variables.Add((name, value));
        }

        if (GoTemplateFunctions.IsTrue(value))
        {
            Run(node.Body, node.Kind == GoTemplateKind.With ? value : dot);
        }
        else
        {
            Run(node.Else, dot);
        }

        _variables.RemoveRange(scope, _variables.Count - scope);
    }

    private void Repeat(GoTemplateNode node, RegoValue? dot)
    {
        var collection = Evaluate(node.Pipeline, dot);
        var items = collection is RegoObject members ? members.Values.ToArray() : (collection?.ItemsOf().ToArray() ?? []);
        if (collection is RegoNumber count && count.TryGetInt32(out var limit))
        {
            _context.ChargeValues(Math.Max(0, limit));
            items = [.. Enumerable.Range(0, Math.Max(0, limit)).Select(static i => (RegoValue)RegoNumber.Of(i))];
        }

        if (items.Length == 0)
        {
            Run(node.Else, dot);
            return;
        }

        var scope = _variables.Count;
        for (var i = 0; i < items.Length; i++)
        {
            var key = collection is RegoObject keyed ? keyed.Keys[i] : RegoNumber.Of(i);
            if (node.Variables.Count == 1)
            {
                _variables.Add((node.Variables[0], items[i]));
            }
            else if (node.Variables.Count > 1)
            {
                _variables.Add((node.Variables[0], key));
                _variables.Add((node.Variables[1], items[i]));
            }

            _continue = false;
            Run(node.Body, items[i]);
            _variables.RemoveRange(scope, _variables.Count - scope);
            if (_break)
            {
                break;
            }
        }

        _break = _continue = false;
    }

    private RegoValue? Evaluate(List<List<GoTemplateOperand>> pipeline, RegoValue? dot)
    {
        RegoValue? result = null;
        for (var i = 0; i < pipeline.Count; i++)
        {
            _context.Charge(1);
            var command = pipeline[i];
            if (command[0].Function is not { } function)
            {
                if (command.Count > 1 || i > 0)
                {
                    throw new FormatException("template: can't give argument to non-function");
                }

                result = Operand(command[0], dot);
                continue;
            }

            var arguments = command.Skip(1).Select(operand => Operand(operand, dot)).ToList();
            if (i > 0)
            {
                arguments.Add(result);
            }

            result = Fields(GoTemplateFunctions.Call(_context, function, arguments), command[0].Fields);
        }

        return result;
    }

    private RegoValue? Operand(GoTemplateOperand operand, RegoValue? dot)
    {
        var value = operand switch
        {
            { Constant: { } constant } => constant,
            { IsDot: true } => dot,
            { Variable: { } name } => _variables[Find(name)].Value,
            { Nested: { } nested } => Evaluate(nested, dot),
            _ => GoTemplateFunctions.Call(_context, operand.Function!, []),
        };
        return Fields(value, operand.Fields);
    }

    private static RegoValue? Fields(RegoValue? value, List<string> fields)
    {
        foreach (var field in fields)
        {
            if (value is null)
            {
                return null;
            }

            if (value is not RegoObject members)
            {
                throw new FormatException($"template: can't evaluate field {field} in type {value.TypeName}");
            }

            value = members.Get(field);
        }

        return value;
    }
}
