// SPDX-License-Identifier: Apache-2.0
using Coco.Protocol;

namespace Coco.Verifiers;

/// <summary>Evidence together with what its registers must hold. The only thing a verifier takes.</summary>
/// <param name="Evidence">As received.</param>
/// <param name="ReportData">What the report data (or the quote's qualifying data) must hold.</param>
/// <param name="InitDataHash">What the host-data or configuration register must hold.</param>
public sealed record BoundEvidence(Evidence Evidence, Binding ReportData, Binding InitDataHash)
{
    /// <summary>
    /// Other values of which the report data may hold one instead: protocol 0.1.x had several spellings of the same nonce and key
    /// (kbs.md 2.8). Empty for current clients.
    /// </summary>
    public IReadOnlyList<Binding> AlternativeReportData { get; init; } = [];

    /// <summary>Checks <see cref="ReportData"/>, then the alternatives; null when one fits, else the refusal of the first.</summary>
    public Refusal? CheckReportData(ReadOnlySpan<byte> register)
    {
        Refusal? first = ReportData.Check(register);
        if (first is null)
        {
            return null;
        }

        foreach (Binding other in AlternativeReportData)
        {
            if (other.Check(register) is null)
            {
                return null;
            }
        }

        return first;
    }
}
