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
    /// <param name="register">The register's whole content, in the width that the TEE gives it.</param>
    public Refusal? CheckReportData(ReadOnlySpan<byte> register)
    {
        Refusal? first = ReportData.Check(register);
        for (int i = 0; first is not null && i < AlternativeReportData.Count; i++)
        {
            if (AlternativeReportData[i].Check(register) is null)
            {
                return null;
            }
        }

        return first;
    }

    /// <summary>As <see cref="CheckReportData"/>, for a field without fixed width: no padding, no cutting.</summary>
    /// <param name="value">What the evidence holds.</param>
    public Refusal? CheckReportDataExactly(ReadOnlySpan<byte> value)
    {
        Refusal? first = ReportData.CheckExactly(value);
        for (int i = 0; first is not null && i < AlternativeReportData.Count; i++)
        {
            if (AlternativeReportData[i].CheckExactly(value) is null)
            {
                return null;
            }
        }

        return first;
    }
}
