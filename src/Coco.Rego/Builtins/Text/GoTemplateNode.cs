// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins.Text;

/// <summary>Kinds of nodes of a template.</summary>
internal enum GoTemplateKind : byte
{
    Literal,
    Output,
    Declare,
    Assign,
    If,
    Range,
    With,
    Break,
    Continue,
}

/// <summary>A node of a template.</summary>
internal sealed class GoTemplateNode
{
    public required GoTemplateKind Kind { get; init; }

    public string Text { get; init; } = "";

    /// <summary>Commands, each fed the result of the one before as its last argument.</summary>
    public List<List<GoTemplateOperand>> Pipeline { get; init; } = [];

    /// <summary>Variables that are declared or assigned.</summary>
    public List<string> Variables { get; init; } = [];

    public List<GoTemplateNode> Body { get; set; } = [];

    public List<GoTemplateNode> Else { get; set; } = [];
}

/// <summary>One word of a command.</summary>
internal sealed class GoTemplateOperand
{
    /// <summary>A constant.</summary>
    public RegoValue? Constant { get; init; }

    /// <summary>Name of a function.</summary>
    public string? Function { get; init; }

    /// <summary>Name of a variable with its dollar sign.</summary>
    public string? Variable { get; init; }

    /// <summary>True for the dot.</summary>
    public bool IsDot { get; init; }

    /// <summary>A pipeline in parentheses.</summary>
    public List<List<GoTemplateOperand>>? Nested { get; init; }

    /// <summary>Fields read from it, one after the other.</summary>
    public List<string> Fields { get; } = [];
}
