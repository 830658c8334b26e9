// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using Coco.Protocol;
using Coco.Tee.Cca;
using Coco.Verifiers;
using Coco.Verifiers.Cca;

namespace Coco.Conformance;

/// <summary>Judges Arm CCA tokens, claim sets, trust anchor stores and reference value stores. What a file is, is told by its content.</summary>
public sealed partial class CcaJudge : IConformanceJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["cca"];

    [GeneratedRegex(@"([\w.-]+\.json)\s*:\s*(valid|reject)")]
    private static partial Regex StoreVerdicts { get; }

    [GeneratedRegex(@"[\w.-]+\.json")]
    private static partial Regex StoreNames { get; }

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        VectorManifest manifest = VectorManifest.TryRead(Path.Combine(root, kind)) ?? throw new FormatException("no manifest lists " + kind);
        return manifest.Entries.Select(e => new ConformanceCase(e.File, ct => JudgeAsync(manifest, e, ct)));
    }

    private static async Task<CaseVerdict> JudgeAsync(VectorManifest manifest, VectorEntry entry, CancellationToken ct)
    {
        byte[] bytes = entry.Bytes();
        if (bytes is [0xD9, 0x01, 0x8F, ..])
        {
            return await JudgeTokenAsync(manifest, entry, bytes, ct).ConfigureAwait(false);
        }

        ReadOnlySpan<byte> text = bytes.AsSpan().TrimStart(" \r\n\t"u8);
        if (text.StartsWith("["u8))
        {
            return Expect(entry, CcaTrustAnchorStore.Parse(bytes).Refusal);
        }

        if (text.StartsWith("{"u8))
        {
            return JudgeObject(entry, bytes);
        }

        // A claim set by itself: of a realm or of a platform.
        Refusal? realm = CcaRealmClaims.Parse(bytes).Refusal;
        Refusal? platform = CcaPlatformClaims.Parse(bytes).Refusal;
        return Expect(entry, realm is null || platform is null ? null : realm);
    }

    private static CaseVerdict Expect(VectorEntry entry, Refusal? refusal) =>
        (refusal is not null) == entry.IsNegative ? CaseVerdict.Passed : CaseVerdict.Failed(refusal?.ToString() ?? "accepted");

    private static CaseVerdict JudgeObject(VectorEntry entry, byte[] bytes)
    {
        using JsonDocument document = JsonDocument.Parse(bytes);
        JsonElement json = document.RootElement;
        if (json.TryGetProperty("kty", out _))
        {
            return Expect(entry, Jwk.Parse(json).TryGet(out Jwk? jwk, out Refusal? refusal) ? VerificationKey.FromJwk(jwk).Refusal : refusal);
        }

        if (json.TryGetProperty("cca-verifier", out JsonElement configuration))
        {
            return Expect(entry, CcaConfiguration.Parse(configuration).Refusal);
        }

        if (json.TryGetProperty("platform", out JsonElement platform) && platform.ValueKind == JsonValueKind.Array)
        {
            return Expect(entry, CcaReferenceValueStore.Parse(bytes).Refusal);
        }

        return Expect(entry, CcaRemoteClaims.Map(json).Refusal);
    }

    private static async Task<CaseVerdict> JudgeTokenAsync(VectorManifest manifest, VectorEntry entry, byte[] bytes, CancellationToken ct)
    {
        if (!CcaToken.Parse(bytes).TryGet(out CcaToken? token, out Refusal? refusal))
        {
            return Expect(entry, refusal);
        }

        string expected = entry.Member("expected")?.ToString() ?? string.Empty;
        foreach (Match one in StoreVerdicts.Matches(expected))
        {
            Result<CcaTrustAnchorStore> named = CcaTrustAnchorStore.Parse(File.ReadAllBytes(entry.Resolve(one.Groups[1].Value)));
            Refusal? why = named.TryGet(out CcaTrustAnchorStore? store, out Refusal? broken) ? CcaTokenCheck.Check(token, store, null) : broken;
            if ((why is null) != (one.Groups[2].Value == "valid"))
            {
                return CaseVerdict.Failed($"with {one.Groups[1].Value}: {why?.ToString() ?? "accepted"}");
            }
        }

        // Stores that the entry names, else all that are there.
        string[] names = [.. StoreNames.Matches(expected).Select(m => entry.Resolve(m.Value)).Where(File.Exists)];
        IEnumerable<string> files = names.Length > 0 ? names : manifest.Entries.Select(e => e.FullPath).Where(f => f.EndsWith(".json", StringComparison.Ordinal));
        Refusal? last = null;
        foreach (string file in files)
        {
            if (!CcaTrustAnchorStore.Parse(File.ReadAllBytes(file)).TryGet(out CcaTrustAnchorStore? store, out _))
            {
                continue;
            }

            Refusal? why = CcaTokenCheck.Check(token, store, null);
            if (why is null)
            {
                return entry.IsNegative ? CaseVerdict.Failed("accepted with " + Path.GetFileName(file)) : await JudgeEvidenceAsync(bytes, token, store, ct).ConfigureAwait(false);
            }

            last = last is null || last.Check == "cca.trust-anchor" ? why : last;
        }

        if (!entry.IsNegative)
        {
            return CaseVerdict.Failed(last?.ToString() ?? "no trust anchor store");
        }

        return expected.Contains("binding", StringComparison.Ordinal) && last is not { Check: "cca.realm-binding" }
            ? CaseVerdict.Failed("for another reason: " + last)
            : CaseVerdict.Passed;
    }

    private static async Task<CaseVerdict> JudgeEvidenceAsync(byte[] bytes, CcaToken token, CcaTrustAnchorStore store, CancellationToken ct)
    {
        using JsonDocument body = JsonDocument.Parse("{\"token\":[" + string.Join(',', bytes) + "]}");
        var verifier = new CcaVerifier(new CcaVerifierOptions { TrustAnchors = store });
        var bound = new BoundEvidence(
            new Evidence(TeeType.Cca, body.RootElement), Binding.ToRaw(token.RealmClaims.Challenge), Binding.ToRaw(token.RealmClaims.PersonalizationValue));
        Result<ImmutableArray<VerifiedClaims>> result = await verifier.VerifyAsync(bound, null, ct).ConfigureAwait(false);
        if (result.Refusal is { } refusal)
        {
            return CaseVerdict.Failed(refusal.ToString());
        }

        byte[] other = token.RealmClaims.Challenge.ToArray();
        other[^1] ^= 1;
        foreach (Binding wrong in (Binding[])[Binding.ToRaw(other), Binding.NotChecked])
        {
            if ((await verifier.VerifyAsync(bound with { ReportData = wrong }, null, ct).ConfigureAwait(false)).Refusal is null)
            {
                return CaseVerdict.Failed("accepted with other report data");
            }
        }

        return CaseVerdict.Passed;
    }
}
