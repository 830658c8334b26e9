// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins.Patterns;

/// <summary>Kinds of nodes in the syntax tree of a regular expression.</summary>
internal enum Re2Op : byte
{
    Empty,
    Class,
    BeginLine,
    EndLine,
    BeginText,
    EndText,
    WordBoundary,
    NoWordBoundary,
    Capture,
    Repeat,
    Concat,
    Alternate,
}

/// <summary>A node of the syntax tree of a regular expression.</summary>
internal sealed class Re2Node(Re2Op op)
{
    public Re2Op Op { get; } = op;

    /// <summary>Sub-expressions of concatenation and alternation; the only one of a capture or a repetition.</summary>
    public List<Re2Node> Subs { get; init; } = [];

    /// <summary>Accepted characters, for <see cref="Re2Op.Class"/>.</summary>
    public RuneSet? Set { get; init; }

    /// <summary>Least number of repetitions.</summary>
    public int Min { get; init; }

    /// <summary>Greatest number of repetitions; -1 means no limit.</summary>
    public int Max { get; init; }

    public bool Greedy { get; init; } = true;

    /// <summary>Number of a capture group, from 1.</summary>
    public int Index { get; init; }
}
