// SPDX-License-Identifier: Apache-2.0
namespace Coco.Attestation;

/// <summary>What is kept about decisions.</summary>
public sealed record DecisionOptions
{
    /// <summary>Keep decision records. Default true.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Records older than this are removed. Default 30 days.</summary>
    public TimeSpan Retention { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Bytes kept at most; the oldest go first. Default 256 MiB.</summary>
    public long MaxBytes { get; init; } = 256L << 20;

    /// <summary>Keep evidence, so that it can be appraised again. Default false.</summary>
    public bool RecordEvidence { get; init; }
}
