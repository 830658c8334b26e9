// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Coco.Client;
using Coco.Protocol;
using Coco.Simulator.Amd;

namespace Coco.Cli.Demo;

/// <summary>A simulated SNP guest as a source of evidence, honest or not.</summary>
/// <param name="guest">The machine that signs.</param>
/// <param name="change">What is changed in the report before it is signed.</param>
/// <param name="reportData">What is put in the report instead of what was asked for.</param>
internal sealed class DemoGuest(SimulatedSnpGuest guest, Action<SnpReportFields>? change = null, Func<EvidenceRequest, byte[]>? reportData = null) : IEvidenceProvider
{
    /// <inheritdoc/>
    public TeeType Tee => TeeType.Snp;

    /// <summary>The report data of the last evidence, for the replay.</summary>
    public byte[] LastReportData { get; private set; } = [];

    /// <inheritdoc/>
    public ValueTask<JsonElement> GetEvidenceAsync(EvidenceRequest request, CancellationToken ct)
    {
        LastReportData = reportData?.Invoke(request) ?? request.ReportData.ToArray();
        return new(guest.GetEvidenceElement(LastReportData, change));
    }
}
