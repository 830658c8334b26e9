// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>Names of <see cref="AuditKind"/> in records.</summary>
internal static class AuditNames
{
    public static string ToWireName(this AuditKind kind) => kind switch
    {
        AuditKind.Challenge => "challenge",
        AuditKind.Attest => "attest",
        AuditKind.Release => "release",
        AuditKind.AdminAccess => "admin-access",
        AuditKind.ResourcePolicy => "resource-policy",
        AuditKind.AttestationPolicy => "attestation-policy",
        AuditKind.ReferenceValue => "reference-value",
        AuditKind.Secret => "secret",
        AuditKind.Plugin => "plugin",
        AuditKind.Request => "request",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
