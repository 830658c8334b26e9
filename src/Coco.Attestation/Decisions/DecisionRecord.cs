// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Attestation.Pipeline;
using Coco.Attestation.Tokens;
using Coco.Protocol;
using Coco.Verifiers;

namespace Coco.Attestation.Decisions;

/// <summary>Makes the stored form of a decision. Claims, reference values, policies and evidence stand in it by hash.</summary>
internal sealed class DecisionRecord(ContentStore content, ShadowPolicies? shadows, AttestationOptions options)
{
    private const int MaxPolicies = 1024;
    private static readonly string[] ReferenceMembers = ["claims", "reference_values", "policy_text", "evidence", "init_data_claims"];

    // What differs from guest to guest stands in the record; the rest is the same for every guest of an image and a machine.
    private static readonly string[] SessionMembers = ["report_data", "runtime_data_claims", "init_data_claims"];

    // SHA-384 of a policy to the hash under which its text is kept: texts are long, and the same in every decision.
    private readonly ConcurrentDictionary<string, (string Hash, DateTimeOffset At)> _policyTexts = new(StringComparer.Ordinal);

    /// <summary>Stores what is shared, then writes the record.</summary>
    public async ValueTask WriteAsync(Utf8JsonWriter json, PendingAppraisal decision, CancellationToken ct)
    {
        var evidences = new List<EvidenceReferences>(decision.Trace.Evidences.Count);
        foreach (EvidenceTrace evidence in decision.Trace.Evidences)
        {
            evidences.Add(await KeepAsync(evidence, decision.Trace.Started, ct).ConfigureAwait(false));
        }

        Write(json, decision, evidences);
    }

    /// <summary>The hashes that the records of a segment name.</summary>
    public static void CollectReferences(ReadOnlySpan<byte> segment, HashSet<string> into)
    {
        var json = new Utf8JsonReader(segment);
        try
        {
            bool named = false;
            while (json.Read())
            {
                if (named && json.TokenType == JsonTokenType.String)
                {
                    into.Add(json.GetString()!);
                }

                named = json.TokenType == JsonTokenType.PropertyName && IsReference(ref json);
            }
        }
        catch (JsonException)
        {
            // What a damaged segment names cannot be read by anybody.
        }
    }

    private static bool IsReference(ref Utf8JsonReader json)
    {
        foreach (string member in ReferenceMembers)
        {
            if (json.ValueTextEquals(member))
            {
                return true;
            }
        }

        return false;
    }

    internal static byte[] Bytes(JsonNode? node)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, SortedJson.Options))
        {
            SortedJson.Write(json, node);
        }

        return buffer.ToArray();
    }

    private static void Write(Utf8JsonWriter json, PendingAppraisal decision, List<EvidenceReferences> evidences)
    {
        DecisionTrace trace = decision.Trace;
        json.WriteStartObject();
        json.WriteString("id"u8, decision.Id);
        json.WriteString("time"u8, trace.Started.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        json.WriteString("policy"u8, trace.PolicyId);
        json.WriteNumber("elapsed_us"u8, Microseconds(decision.Elapsed));
        if (decision.Token.TryGet(out AttestationToken? token, out Refusal? why))
        {
            json.WriteString("outcome"u8, "issued"u8);
            json.WriteString("token_sha256"u8, Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(token.Compact))));
        }
        else
        {
            json.WriteString("outcome"u8, "refused"u8);
            json.WriteStartObject("refusal"u8);
            json.WriteString("step"u8, NameOf(trace.RefusedAt ?? DecisionStep.Issue));
            json.WriteString("code"u8, why.Code.ToString());
            json.WriteString("check"u8, why.Check);
            json.WriteString("field"u8, why.Field);
            json.WriteString("detail"u8, why.Detail);
            json.WriteEndObject();
        }

        json.WriteStartArray("evidences"u8);
        for (int i = 0; i < evidences.Count; i++)
        {
            Write(json, trace.Evidences[i], evidences[i]);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, EvidenceTrace evidence, EvidenceReferences kept)
    {
        json.WriteStartObject();
        json.WriteString("tee"u8, evidence.Input.Evidence.Tee.ToWireName());
        json.WriteString("evidence"u8, kept.Evidence);
        json.WriteNumber("verify_us"u8, Microseconds(evidence.VerifyTime));
        json.WriteNumber("appraise_us"u8, Microseconds(evidence.AppraiseTime));
        json.WriteStartArray("checks"u8);
        foreach (CheckOutcome check in evidence.Verification.Checks)
        {
            json.WriteStartObject();
            json.WriteString("check"u8, check.Check);
            if (check.Held is { } held)
            {
                json.WriteBoolean("held"u8, held);
            }
            else
            {
                json.WriteNull("held"u8);
            }

            json.WriteString("detail"u8, check.Detail);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("collateral"u8);
        foreach (CollateralUse use in evidence.Verification.Collateral)
        {
            json.WriteStartObject();
            json.WriteString("kind"u8, use.Kind);
            json.WriteString("name"u8, use.Name);
            json.WriteString("not_before"u8, Instant(use.NotBefore));
            json.WriteString("not_after"u8, Instant(use.NotAfter));
            json.WriteString("sha256"u8, use.Sha256);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (evidence.Bound is { } bound)
        {
            json.WritePropertyName("report_data"u8);
            Write(json, bound.Evidence.ReportData);
            json.WritePropertyName("init_data"u8);
            Write(json, bound.Evidence.InitDataHash);
            if (bound.Evidence.AlternativeReportData.Count > 0)
            {
                json.WriteStartArray("report_data_alternatives"u8);
                foreach (Binding other in bound.Evidence.AlternativeReportData)
                {
                    Write(json, other);
                }

                json.WriteEndArray();
            }

            json.WritePropertyName("runtime_data_claims"u8);
            WriteWithout(json, bound.RuntimeDataClaims, ["additional-evidence"]);
            if (kept.InitDataClaims is { } initData)
            {
                json.WriteString("init_data_claims"u8, initData);
            }
        }

        json.WriteStartArray("devices"u8);
        for (int i = 0; i < kept.Devices.Count; i++)
        {
            Write(json, evidence.Claims[i], i < evidence.Appraisals.Count ? evidence.Appraisals[i] : null, kept.Devices[i]);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, (string TeeClass, JsonObject Claims) device, Appraisal? appraisal, DeviceReferences kept)
    {
        json.WriteStartObject();
        json.WriteString("class"u8, device.TeeClass);
        json.WriteString("claims"u8, kept.Claims);
        if (device.Claims["report_data"] is { } reported)
        {
            json.WritePropertyName("reported"u8);
            reported.WriteTo(json);
        }

        if (appraisal is not null)
        {
            json.WriteString("status"u8, appraisal.Vector.Status.ToWireName());
            json.WriteStartObject("vector"u8);
            foreach ((string claim, sbyte value) in appraisal.Vector.Claims())
            {
                json.WriteNumber(claim, value);
            }

            json.WriteEndObject();
            json.WriteString("policy_id"u8, appraisal.Policy.StoredId);
            json.WriteString("policy_sha384"u8, appraisal.Policy.Sha384);
            json.WriteString("policy_text"u8, kept.PolicyText);
            json.WriteString("reference_values"u8, kept.ReferenceValues);
            if (kept.Shadow is { } shadow)
            {
                json.WritePropertyName("shadow"u8);
                shadow.WriteTo(json);
            }
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, Binding binding)
    {
        json.WriteStartObject();
        if (binding.IsNotChecked)
        {
            json.WriteString("form"u8, "not-checked"u8);
        }
        else
        {
            json.WriteString("form"u8, binding.IsRaw ? "raw"u8 : "digest"u8);
            json.WriteString("expected"u8, Convert.ToHexStringLower(binding.Expected.Span));
        }

        json.WriteEndObject();
    }

    private static void WriteWithout(Utf8JsonWriter json, JsonNode? node, ReadOnlySpan<string> left)
    {
        if (node is not JsonObject o)
        {
            SortedJson.Write(json, node);
            return;
        }

        json.WriteStartObject();
        foreach ((string name, JsonNode? value) in o)
        {
            if (!left.Contains(name))
            {
                json.WritePropertyName(name);
                SortedJson.Write(json, value);
            }
        }

        json.WriteEndObject();
    }

    private static string NameOf(DecisionStep step) => step switch
    {
        DecisionStep.Bind => "bind",
        DecisionStep.Verify => "verify",
        DecisionStep.Appraise => "appraise",
        _ => "issue",
    };

    private static string? Instant(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static long Microseconds(TimeSpan span) => span.Ticks / TimeSpan.TicksPerMicrosecond;

    private async ValueTask<EvidenceReferences> KeepAsync(EvidenceTrace evidence, DateTimeOffset now, CancellationToken ct)
    {
        var devices = new List<DeviceReferences>(evidence.Claims.Count);
        for (int i = 0; i < evidence.Claims.Count; i++)
        {
            Appraisal? appraisal = i < evidence.Appraisals.Count ? evidence.Appraisals[i] : null;
            string claims = await content.PutAsync(Shared(evidence.Claims[i].Claims), vault: false, ct).ConfigureAwait(false);
            devices.Add(appraisal is null
                ? new DeviceReferences(claims, null, null, null)
                : new DeviceReferences(
                    claims,
                    await KeepPolicyAsync(appraisal.Policy, now, ct).ConfigureAwait(false),
                    await content.PutAsync(ReferenceValues(appraisal), vault: false, ct).ConfigureAwait(false),
                    shadows is null ? null : await shadows.EvaluateAsync(appraisal, ct).ConfigureAwait(false)));
        }

        string? initData = evidence.Bound?.InitDataClaims is { } document
            ? await content.PutAsync(Bytes(document), vault: false, ct).ConfigureAwait(false)
            : null;
        return new EvidenceReferences(await KeepEvidenceAsync(evidence.Input.Evidence.Body, ct).ConfigureAwait(false), initData, devices);
    }

    private ValueTask<string> KeepEvidenceAsync(JsonElement body, CancellationToken ct)
    {
        if (body.ValueKind == JsonValueKind.Undefined)
        {
            return new(string.Empty);
        }

        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(body);
        return options.Decisions.RecordEvidence
            ? content.PutAsync(raw.ToArray(), vault: true, ct)
            : new(Convert.ToHexStringLower(SHA256.HashData(raw)));
    }

    private async ValueTask<string> KeepPolicyAsync(AppliedPolicy policy, DateTimeOffset now, CancellationToken ct)
    {
        if (_policyTexts.TryGetValue(policy.Sha384, out (string Hash, DateTimeOffset At) known) && now - known.At < options.Decisions.Retention / 2)
        {
            return known.Hash;
        }

        if (_policyTexts.Count >= MaxPolicies)
        {
            _policyTexts.Clear();
        }

        string hash = await content.PutAsync(Encoding.UTF8.GetBytes(policy.Source), vault: false, ct).ConfigureAwait(false);
        _policyTexts[policy.Sha384] = (hash, now);
        return hash;
    }

    private static byte[] Shared(JsonObject claims)
    {
        using var buffer = new MemoryStream(2048);
        using (var json = new Utf8JsonWriter(buffer, SortedJson.Options))
        {
            WriteWithout(json, claims, SessionMembers);
        }

        return buffer.ToArray();
    }

    private static byte[] ReferenceValues(Appraisal appraisal)
    {
        using var buffer = new MemoryStream(1024);
        using (var json = new Utf8JsonWriter(buffer, SortedJson.Options))
        {
            json.WriteStartObject();
            foreach ((string name, JsonElement? value) in appraisal.ReferenceValues)
            {
                json.WritePropertyName(name);
                if (value is { } known)
                {
                    known.WriteTo(json);
                }
                else
                {
                    json.WriteNullValue();
                }
            }

            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private sealed record EvidenceReferences(string Evidence, string? InitDataClaims, List<DeviceReferences> Devices);

    private sealed record DeviceReferences(string Claims, string? PolicyText, string? ReferenceValues, JsonObject? Shadow);
}
