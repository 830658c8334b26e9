// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

using System.Text.Json;
using Coco.Protocol;
using Coco.Tee.EventLogs;
using Coco.Tee.Tpm;
using Coco.Verifiers;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.Tpm;

namespace Coco.Conformance;

/// <summary>Judges quotes of real TPM software: the quote itself, the evidence that holds it, its event log, and endorsement certificates beside it.</summary>
public sealed class TpmQuoteJudge : IConformanceJudge
{
    private const string EkUsage = "2.5.29.37";

    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["tpm-swtpm"];

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        string folder = Path.Combine(root, kind);
        foreach (string at in Directory.GetDirectories(folder).Order(StringComparer.Ordinal).Where(d => File.Exists(Path.Combine(d, "case.json"))))
        {
            string name = Path.GetFileName(at);
            yield return new ConformanceCase(name, _ => Task.FromResult(JudgeQuote(at)));
            if (File.Exists(Path.Combine(at, "evidence.json")))
            {
                yield return new ConformanceCase(name + " (evidence)", ct => JudgeEvidenceAsync(at, ct));
            }

            if (File.Exists(Path.Combine(at, "eventlog.bin")))
            {
                yield return new ConformanceCase(name + " (event log)", _ => Task.FromResult(JudgeLog(at)));
            }

            if (File.Exists(Path.Combine(at, "ak.tpm2b_public")))
            {
                yield return new ConformanceCase(name + " (public area)", _ => Task.FromResult(JudgePublic(at)));
            }
        }

        string[] certificates = [.. Directory.GetFiles(folder).Where(f => Path.GetExtension(f) is ".der" or ".pem" or ".crt").Order(StringComparer.Ordinal)];
        foreach (string file in certificates)
        {
            if (DerCertificate.ParseAll(File.ReadAllBytes(file)).TryGet(out ImmutableArray<DerCertificate> all, out _) && IsEndorsement(all[0]))
            {
                yield return new ConformanceCase(Path.GetFileName(file), _ => Task.FromResult(JudgeEndorsement(all[0], certificates)));
            }
        }
    }

    private static bool IsEndorsement(DerCertificate certificate) => certificate.FindExtension(EkUsage) is { } usage && Convert.ToHexString(usage.Span).Contains("67810508", StringComparison.Ordinal);

    private static CaseVerdict JudgeQuote(string at)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(at, "case.json")));
        JsonElement one = document.RootElement;
        Refusal? refusal = VerifyQuote(at, one);
        return (refusal is null) == IsPass(one) ? CaseVerdict.Passed : CaseVerdict.Failed(refusal?.ToString() ?? "accepted");
    }

    private static bool IsPass(JsonElement one) => one.GetProperty("verdict").GetString() == "pass";

    private static Refusal? VerifyQuote(string at, JsonElement one)
    {
        byte[] message = File.ReadAllBytes(Path.Combine(at, "quote.msg"));
        if (!TpmSignature.Parse(File.ReadAllBytes(Path.Combine(at, "quote.sig"))).TryGet(out TpmSignature? signature, out Refusal? refusal)
            || !VerificationKey.FromPem(File.ReadAllText(Path.Combine(at, "ak.pem"))).TryGet(out VerificationKey? pem, out refusal)
            || !TpmAttestationKey.FromSubjectPublicKeyInfo(pem.SubjectPublicKeyInfo).TryGet(out TpmAttestationKey? key, out refusal))
        {
            return refusal;
        }

        using (key)
        {
            if (!key.Verify(signature, message))
            {
                return new Refusal(RefusalCode.BadSignature, "signature");
            }
        }

        if (!TpmQuote.Parse(message).TryGet(out TpmQuote? quote, out refusal))
        {
            return refusal;
        }

        return Binding.ToRaw(Convert.FromHexString(one.GetProperty("nonce_hex").GetString()!)).CheckExactly(quote.ExtraData.Span)
            ?? TpmQuoteCheck.CheckDigest(quote, signature.Hash, ReadValues(one.GetProperty("pcrs")));
    }

    private static TpmPcrValues ReadValues(JsonElement pcrs)
    {
        var banks = ImmutableDictionary.CreateBuilder<TpmAlgorithm, ImmutableArray<ReadOnlyMemory<byte>>>();
        foreach (JsonProperty bank in pcrs.EnumerateObject())
        {
            TpmAlgorithm algorithm = bank.Name switch
            {
                "sha1" => TpmAlgorithm.Sha1,
                "sha256" => TpmAlgorithm.Sha256,
                "sha384" => TpmAlgorithm.Sha384,
                "sha512" => TpmAlgorithm.Sha512,
                _ => throw new FormatException("bank " + bank.Name),
            };
            banks[algorithm] = [.. Enumerable.Range(0, 24).Select(i => (ReadOnlyMemory<byte>)Convert.FromHexString(bank.Value.GetProperty(FormattableString.Invariant($"{i}")).GetString()!))];
        }

        return new TpmPcrValues(banks.ToImmutable());
    }

    private static async Task<CaseVerdict> JudgeEvidenceAsync(string at, CancellationToken ct)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(at, "case.json")));
        using JsonDocument evidence = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(at, "evidence.json")));
        JsonElement one = document.RootElement;
        var bound = new BoundEvidence(
            new Evidence(TeeType.Tpm, evidence.RootElement), Binding.ToDigest(Convert.FromHexString(one.GetProperty("nonce_hex").GetString()!)), Binding.NotChecked);
        Result<ImmutableArray<VerifiedClaims>> result = await new TpmVerifier(new TpmVerifierOptions()).VerifyAsync(bound, null, ct).ConfigureAwait(false);

        // A quote over fewer registers is a good quote, but evidence that claims all 24 is not covered by it.
        bool covered = !one.TryGetProperty("pcr_selection", out JsonElement selection)
            || selection.GetString() == "sha256:" + string.Join(',', Enumerable.Range(0, 24));
        if (IsPass(one) && !covered)
        {
            return result.Refusal?.Check == "tpm.pcr-selection" ? CaseVerdict.Passed : CaseVerdict.Failed(result.Refusal?.ToString() ?? "accepted");
        }

        return (result.Refusal is null) == IsPass(one) ? CaseVerdict.Passed : CaseVerdict.Failed(result.Refusal?.ToString() ?? "accepted");
    }

    private static CaseVerdict JudgeLog(string at)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(at, "case.json")));
        JsonElement one = document.RootElement;
        if (!CcEventLog.Parse(File.ReadAllBytes(Path.Combine(at, "eventlog.bin"))).TryGet(out CcEventLog? log, out Refusal? refusal))
        {
            return CaseVerdict.Failed(refusal.ToString());
        }

        ImmutableSortedDictionary<int, ReadOnlyMemory<byte>> replayed = TpmPcrReplay.Replay(log, TcgAlgorithm.Sha256);
        if (one.TryGetProperty("replayed_from_event_log", out JsonElement expected))
        {
            string got = string.Join(' ', replayed.Select(r => FormattableString.Invariant($"{r.Key}={Convert.ToHexStringLower(r.Value.Span)}")));
            string wanted = string.Join(' ', expected.EnumerateObject().OrderBy(p => int.Parse(p.Name, System.Globalization.CultureInfo.InvariantCulture)).Select(p => p.Name + "=" + p.Value.GetString()));
            if (got != wanted)
            {
                return CaseVerdict.Failed($"replays to {got}, expected {wanted}");
            }
        }

        TpmPcrValues values = ReadValues(one.GetProperty("pcrs"));
        bool same = replayed.All(r => values.Value(TpmAlgorithm.Sha256, r.Key) is { } v && v.Span.SequenceEqual(r.Value.Span));
        bool shouldMatch = one.TryGetProperty("replay_matches_quoted_pcrs", out JsonElement m)
            ? m.GetBoolean()
            : one.GetProperty("description").GetString()!.Contains("log replays", StringComparison.Ordinal);
        bool says = one.TryGetProperty("replay_matches_quoted_pcrs", out _) || one.GetProperty("description").GetString()!.Contains("replay", StringComparison.Ordinal);
        return !says || same == shouldMatch ? CaseVerdict.Passed : CaseVerdict.Failed(same ? "replays to the quoted registers" : "does not replay to the quoted registers");
    }

    private static CaseVerdict JudgePublic(string at)
    {
        if (!TpmPublic.ParseSized(File.ReadAllBytes(Path.Combine(at, "ak.tpm2b_public"))).TryGet(out TpmPublic? area, out Refusal? refusal))
        {
            return CaseVerdict.Failed(refusal.ToString());
        }

        using VerificationKey pem = VerificationKey.FromPem(File.ReadAllText(Path.Combine(at, "ak.pem"))).Require();
        Jwk jwk = area.Type == TpmAlgorithm.Rsa
            ? Jwk.FromRsa(area.Modulus.Span, [1, 0, 1], null)
            : Jwk.FromPoint(area.Curve switch { 3 => "P-256", 4 => "P-384", _ => "P-521" }, area.X.Span, area.Y.Span, null);
        using VerificationKey own = VerificationKey.FromJwk(jwk).Require();
        return own.SubjectPublicKeyInfo.Span.SequenceEqual(pem.SubjectPublicKeyInfo.Span) ? CaseVerdict.Passed : CaseVerdict.Failed("another key than ak.pem");
    }

    private static CaseVerdict JudgeEndorsement(DerCertificate certificate, string[] files)
    {
        DerCertificate[] others =
        [
            .. files.SelectMany(f => DerCertificate.ParseAll(File.ReadAllBytes(f)).TryGet(out ImmutableArray<DerCertificate> all, out _) ? all : [])
                .Where(c => !c.Raw.Span.SequenceEqual(certificate.Raw.Span)),
        ];
        var path = new List<DerCertificate> { certificate };
        while (others.FirstOrDefault(o => o.Subject.Span.SequenceEqual(path[^1].Issuer.Span)) is { } issuer && !path.Contains(issuer))
        {
            path.Add(issuer);
        }

        var check = new CertificatePath
        {
            Roots = [TrustedKey.Of(path[^1])],
            Algorithms = CertificateSignatureAlgorithms.RsaPkcs1Sha256 | CertificateSignatureAlgorithms.RsaPkcs1Sha384 | CertificateSignatureAlgorithms.EcdsaSha256,
            CheckedElsewhere = ["2.5.29.17", "2.5.29.37"],
        };
        return path.Count > 1 && check.Check(path, path.Max(c => c.NotBefore).AddDays(1), null).Refusal is { } refusal
            ? CaseVerdict.Failed(refusal.ToString())
            : path.Count > 1 ? CaseVerdict.Passed : CaseVerdict.Failed("no issuer beside it");
    }
}
