// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Tee.Intel;

/// <summary>One level of a platform's TCB.</summary>
/// <param name="SgxComponents">16 component SVNs.</param>
/// <param name="PceSvn">PCESVN.</param>
/// <param name="TdxComponents">16 component SVNs; null in TCB info for SGX.</param>
/// <param name="Verdict">What the level means.</param>
public sealed record TcbLevel(ReadOnlyMemory<byte> SgxComponents, int PceSvn, ReadOnlyMemory<byte>? TdxComponents, TcbVerdict Verdict);

/// <summary>One level of a module or quoting enclave, told by its ISVSVN alone.</summary>
/// <param name="IsvSvn">ISVSVN.</param>
/// <param name="Verdict">What the level means.</param>
public sealed record SvnLevel(int IsvSvn, TcbVerdict Verdict);

/// <summary>What a level means.</summary>
/// <param name="Date">Date of the level (UTC).</param>
/// <param name="Status">Its status.</param>
/// <param name="Advisories">Ids of the advisories that concern it.</param>
public sealed record TcbVerdict(DateTimeOffset Date, TcbStatus Status, ImmutableArray<string> Advisories);
