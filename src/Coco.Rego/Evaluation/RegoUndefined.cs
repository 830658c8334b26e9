// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Evaluation;

/// <summary>Marks in memos: a document that is known to be undefined, or that is being evaluated. Never leaves the room.</summary>
internal sealed class RegoUndefined : RegoValue
{
    internal static readonly RegoUndefined Undefined = new();
    internal static readonly RegoUndefined Running = new();

    private RegoUndefined()
        : base(RegoKind.Null, 0)
    {
    }

    private protected override bool EqualsSameKind(RegoValue other) => false;

    private protected override int CompareSameKind(RegoValue other) => 0;

    private protected override int ComputeHash() => 1;
}
