// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>What kind of decision an <see cref="AuditEvent"/> records.</summary>
internal enum AuditKind
{
    Challenge,
    Attest,
    Release,
    AdminAccess,
    ResourcePolicy,
    AttestationPolicy,
    ReferenceValue,
    Secret,
    Plugin,

    /// <summary>A request that was refused before any endpoint saw it: its path, its size, or too many from one client.</summary>
    Request,
}

/// <summary>One decision of the broker. Holds no secret, no token and no cookie: only digests of them.</summary>
internal sealed record AuditEvent
{
    /// <summary>When it was decided (UTC).</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>What was decided about.</summary>
    public required AuditKind Kind { get; init; }

    /// <summary>The answer.</summary>
    public required bool Allowed { get; init; }

    /// <summary>Why, for an administrator; null for a plain yes.</summary>
    public string? Reason { get; init; }

    /// <summary>Kind of the refusal; null for a yes.</summary>
    public RefusalCode? Code { get; init; }

    /// <summary>Who: an administrator's subject and role, or the first 16 hexadecimal digits of the SHA-256 of the session id.</summary>
    public string? Identity { get; init; }

    /// <summary>Wire name of the TEE.</summary>
    public string? Tee { get; init; }

    /// <summary>Method and path, as decided on.</summary>
    public string? Target { get; init; }

    /// <summary>SHA-256 (hex) of the attestation token.</summary>
    public string? TokenDigest { get; init; }

    /// <summary>The policy that was asked, or that was changed.</summary>
    public string? Policy { get; init; }

    /// <summary>SHA-384 (hex) of that policy's source.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>Version of the secret that was read or written.</summary>
    public long? SecretVersion { get; init; }

    /// <summary>The id that the answer's header and the log carry.</summary>
    public required string RequestId { get; init; }

    /// <summary>Address of the client.</summary>
    public string? Client { get; init; }

    /// <summary>More than one when events of the same kind were summed up under load.</summary>
    public int Count { get; init; } = 1;
}
