// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Tee.EventLogs;

namespace Coco.Conformance;

/// <summary>Event logs: events, replayed registers, and the claims that the reference makes of them.</summary>
public sealed class EventLogJudge : IConformanceJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["eventlog"];

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        VectorManifest manifest = VectorManifest.TryRead(Path.Combine(root, kind)) ?? throw new InvalidOperationException("no manifest");
        foreach (VectorEntry entry in manifest.Entries)
        {
            yield return new ConformanceCase(entry.File, _ => Task.FromResult(Judge(manifest, entry)));
        }
    }

    /// <summary>Judges one log by the members <c>events</c>, <c>bytes_used</c> and <c>replay</c> of what is expected.</summary>
    internal static CaseVerdict JudgeLog(VectorEntry entry)
    {
        Result<CcEventLog> parsed = CcEventLog.Parse(entry.Bytes());
        Refusal? refusal = parsed.TryGet(out CcEventLog? log, out Refusal? why) ? log.ToClaims().Refusal : why;
        if (entry.IsNegative)
        {
            return refusal is null ? CaseVerdict.Failed("accepted") : CaseVerdict.Passed;
        }

        if (refusal is not null || log is null)
        {
            return CaseVerdict.Failed(refusal?.ToString() ?? "no log");
        }

        if (entry.Member("expected") is not { ValueKind: JsonValueKind.Object } expected)
        {
            return CaseVerdict.Passed;
        }

        if (expected.TryGetProperty("events", out JsonElement events) && events.GetInt32() != log.Events.Count)
        {
            return CaseVerdict.Failed($"{log.Events.Count} events instead of {events.GetInt32()}");
        }

        if (expected.TryGetProperty("bytes_used", out JsonElement used) && used.GetInt32() != log.BytesUsed)
        {
            return CaseVerdict.Failed($"{log.BytesUsed} bytes used instead of {used.GetInt32()}");
        }

        if (expected.TryGetProperty("replay", out JsonElement replay))
        {
            string name = expected.TryGetProperty("replay_algorithm", out JsonElement a) ? a.GetString()! : "sha384";
            TcgAlgorithm algorithm = name switch
            {
                "sha256" => TcgAlgorithm.Sha256,
                "sha384" => TcgAlgorithm.Sha384,
                "sha512" => TcgAlgorithm.Sha512,
                "sm3" => TcgAlgorithm.Sm3,
                _ => throw new InvalidOperationException("unknown replay algorithm " + name),
            };
            foreach (JsonProperty register in replay.EnumerateObject())
            {
                byte[] value = log.Replay(uint.Parse(register.Name, CultureInfo.InvariantCulture), algorithm);
                if (!string.Equals(Convert.ToHexString(value), register.Value.GetString(), StringComparison.OrdinalIgnoreCase))
                {
                    return CaseVerdict.Failed($"register {register.Name} replays to {Convert.ToHexStringLower(value)}");
                }
            }
        }

        return CaseVerdict.Passed;
    }

    private static CaseVerdict Judge(VectorManifest manifest, VectorEntry entry)
    {
        if (!entry.File.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            return JudgeLog(entry);
        }

        VectorEntry? log = entry.Text("group") is { } group
            ? manifest.Group(group).FirstOrDefault(e => !e.File.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
            : null;
        if (log is null)
        {
            return CaseVerdict.Failed("no log in the group of this expected output");
        }

        if (!CcEventLog.Parse(log.Bytes()).TryGet(out CcEventLog? parsed, out Refusal? refusal) || !parsed.ToClaims().TryGet(out JsonArray? claims, out refusal))
        {
            return CaseVerdict.Failed(refusal.ToString());
        }

        JsonNode? expected = JsonNode.Parse(entry.Bytes())?["uefi_event_logs"];
        return Compare(expected as JsonArray, claims);
    }

    private static CaseVerdict Compare(JsonArray? expected, JsonArray claims)
    {
        if (expected is null || expected.Count != claims.Count)
        {
            return CaseVerdict.Failed($"{claims.Count} events instead of {expected?.Count}");
        }

        for (int i = 0; i < expected.Count; i++)
        {
            if (!JsonNode.DeepEquals(expected[i], claims[i]))
            {
                return CaseVerdict.Failed($"event {i}: expected {expected[i]?.ToJsonString()}, got {claims[i]?.ToJsonString()}");
            }
        }

        return CaseVerdict.Passed;
    }
}
