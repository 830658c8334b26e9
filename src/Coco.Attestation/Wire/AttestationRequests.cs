// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Protocol;

namespace Coco.Attestation.Wire;

/// <summary>What both faces of the service share: decoding of requests (attestation-service.md 2, 3).</summary>
internal static class AttestationRequests
{
    /// <summary>Largest evidence JSON; evidence of several GPUs is large.</summary>
    public const int MaxEvidenceBytes = 48 << 20;

    /// <summary>Largest message: 64 MiB.</summary>
    public const int MaxMessageBytes = 64 << 20;

    /// <summary>The TEE, with the reference's beginning of the refusal.</summary>
    public static Result<TeeType> Tee(string name, string prefix = "parse TEE type: ") =>
        TeeTypes.TryParse(name, out TeeType tee) ? tee : new Refusal(RefusalCode.Unsupported, $"{prefix}unknown TEE '{Shorten(name)}'");

    /// <summary>Base64url of the UTF-8 of JSON.</summary>
    public static Result<JsonElement> Evidence(string text)
    {
        if (!StrictBase64.DecodeUrl(text).TryGet(out byte[]? bytes, out Refusal? why))
        {
            return why with { Detail = "Illegal input Evidence: " + why.Detail };
        }

        return HostileJson.Parse(bytes, MaxEvidenceBytes).TryGet(out JsonElement body, out why) ? body : why with { Detail = "failed to parse tee evidence: " + why.Detail };
    }

    /// <summary>Base64url of bytes that stand in the report data as they are.</summary>
    public static Result<RuntimeDataInput> RawRuntimeData(string text) =>
        StrictBase64.DecodeUrl(text).TryGet(out byte[]? bytes, out Refusal? why)
            ? RuntimeDataInput.Raw(bytes)
            : why with { Detail = "base64 decode runtime data: " + why.Detail };

    /// <summary>JSON text to be hashed.</summary>
    public static Result<RuntimeDataInput> StructuredRuntimeData(string text, DigestAlgorithm? algorithm) =>
        HostileJson.Parse(text).TryGet(out JsonElement json, out Refusal? why)
            ? RuntimeDataInput.Structured(json, algorithm)
            : why with { Detail = "parse structured runtime data: " + why.Detail };

    /// <summary>Base64url of a digest.</summary>
    public static Result<InitDataInput> InitDataDigest(string text) =>
        StrictBase64.DecodeUrl(text).TryGet(out byte[]? bytes, out Refusal? why)
            ? InitDataInput.Digest(bytes)
            : why with { Detail = "base64 decode init data: " + why.Detail };

    /// <summary>A hash name in any case; SHA-384 for none.</summary>
    public static Result<DigestAlgorithm> HashAlgorithm(string? name)
    {
        if (string.IsNullOrEmpty(name))
        {
            return DigestAlgorithm.Sha384;
        }

        return Digests.TryParse(name, ignoreCase: true, out DigestAlgorithm algorithm)
            ? algorithm
            : new Refusal(RefusalCode.Unsupported, $"parse runtime data HashAlgorithm failed: unknown algorithm '{Shorten(name)}'");
    }

    /// <summary>Base64url of the UTF-8 text of a policy.</summary>
    public static Result<string> Policy(string text)
    {
        if (!StrictBase64.DecodeUrl(text).TryGet(out byte[]? bytes, out Refusal? why))
        {
            return why;
        }

        return System.Text.Unicode.Utf8.IsValid(bytes)
            ? System.Text.Encoding.UTF8.GetString(bytes)
            : new Refusal(RefusalCode.Malformed, "policy is not UTF-8");
    }

    /// <summary>The policy ids; empty means the default.</summary>
    public static Result<ImmutableArray<PolicyId>> Policies(IEnumerable<string> ids)
    {
        var all = ImmutableArray.CreateBuilder<PolicyId>();
        foreach (string id in ids)
        {
            if (!PolicyId.Parse(id).TryGet(out PolicyId parsed, out Refusal? why))
            {
                return why;
            }

            all.Add(parsed);
        }

        return all.ToImmutable();
    }

    /// <summary>A refusal as the reference prints chains of errors.</summary>
    public static string Chain(Refusal why)
    {
        const string Outer = "Verifier evaluate failed: ";
        return why.Detail.StartsWith(Outer, StringComparison.Ordinal)
            ? $"\n0: Verifier evaluate failed\n1: {why.Detail[Outer.Length..]}"
            : $"\n0: {why.Detail}";
    }

    public static string Shorten(string text) => text.Length <= 64 ? text : text[..64] + "…";
}
