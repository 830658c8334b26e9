// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>An authenticated administrator.</summary>
/// <param name="Role">The role that access rules speak of.</param>
/// <param name="Subject">Who it is, for the audit log; null when the proof does not say.</param>
/// <param name="Issuer">The identity provider; null when it has no name.</param>
public sealed record AdminIdentity(string Role, string? Subject, string? Issuer);
