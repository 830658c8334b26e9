// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers;

/// <summary>Names one piece of collateral: the kind and where its issuer publishes it.</summary>
/// <param name="Kind">For example <c>amd-vcek</c>, <c>amd-crl</c>, <c>intel-tcb-info</c>, <c>intel-pck-crl</c>; lower case with hyphens.</param>
/// <param name="Id">What tells it from others of its kind, for example <c>Milan/&lt;chip id&gt;/&lt;tcb&gt;</c> or an FMSPC. No scheme, no host.</param>
public sealed record CollateralKey(string Kind, string Id);
