// SPDX-License-Identifier: Apache-2.0
using Coco.Rego;

namespace Coco.KeyBroker;

/// <summary>Keeps why guests were given something or not, so that it can be explained. A host may register one. Thread-safe.</summary>
public interface IReleaseJournal
{
    /// <summary>Notes a decision without waiting, and gives its id, which the guest is shown.</summary>
    string Record(ReleaseRecord release);
}

/// <summary>What became of a guest's request. Holds names and hashes, never what was released.</summary>
public sealed record ReleaseRecord
{
    /// <summary>When (UTC).</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Method and path, printable.</summary>
    public required string Request { get; init; }

    /// <summary>The request's id, as the audit chain has it.</summary>
    public string? RequestId { get; init; }

    /// <summary>Why nothing was released; null when it was.</summary>
    public Refusal? Refusal { get; init; }

    /// <summary>The token; null when none was believed.</summary>
    public VerifiedToken? Token { get; init; }

    /// <summary>Wire name of the primary TEE; null without a token, or when it does not say.</summary>
    public string? Tee { get; init; }

    /// <summary>The policy that was asked; null when none was.</summary>
    public string? PolicyId { get; init; }

    /// <summary>SHA-384 of its text, lower-case hexadecimal.</summary>
    public string? PolicySha384 { get; init; }

    /// <summary>Time since the request came.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Evaluates the policy once more and says what did not hold, at the journal's leisure; null when the policy did not refuse.</summary>
    public Func<RegoExplanation?>? Explain { get; init; }
}
