// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Attestation.Decisions;
using Coco.Attestation.Pipeline;
using Coco.Attestation.Policies;
using Coco.Protocol;

namespace Coco.Attestation.Tokens;

/// <summary>The Simple tokens of earlier releases (attestation-service.md 11.1): one flat set of claims, one yes of a policy, RS384.</summary>
internal sealed class SimpleIssuer(TokenSignerSource signers, Appraiser appraiser, AttestationPolicyStore policies, AttestationOptions options, TimeProvider clock)
{
    private static readonly ImmutableArray<string> Rules = ["allow"];

    /// <summary>Asks the policy about the primary evidence and issues.</summary>
    public async ValueTask<Result<AttestationToken>> IssueAsync(DecisionTrace trace, PolicyId policy, CancellationToken ct)
    {
        EvidenceTrace primary = trace.Evidences[0];
        if (primary.Claims.Count == 0)
        {
            return new Refusal(RefusalCode.Malformed, "the evidence gave no claims");
        }

        string tee = ClaimShaper.ClaimKey(primary.Input.Evidence.Tee);
        JsonObject claims = primary.Claims[0].Claims;
        JsonObject flat = Flatten(tee, claims, indexArrays: options.Token.Form == TokenForm.SimpleFirst);
        if (!(await policies.CompiledAsync(policy.Value, ct).ConfigureAwait(false)).TryGet(out CompiledPolicy? compiled, out Refusal? why))
        {
            return trace.Refused(primary, DecisionStep.Appraise, why);
        }

        var references = new JsonObject();
        foreach ((string name, JsonElement value) in await appraiser.AllReferencesAsync(ct).ConfigureAwait(false))
        {
            references[name] = EvidenceBinder.ToNode(value);
        }

        PolicyEvaluation evaluation = compiled.Policy.Evaluate(Rules, flat, new ReferenceLookup(), new JsonObject { ["reference"] = references.DeepClone() });
        if (evaluation.Fault is { } fault)
        {
            return trace.Refused(primary, DecisionStep.Appraise, fault.Within($"policy '{policy}'") with { Code = RefusalCode.PolicyDenied });
        }

        if (evaluation.Values[0].Value is not JsonValue v || v.GetValueKind() != JsonValueKind.True)
        {
            return trace.Refused(primary, DecisionStep.Appraise, new Refusal(RefusalCode.PolicyDenied, $"Reject by policy {policy}"));
        }

        ITokenSigner signer = await signers.GetAsync(ct).ConfigureAwait(false);
        ReadOnlyMemory<byte> payload = Payload(signer, tee, claims, flat, references, policy.Value, compiled.Policy.Sha384);
        return await Jwt.SignAsync(signer, Jwt.EncodeHeader(signer, withKey: options.Token.Form == TokenForm.SimpleV011), payload, ct).ConfigureAwait(false);
    }

    /// <summary><c>tee.path</c> keys; <c>report_data</c> and <c>init_data</c> at the top, empty when missing.</summary>
    internal static JsonObject Flatten(string tee, JsonObject claims, bool indexArrays)
    {
        var flat = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal)
        {
            ["report_data"] = claims["report_data"]?.DeepClone() ?? string.Empty,
            ["init_data"] = claims["init_data"]?.DeepClone() ?? string.Empty,
        };
        Flatten(tee, claims[tee], indexArrays, flat);
        var result = new JsonObject();
        foreach ((string name, JsonNode? value) in flat)
        {
            result[name] = value;
        }

        return result;
    }

    private static void Flatten(string path, JsonNode? node, bool indexArrays, SortedDictionary<string, JsonNode?> into)
    {
        switch (node)
        {
            case JsonObject o:
                foreach ((string name, JsonNode? value) in o)
                {
                    Flatten($"{path}.{name}", value, indexArrays, into);
                }

                break;
            case JsonArray a when indexArrays:
                for (int i = 0; i < a.Count; i++)
                {
                    Flatten(string.Create(CultureInfo.InvariantCulture, $"{path}.{i}"), a[i], indexArrays, into);
                }

                break;
            default:
                into[path] = node?.DeepClone();
                break;
        }
    }

    private ReadOnlyMemory<byte> Payload(ITokenSigner signer, string tee, JsonObject claims, JsonObject flat, JsonObject references, string policy, string hash)
    {
        TokenForm form = options.Token.Form;
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        long until = now + (long)options.Token.Duration.TotalSeconds;
        var reports = new JsonArray(new JsonObject { ["policy-id"] = policy, ["policy-hash"] = hash });
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, SortedJson.Options))
        {
            json.WriteStartObject();
            json.WriteString("iss"u8, options.Token.Issuer);
            if (form != TokenForm.SimpleFirst)
            {
                json.WriteNumber("iat"u8, now);
                json.WriteString("jti"u8, RandomNumberGenerator.GetString("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 10));
            }

            if (form != TokenForm.SimpleV011)
            {
                json.WritePropertyName("jwk"u8);
                signer.PublicJwk.WriteTo(json);
            }

            json.WriteNumber("nbf"u8, now);
            json.WriteNumber("exp"u8, until);
            if (form == TokenForm.SimpleFirst)
            {
                json.WritePropertyName("tee-pubkey"u8);
                SortedJson.Write(json, (claims["runtime_data_claims"] as JsonObject)?["tee-pubkey"]);
                json.WritePropertyName("tcb-status"u8);
                SortedJson.Write(json, flat);
                json.WriteString("evaluation-report"u8, reports.ToJsonString());
            }
            else
            {
                json.WriteString("tee"u8, tee);
                json.WritePropertyName("evaluation-reports"u8);
                reports.WriteTo(json);
                if (form == TokenForm.SimpleV011)
                {
                    json.WriteString("tcb-status"u8, Encoding.UTF8.GetString(DecisionRecord.Bytes(flat)));
                }
                else
                {
                    json.WritePropertyName("tcb-status"u8);
                    SortedJson.Write(json, flat);
                    json.WritePropertyName("reference-data"u8);
                    SortedJson.Write(json, references);
                }

                json.WriteStartObject("customized_claims"u8);
                json.WritePropertyName("init_data"u8);
                SortedJson.Write(json, claims["init_data_claims"]);
                json.WritePropertyName("runtime_data"u8);
                SortedJson.Write(json, claims["runtime_data_claims"]);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }
}
