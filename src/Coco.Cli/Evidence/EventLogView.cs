// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Coco.Tee.EventLogs;

namespace Coco.Cli.EvidenceCommands;

/// <summary>A TCG2 event log as fields, with the registers that it replays to.</summary>
internal static class EventLogView
{
    /// <summary>The view; an error line when it cannot be read.</summary>
    public static ShownNode Of(ReadOnlyMemory<byte> bytes) =>
        CcEventLog.Parse(bytes).TryGet(out CcEventLog? log, out Refusal? refusal) ? Of(log) : new ShownNode("event log", refusal.ToString());

    /// <summary>The view.</summary>
    public static ShownNode Of(CcEventLog log)
    {
        var root = new ShownNode("event log", $"{log.Events.Count} events");
        System.Text.Json.Nodes.JsonArray? claims = log.ToClaims().TryGet(out System.Text.Json.Nodes.JsonArray? c, out _) ? c : null;
        for (int i = 0; i < log.Events.Count; i++)
        {
            CcEvent e = log.Events[i];
            ShownNode node = root.Open($"[{i}]", $"register {e.Register}, {e.TypeName}");
            foreach (EventDigest digest in e.Digests)
            {
                node.Add("digest " + digest.Algorithm, digest.Value);
            }

            if (claims is not null && i < claims.Count && claims[i]?["details"] is { } details)
            {
                node.Add(ShownNode.FromJson("details", details));
            }
        }

        ShownNode replay = root.Open("replay");
        foreach (TcgAlgorithm algorithm in AlgorithmsOf(log))
        {
            foreach (uint register in log.Events.Select(e => e.Register).Distinct().Order())
            {
                replay.Add(string.Create(CultureInfo.InvariantCulture, $"register {register} {algorithm}"), log.Replay(register, algorithm));
            }
        }

        return root;
    }

    private static List<TcgAlgorithm> AlgorithmsOf(CcEventLog log)
    {
        var seen = new List<TcgAlgorithm>();
        foreach (CcEvent one in log.Events)
        {
            foreach (EventDigest digest in one.Digests)
            {
                if (!seen.Contains(digest.Algorithm))
                {
                    seen.Add(digest.Algorithm);
                }
            }
        }

        return seen;
    }
}
