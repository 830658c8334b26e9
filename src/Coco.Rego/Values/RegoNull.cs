// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>The null value.</summary>
public sealed class RegoNull : RegoValue
{
    private RegoNull()
        : base(RegoKind.Null, 0)
    {
    }

    /// <summary>The only instance.</summary>
    public static RegoNull Instance { get; } = new();

    private protected override bool EqualsSameKind(RegoValue other) => true;

    private protected override int CompareSameKind(RegoValue other) => 0;

    private protected override int ComputeHash() => 0x6e75;
}
