// SPDX-License-Identifier: Apache-2.0
namespace Coco.Conformance.GuestCases;

/// <summary>Judges guest cases of some kinds (the README of the folder describes them). Found by reflection: needs a public constructor without parameters.</summary>
public interface IGuestCaseJudge
{
    /// <summary>The kinds of the manifest that it takes.</summary>
    IReadOnlyList<string> Kinds { get; }

    /// <summary>Runs one case.</summary>
    Task<CaseVerdict> JudgeAsync(GuestCase one, CancellationToken ct);
}
