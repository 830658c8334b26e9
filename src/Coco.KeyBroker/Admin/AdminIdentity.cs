// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>An authenticated administrator.</summary>
/// <param name="Role">The role that access rules speak of.</param>
/// <param name="Subject">Who it is, for the audit log; null when the proof does not say.</param>
/// <param name="Issuer">The identity provider; null when it has no name.</param>
public sealed record AdminIdentity(string Role, string? Subject, string? Issuer)
{
    /// <summary>Whether the proof is of the kind that clients up to 0.20 make, to whom a resource may have two segments.</summary>
    public bool IsFormer { get; init; }

    /// <summary>Subject, role and issuer in one text.</summary>
    public override string ToString() => $"{Subject ?? "-"} ({Role}{(Issuer is null ? string.Empty : " of " + Issuer)})";
}
