// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Functions;

/// <summary>The types that a parameter of a built-in function accepts.</summary>
[Flags]
internal enum RegoTypes
{
    None = 0,
    Null = 1 << RegoKind.Null,
    Boolean = 1 << RegoKind.Boolean,
    Number = 1 << RegoKind.Number,
    String = 1 << RegoKind.String,
    Array = 1 << RegoKind.Array,
    Object = 1 << RegoKind.Object,
    Set = 1 << RegoKind.Set,
    Any = Null | Boolean | Number | String | Array | Object | Set,
}
