// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego;

/// <summary>The type of a <see cref="RegoValue"/>; the numbers are the order of types in comparisons.</summary>
public enum RegoKind : byte
{
    /// <summary>The null value: not the same as undefined.</summary>
    Null,

    /// <summary>False or true.</summary>
    Boolean,

    /// <summary>A number of any size.</summary>
    Number,

    /// <summary>A sequence of Unicode scalar values.</summary>
    String,

    /// <summary>An ordered list.</summary>
    Array,

    /// <summary>A map whose keys may be any value.</summary>
    Object,

    /// <summary>An unordered collection without duplicates.</summary>
    Set,
}
