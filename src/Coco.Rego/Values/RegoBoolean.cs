// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>True or false; there are only two instances.</summary>
public sealed class RegoBoolean : RegoValue
{
    internal static readonly RegoBoolean TrueValue = new(true);
    internal static readonly RegoBoolean FalseValue = new(false);

    private RegoBoolean(bool value)
        : base(RegoKind.Boolean, 0) => Value = value;

    /// <summary>The value.</summary>
    public bool Value { get; }

    /// <summary>The instance for a value.</summary>
    public static RegoBoolean Of(bool value) => value ? TrueValue : FalseValue;

    private protected override bool EqualsSameKind(RegoValue other) => ReferenceEquals(this, other);

    private protected override int CompareSameKind(RegoValue other) => Value.CompareTo(((RegoBoolean)other).Value);

    private protected override int ComputeHash() => Value ? 0x7472 : 0x6661;
}
