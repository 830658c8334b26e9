// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Coco.Protocol;
using Coco.Tee.Nvidia;
using Coco.Verifiers;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.Nvidia;

namespace Coco.Conformance;

/// <summary>Judges NVIDIA reports, certificate chains and expected claims. What a file is, is told by its content.</summary>
public sealed partial class NvidiaJudge : IConformanceJudge
{
    // Device certificates do not end before the year 9999.
    private static readonly DateTimeOffset Now = new(2025, 6, 1, 0, 0, 0, TimeSpan.Zero);

    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["nvidia"];

    [GeneratedRegex(@"with ([\w.-]+)")]
    private static partial Regex WithChain { get; }

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        VectorManifest manifest = VectorManifest.TryRead(Path.Combine(root, kind)) ?? throw new FormatException("no manifest lists " + kind);
        return manifest.Entries.Select(e => new ConformanceCase(e.File, ct => JudgeAsync(manifest, e, ct)));
    }

    private static async Task<CaseVerdict> JudgeAsync(VectorManifest manifest, VectorEntry entry, CancellationToken ct)
    {
        string text = Encoding.Latin1.GetString(entry.Bytes()).Trim();
        if (text.StartsWith('{'))
        {
            return await JudgeClaimsAsync(manifest, text, ct).ConfigureAwait(false);
        }

        return text.StartsWith("-----BEGIN", StringComparison.Ordinal) ? JudgeChain(entry, text) : await JudgeReportAsync(manifest, entry, text, ct).ConfigureAwait(false);
    }

    private static CaseVerdict Expect(VectorEntry entry, Refusal? refusal) =>
        (refusal is not null) == entry.IsNegative ? CaseVerdict.Passed : CaseVerdict.Failed(refusal?.ToString() ?? "accepted");

    private static CaseVerdict JudgeChain(VectorEntry entry, string pem)
    {
        if (!DerCertificate.ParsePem(pem).TryGet(out ImmutableArray<DerCertificate> chain, out Refusal? refusal))
        {
            return Expect(entry, refusal);
        }

        string expected = entry.Text("expected") ?? string.Empty;
        if (expected == "trust anchor")
        {
            return Expect(entry, chain[0].SubjectPublicKeyInfo.Span.SequenceEqual(NvidiaRoots.DeviceIdentity.SubjectPublicKeyInfo.Span)
                ? chain[0].CheckSignature(chain[0].SubjectPublicKeyInfo.Span, CertificateSignatureAlgorithms.EcdsaSha384)
                : new Refusal(RefusalCode.Untrusted, "another root than the built-in one"));
        }

        if (expected == "input")
        {
            return CaseVerdict.Passed;
        }

        var path = new CertificatePath { Roots = [NvidiaRoots.DeviceIdentity], Algorithms = CertificateSignatureAlgorithms.EcdsaSha384, RootIncluded = true };
        return Expect(entry, chain.Length < 2 ? new Refusal(RefusalCode.Untrusted, "one certificate") : path.Check(chain, Now, null).Refusal);
    }

    private static async Task<CaseVerdict> JudgeReportAsync(VectorManifest manifest, VectorEntry entry, string report, CancellationToken ct)
    {
        IEnumerable<string> chains = ChainsFor(manifest, entry);
        Refusal? last = null;
        foreach (string chain in chains)
        {
            Result<ImmutableArray<VerifiedClaims>> result = await VerifyAsync(report, chain, "unknown", NonceOf(entry, report), ct).ConfigureAwait(false);
            if (result.Refusal is null)
            {
                if (entry.IsNegative)
                {
                    return CaseVerdict.Failed("accepted");
                }

                byte[] other = NonceOf(entry, report);
                other[0] ^= 1;
                return (await VerifyAsync(report, chain, "unknown", other, ct).ConfigureAwait(false)).Refusal is { Check: "nvidia.nonce" }
                    ? CaseVerdict.Passed
                    : CaseVerdict.Failed("accepted with another nonce");
            }

            last = result.Refusal;
        }

        string expected = entry.Text("expected") ?? string.Empty;
        return entry.IsNegative && expected.Contains("signature", StringComparison.Ordinal) && last?.Check != "nvidia.report-signature"
            ? CaseVerdict.Failed("for another reason: " + last)
            : Expect(entry, last ?? new Refusal(RefusalCode.NotFound, "no chain beside it"));
    }

    private static byte[] NonceOf(VectorEntry entry, string report) =>
        entry.Member("expected") is { ValueKind: JsonValueKind.Object } e && e.TryGetProperty("nonce", out JsonElement nonce)
            ? Convert.FromHexString(nonce.GetString()!)
            : Convert.FromHexString(report).AsSpan(4, 32).ToArray();

    private static IEnumerable<string> ChainsFor(VectorManifest manifest, VectorEntry entry)
    {
        if (entry.Member("expected") is { ValueKind: JsonValueKind.Object } expected && expected.TryGetProperty("local", out JsonElement local)
            && WithChain.Match(local.GetString()!) is { Success: true } match)
        {
            return [File.ReadAllText(entry.Resolve(match.Groups[1].Value))];
        }

        return manifest.Entries.Where(e => !e.IsNegative && e.Text("expected") == "accept" && File.Exists(e.FullPath)).Select(e => File.ReadAllText(e.FullPath));
    }

    private static async Task<CaseVerdict> JudgeClaimsAsync(VectorManifest manifest, string text, CancellationToken ct)
    {
        JsonNode wanted = JsonNode.Parse(text)!;
        string uuid = wanted["uuid"]?.GetValue<string>() ?? "unknown";
        string difference = "no report beside it";
        foreach (VectorEntry entry in manifest.Entries.Where(e => !e.IsNegative && e.Member("expected") is { ValueKind: JsonValueKind.Object } x && x.TryGetProperty("local", out _)))
        {
            string report = File.ReadAllText(entry.FullPath).Trim();
            foreach (string chain in ChainsFor(manifest, entry))
            {
                Result<ImmutableArray<VerifiedClaims>> result = await VerifyAsync(report, chain, uuid, NonceOf(entry, report), ct).ConfigureAwait(false);
                if (result.TryGet(out ImmutableArray<VerifiedClaims> claims, out Refusal? refusal))
                {
                    if (JsonNode.DeepEquals(wanted, claims[0].Claims))
                    {
                        return CaseVerdict.Passed;
                    }

                    difference = "claims are " + claims[0].Claims.ToJsonString();
                }
                else
                {
                    difference = refusal.ToString();
                }
            }
        }

        return CaseVerdict.Failed(difference);
    }

    private static async Task<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(string report, string chain, string uuid, byte[] nonce, CancellationToken ct)
    {
        var body = new JsonObject
        {
            ["device_evidence_list"] = new JsonArray(new JsonObject
            {
                ["arch"] = "HOPPER",
                ["uuid"] = uuid,
                ["evidence"] = report,
                ["certificate"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(chain)),
            }),
        };
        using JsonDocument document = JsonDocument.Parse(body.ToJsonString());
        var verifier = new NvidiaVerifier(new NvidiaVerifierOptions { Clock = new FixedClock(Now) });
        return await verifier.VerifyAsync(new BoundEvidence(new Evidence(TeeType.Nvidia, document.RootElement), Binding.ToRaw(nonce), Binding.NotChecked), null, ct).ConfigureAwait(false);
    }
}
