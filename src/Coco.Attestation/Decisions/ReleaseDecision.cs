// SPDX-License-Identifier: Apache-2.0
using Coco.Rego;

namespace Coco.Attestation;

/// <summary>A decision of a key broker about a release, to be kept beside the appraisals. Holds names and hashes, never what was released.</summary>
public sealed record ReleaseDecision
{
    /// <summary>When (UTC).</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Method and path.</summary>
    public required string Request { get; init; }

    /// <summary>The request's id, as logs and the audit chain have it.</summary>
    public string? RequestId { get; init; }

    /// <summary>Why nothing was released; null when it was.</summary>
    public Refusal? Refusal { get; init; }

    /// <summary>Wire name of the primary TEE; null when no token was believed.</summary>
    public string? Tee { get; init; }

    /// <summary>SHA-256 of the attestation token, lower-case hexadecimal; null without one.</summary>
    public string? TokenSha256 { get; init; }

    /// <summary>When the token was issued, which is when it was appraised; null when it does not say.</summary>
    public DateTimeOffset? TokenIssuedAt { get; init; }

    /// <summary>The policy that was asked; null when none was.</summary>
    public string? PolicyId { get; init; }

    /// <summary>SHA-384 of its text, lower-case hexadecimal.</summary>
    public string? PolicySha384 { get; init; }

    /// <summary>Time that it took.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Evaluates the policy once more and says what did not hold; called in the background, only for refusals. Null when the policy did not decide.</summary>
    public Func<RegoExplanation?>? Explain { get; init; }
}
