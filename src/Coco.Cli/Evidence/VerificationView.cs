// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Verifiers;

namespace Coco.Cli.EvidenceCommands;

/// <summary>The outcome of a verification for people and for programs.</summary>
internal sealed class VerificationView(
    TeeType tee, DateTimeOffset at, VerificationRecord record, Refusal? refusal, ImmutableArray<VerifiedClaims> claims, bool simulatedAllowed)
{
    /// <summary>Lines.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        text.Append(tee.ToWireName()).Append(" evidence: ").Append(refusal is null ? "genuine" : "REFUSED").Append(", judged as of ").Append(at.ToString("u", CultureInfo.InvariantCulture)).Append('\n');
        if (refusal is not null)
        {
            text.Append("  ").Append(refusal.Check ?? "(no check)").Append(": ").Append(refusal.Detail).Append('\n');
        }

        if (simulatedAllowed)
        {
            text.Append("  WARNING: a simulated root is trusted; anybody can make such evidence\n");
        }

        foreach (string note in claims.SelectMany(Notes).Distinct(StringComparer.Ordinal))
        {
            text.Append("  note: ").Append(note).Append('\n');
        }

        text.Append("\nchecks\n");
        foreach (CheckOutcome check in record.Checks)
        {
            string mark = check.Held switch { true => "ok  ", false => "FAIL", null => "--  " };
            text.Append("  ").Append(mark).Append(' ').Append(check.Check.PadRight(26));
            if (check.Detail is not null)
            {
                text.Append(' ').Append(check.Detail);
            }

            text.Append('\n');
        }

        if (record.Collateral.Count > 0)
        {
            text.Append("\ncollateral\n");
            foreach (CollateralUse use in record.Collateral)
            {
                text.Append("  ").Append(use.Kind).Append(' ').Append(use.Name).Append("  ").Append(Day(use.NotBefore)).Append(" to ").Append(Day(use.NotAfter));
                text.Append(use.Sha256 is null ? string.Empty : "  sha256 " + use.Sha256).Append('\n');
            }
        }

        foreach (VerifiedClaims one in claims)
        {
            text.Append('\n').Append(ShownNode.FromJson($"claims ({one.TeeClass})", one.Claims).ToText());
        }

        return text.ToString();
    }

    /// <summary>What genuine evidence says of itself that nobody should overlook. Policy decides on it.</summary>
    private static IEnumerable<string> Notes(VerifiedClaims one)
    {
        JsonObject claims = one.Claims;
        if (one.Tee is TeeType.Sample or TeeType.SampleDevice)
        {
            yield return "sample evidence proves nothing: anybody can make it";
        }

        if (one.Tee == TeeType.Tpm && claims["ak_endorsed_by"] is null)
        {
            yield return "nothing says that the attestation key is a TPM's; compare ak_public, or give --trust with an endorsement";
        }

        if (claims["policy_debug_allowed"]?.ToString() == "true" || claims["td_attributes"]?["debug"]?.ToString() == "true")
        {
            yield return "the guest may be debugged by its host: nothing in it is confidential";
        }

        if (claims["tcb_status"]?.ToString() is { } status && status != "UpToDate")
        {
            yield return $"the TCB is {status} ({claims["advisory_ids"]?.ToJsonString()})";
        }

        if (claims["collateral_expiration_status"]?.ToString() == "1")
        {
            yield return "some collateral is over its time: the TCB may have been judged by old statements";
        }
    }

    /// <summary>One object.</summary>
    public JsonObject ToJson()
    {
        var checks = new JsonArray();
        foreach (CheckOutcome check in record.Checks)
        {
            checks.Add((JsonNode)new JsonObject
            {
                ["check"] = check.Check,
                ["outcome"] = check.Held switch { true => "passed", false => "failed", null => "skipped" },
                ["detail"] = check.Detail,
            });
        }

        var collateral = new JsonArray();
        foreach (CollateralUse use in record.Collateral)
        {
            collateral.Add((JsonNode)new JsonObject
            {
                ["kind"] = use.Kind,
                ["name"] = use.Name,
                ["not_before"] = use.NotBefore,
                ["not_after"] = use.NotAfter,
                ["sha256"] = use.Sha256,
            });
        }

        var devices = new JsonArray();
        foreach (VerifiedClaims one in claims)
        {
            devices.Add((JsonNode)new JsonObject { ["class"] = one.TeeClass, ["claims"] = one.Claims.DeepClone() });
        }

        return new JsonObject
        {
            ["tee"] = tee.ToWireName(),
            ["verdict"] = refusal is null ? "genuine" : "refused",
            ["at"] = at,
            ["refusal"] = refusal is null
                ? null
                : new JsonObject
                {
                    ["check"] = refusal.Check,
                    ["code"] = refusal.Code.ToString(),
                    ["detail"] = refusal.Detail,
                    ["field"] = refusal.Field,
                    ["offset"] = refusal.Offset,
                },
            ["simulated_root_allowed"] = simulatedAllowed,
            ["checks"] = checks,
            ["collateral"] = collateral,
            ["devices"] = devices,
        };
    }

    private static string Day(DateTimeOffset? when) => when?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "?";
}
