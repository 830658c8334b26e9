// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Protocol;
using Coco.Verifiers;
using Coco.Verifiers.Sample;

namespace Coco.Conformance;

/// <summary>Judges evidence of the sample TEE and the sample device.</summary>
public sealed class SampleJudge : IConformanceJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["sample"];

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        VectorManifest manifest = VectorManifest.TryRead(Path.Combine(root, kind)) ?? throw new FormatException("no manifest lists " + kind);
        return manifest.Entries.Select(e => new ConformanceCase(e.File, ct => JudgeAsync(e, ct)));
    }

    private static async Task<CaseVerdict> JudgeAsync(VectorEntry entry, CancellationToken ct)
    {
        using JsonDocument document = JsonDocument.Parse(entry.Bytes());
        JsonElement expected = entry.Member("expected") is { ValueKind: JsonValueKind.Object } e ? e : default;
        string? reportData = entry.Text("expected_report_data")
            ?? (expected.ValueKind == JsonValueKind.Object && expected.TryGetProperty("expected_report_data", out JsonElement r) ? r.GetString() : null);
        Binding binding = reportData is null ? Binding.NotChecked : Binding.ToRaw(Convert.FromHexString(reportData));
        IVerifier verifier = entry.Text("what")?.Contains("sampledevice", StringComparison.Ordinal) == true ? new SampleDeviceVerifier() : new SampleVerifier();
        var bound = new BoundEvidence(new Evidence(verifier.Tee, document.RootElement), binding, Binding.NotChecked);
        Result<ImmutableArray<VerifiedClaims>> result = await verifier.VerifyAsync(bound, null, ct).ConfigureAwait(false);
        if (entry.IsNegative || result.Refusal is not null)
        {
            return entry.IsNegative == (result.Refusal is not null) ? CaseVerdict.Passed : CaseVerdict.Failed(result.Refusal?.ToString() ?? "accepted");
        }

        // The binding must bite: the same evidence does not fit another value.
        byte[] other = reportData is null ? [1] : Convert.FromHexString(reportData);
        other[0] ^= 1;
        bound = bound with { ReportData = Binding.ToRaw(other) };
        return (await verifier.VerifyAsync(bound, null, ct).ConfigureAwait(false)).Refusal is null ? CaseVerdict.Failed("accepted with other report data") : CaseVerdict.Passed;
    }
}
