// SPDX-License-Identifier: Apache-2.0
namespace Coco.Protocol;

/// <summary>Init-data as the guest sent it.</summary>
/// <param name="Format">Only <c>toml</c> is accepted by attestation services.</param>
/// <param name="Body">The text itself; its digest is over exactly these characters in UTF-8.</param>
public sealed record InitDataText(string Format, string Body);
