// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Tee.Intel;

/// <summary>Who a TDX module has to be.</summary>
/// <param name="Id">For example <c>TDX_01</c>; an empty text for the module without identity of its own.</param>
/// <param name="MrSigner">48 bytes.</param>
/// <param name="Attributes">8 bytes.</param>
/// <param name="AttributesMask">8 bytes.</param>
/// <param name="Levels">Highest ISVSVN first; empty for the module without identity of its own.</param>
public sealed record TdxModule(
    string Id,
    ReadOnlyMemory<byte> MrSigner,
    ReadOnlyMemory<byte> Attributes,
    ReadOnlyMemory<byte> AttributesMask,
    ImmutableArray<SvnLevel> Levels);
