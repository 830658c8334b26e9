// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Attestation;

/// <summary>One thing that the doctor found.</summary>
/// <param name="Severity">How bad.</param>
/// <param name="What">One sentence.</param>
/// <param name="Remedy">What to do.</param>
public sealed record DoctorFinding(DoctorSeverity Severity, string What, string Remedy)
{
    /// <summary>When it begins to hurt; null when it does not depend on time.</summary>
    public DateTimeOffset? EndsAt { get; init; }

    /// <summary>What ends, as metrics name it: a kind and a name; null when it does not depend on time.</summary>
    public (string Kind, string Name)? Ending { get; init; }

    /// <summary>Recorded workloads that would then fail.</summary>
    public ImmutableArray<string> Workloads { get; init; } = [];

    /// <summary>A finding about something that ends: worse, the sooner it does.</summary>
    /// <param name="kind">Its kind, such as <c>tls-certificate</c>.</param>
    /// <param name="name">Which one.</param>
    /// <param name="endsAt">When.</param>
    /// <param name="now">The time.</param>
    /// <param name="remedy">What to do.</param>
    public static DoctorFinding Expiry(string kind, string name, DateTimeOffset endsAt, DateTimeOffset now, string remedy)
    {
        TimeSpan left = endsAt - now;
        string what = left <= TimeSpan.Zero
            ? $"{kind} {name} ended at {endsAt.UtcDateTime:u}"
            : FormattableString.Invariant($"{kind} {name} ends at {endsAt.UtcDateTime:u}, in {Math.Floor(left.TotalDays)} days");
        return new DoctorFinding(left <= TimeSpan.Zero ? DoctorSeverity.Error : left < TimeSpan.FromDays(7) ? DoctorSeverity.Warning : DoctorSeverity.Note, what, remedy)
        {
            EndsAt = endsAt,
            Ending = (kind, name),
        };
    }
}

/// <summary>How bad a finding is.</summary>
public enum DoctorSeverity
{
    /// <summary>Something fails already.</summary>
    Error,

    /// <summary>Something will fail soon, or is insecure.</summary>
    Warning,

    /// <summary>Good to know.</summary>
    Note,
}
