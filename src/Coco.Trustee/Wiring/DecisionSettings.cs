// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Attestation;
using Coco.Protocol;

namespace Coco.Trustee;

/// <summary>
/// Table <c>attestation_service.decisions</c>, ours: <c>enabled</c> (true), <c>record_evidence</c> (false), <c>retention_days</c> (30),
/// <c>max_mebibytes</c> (256).
/// </summary>
internal static class DecisionSettings
{
    /// <exception cref="ArgumentException">A member has another type or range.</exception>
    public static DecisionOptions Read(ConfigDocument document, string? path)
    {
        var options = new DecisionOptions();
        if (document.Root["attestation_service"]?["decisions"] is not JsonObject)
        {
            return options;
        }

        var problems = new ConfigProblems();
        ConfigSection? section = document.AsSection(problems).Section("attestation_service")?.Section("decisions");
        if (section is not null)
        {
            options = options with
            {
                Enabled = section.Flag("enabled") ?? true,
                RecordEvidence = section.Flag("record_evidence") ?? false,
                Retention = TimeSpan.FromDays(section.Number("retention_days", 1, 3650) ?? 30),
                MaxBytes = (section.Number("max_mebibytes", 1, 1 << 20) ?? 256) << 20,
            };
        }

        ConfigFile.Require(problems, path);
        return options;
    }
}
