// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Verifiers;

namespace Coco.Attestation.Pipeline;

/// <summary>Step 2: computes what the registers of the evidence must hold (attestation-service.md 5.2, 5.3).</summary>
internal static class EvidenceBinder
{
    /// <summary>Hashes runtime data and init-data, and keeps their claims for the token.</summary>
    public static Result<BoundInput> Bind(AttestationInput input, AttestationOptions options)
    {
        if (!BindRuntimeData(input).TryGet(out RuntimeBinding? runtime, out Refusal? why))
        {
            return why;
        }

        if (!BindInitData(input.InitData, options).TryGet(out InitDataBindingResult? initData, out why))
        {
            return why;
        }

        var bound = new BoundEvidence(input.Evidence, runtime.First, initData.Binding) { AlternativeReportData = runtime.Others };
        return new BoundInput(bound, runtime.Claims, initData.Claims);
    }

    private static Result<RuntimeBinding> BindRuntimeData(AttestationInput input)
    {
        RuntimeDataInput runtime = input.RuntimeData;
        DigestAlgorithm algorithm = runtime.Algorithm ?? (input.Evidence.Tee == TeeType.Se ? DigestAlgorithm.Sha512 : DigestAlgorithm.Sha384);
        switch (runtime.Kind)
        {
            case RuntimeDataInput.Form.Absent:
                return new RuntimeBinding(Binding.NotChecked, [], null);
            case RuntimeDataInput.Form.Raw:
                return runtime.Bytes[0].IsEmpty
                    ? new Refusal(RefusalCode.Malformed, "raw runtime data is empty, which would bind nothing")
                    : new RuntimeBinding(Binding.ToRaw(runtime.Bytes[0]), [], null);
            case RuntimeDataInput.Form.Structured:
                if (!CanonicalJson.Write(runtime.Claims).TryGet(out byte[]? canonical, out Refusal? why))
                {
                    return why.Within("runtime data");
                }

                return new RuntimeBinding(Binding.ToDigest(algorithm.Compute(canonical)), [], ToNode(runtime.Claims));
            case RuntimeDataInput.Form.Candidates:
                Binding[] all = [.. runtime.Bytes.Select(b => Binding.ToDigest(algorithm.Compute(b.Span)))];
                return new RuntimeBinding(all[0], all[1..], ToNode(runtime.Claims));
            default:
                throw new InvalidOperationException("internal: unknown form of runtime data");
        }
    }

    private static Result<InitDataBindingResult> BindInitData(InitDataInput input, AttestationOptions options)
    {
        if (input.DigestBytes is { } digest)
        {
            return digest.IsEmpty
                ? new Refusal(RefusalCode.Malformed, "init-data digest is empty, which would bind nothing")
                : new InitDataBindingResult(Binding.ToDigest(digest), null);
        }

        if (input.Text is null)
        {
            return new InitDataBindingResult(Binding.NotChecked, null);
        }

        int bytes = Encoding.UTF8.GetByteCount(input.Text);
        if (bytes > options.MaxInitDataBytes)
        {
            return new Refusal(RefusalCode.TooLarge, $"init-data has {bytes} bytes, at most {options.MaxInitDataBytes} are taken");
        }

        return InitData.Parse(input.Text).TryGet(out InitData? initData, out Refusal? why)
            ? new InitDataBindingResult(Binding.ToDigest(initData.Digest()), initData.ToClaims())
            : why;
    }

    internal static JsonNode? ToNode(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => JsonObject.Create(element),
        JsonValueKind.Array => JsonArray.Create(element),
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        _ => JsonValue.Create(element),
    };

    private sealed record RuntimeBinding(Binding First, IReadOnlyList<Binding> Others, JsonNode? Claims);

    private sealed record InitDataBindingResult(Binding Binding, JsonObject? Claims);
}

/// <summary>Evidence with its expected registers, and the claims that those stand for.</summary>
/// <param name="Evidence">What the verifier takes.</param>
/// <param name="RuntimeDataClaims">Null unless the runtime data was structured.</param>
/// <param name="InitDataClaims">Null unless the document itself came.</param>
internal sealed record BoundInput(BoundEvidence Evidence, JsonNode? RuntimeDataClaims, JsonObject? InitDataClaims);
