// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins.Patterns;

/// <summary>Kinds of instructions of a compiled regular expression.</summary>
internal enum Re2Code : byte
{
    Fail,
    Match,
    Jump,
    Split,
    Save,
    Assert,
    Rune,
}

/// <summary>One instruction: <see cref="Out"/> is followed first, <see cref="Alternative"/> second (only for a split).</summary>
internal struct Re2Instruction
{
    public Re2Code Code;
    public Re2Op Assertion;
    public int Out;
    public int Alternative;
    public int Slot;
    public RuneSet? Set;
}

/// <summary>Compiles the tree of a regular expression into instructions for a machine without backtracking.</summary>
internal sealed class Re2Program
{
    /// <summary>Greatest number of instructions a pattern may need.</summary>
    public const int MaxInstructions = 50_000;

    private readonly List<Re2Instruction> _code = [];

    private Re2Program()
    {
    }

    public static Re2Instruction[] Compile(Re2Node root)
    {
        var program = new Re2Program();
        program.Emit(new Re2Instruction { Code = Re2Code.Save, Out = 1, Slot = 0 });
        program.Node(root);
        var next = program._code.Count + 1;
        program.Emit(new Re2Instruction { Code = Re2Code.Save, Out = next, Slot = 1 });
        program.Emit(new Re2Instruction { Code = Re2Code.Match });
        return [.. program._code];
    }

    private int Emit(Re2Instruction instruction)
    {
        if (_code.Count >= MaxInstructions)
        {
            throw new Re2Exception("expression too large");
        }

        _code.Add(instruction);
        return _code.Count - 1;
    }

    // Every fragment falls through to the instruction behind its last one.
    private void Node(Re2Node node)
    {
        var at = _code.Count;
        switch (node.Op)
        {
            case Re2Op.Empty:
                break;
            case Re2Op.Class:
                Emit(node.Set!.IsEmpty
                    ? new Re2Instruction { Code = Re2Code.Fail }
                    : new Re2Instruction { Code = Re2Code.Rune, Set = node.Set, Out = at + 1 });
                break;
            case Re2Op.Capture:
                Emit(new Re2Instruction { Code = Re2Code.Save, Slot = 2 * node.Index, Out = at + 1 });
                Node(node.Subs[0]);
                at = _code.Count;
                Emit(new Re2Instruction { Code = Re2Code.Save, Slot = (2 * node.Index) + 1, Out = at + 1 });
                break;
            case Re2Op.Concat:
                foreach (var sub in node.Subs)
                {
                    Node(sub);
                }

                break;
            case Re2Op.Alternate:
                Alternate(node.Subs);
                break;
            case Re2Op.Repeat:
                Repeat(node);
                break;
            default:
                Emit(new Re2Instruction { Code = Re2Code.Assert, Assertion = node.Op, Out = at + 1 });
                break;
        }
    }

    private void Alternate(List<Re2Node> branches)
    {
        var exits = new List<int>();
        for (var i = 0; i < branches.Count; i++)
        {
            var split = -1;
            if (i < branches.Count - 1)
            {
                split = Emit(new Re2Instruction { Code = Re2Code.Split, Out = _code.Count + 1 });
            }

            Node(branches[i]);
            if (split >= 0)
            {
                exits.Add(Emit(new Re2Instruction { Code = Re2Code.Jump }));
                Patch(split, alternative: _code.Count);
            }
        }

        foreach (var exit in exits)
        {
            Patch(exit, next: _code.Count);
        }
    }

    private void Repeat(Re2Node node)
    {
        var sub = node.Subs[0];
        for (var i = 0; i < node.Min - (node.Max < 0 ? 1 : 0); i++)
        {
            Node(sub);
        }

        if (node.Max < 0)
        {
            Loop(sub, node.Min, node.Greedy);
            return;
        }

        var skips = new List<int>();
        for (var i = node.Min; i < node.Max; i++)
        {
            skips.Add(Emit(new Re2Instruction { Code = Re2Code.Split }));
            Node(sub);
        }

        foreach (var skip in skips)
        {
            Branch(skip, inner: skip + 1, outer: _code.Count, node.Greedy);
        }
    }

    // x* is (x+)?: a sub-expression that can be empty is then entered once, and its captures are those of that pass.
    private void Loop(Re2Node sub, int min, bool greedy)
    {
        var skip = min == 0 ? Emit(new Re2Instruction { Code = Re2Code.Split }) : -1;
        var start = _code.Count;
        Node(sub);
        var again = Emit(new Re2Instruction { Code = Re2Code.Split });
        Branch(again, inner: start, outer: _code.Count, greedy);
        if (skip >= 0)
        {
            Branch(skip, inner: start, outer: _code.Count, greedy);
        }
    }

    private void Branch(int at, int inner, int outer, bool greedy) =>
        Patch(at, next: greedy ? inner : outer, alternative: greedy ? outer : inner);

    private void Patch(int at, int? next = null, int? alternative = null)
    {
        var instruction = _code[at];
        instruction.Out = next ?? instruction.Out;
        instruction.Alternative = alternative ?? instruction.Alternative;
        _code[at] = instruction;
    }
}
