// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Coco.Tee.Snp;
using Coco.Verifiers.Snp;

namespace Coco.Conformance;

/// <summary>Compares the vendors' root certificates with the keys that are built in as numbers.</summary>
public sealed class RootsJudge : IConformanceJudge
{
    private const CertificateSignatureAlgorithms Any =
        CertificateSignatureAlgorithms.RsaPssSha384 | CertificateSignatureAlgorithms.EcdsaSha256 | CertificateSignatureAlgorithms.EcdsaSha384;

    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["roots"];

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        VectorManifest manifest = VectorManifest.TryRead(Path.Combine(root, kind)) ?? throw new FormatException("no manifest lists " + kind);
        return manifest.Entries.Select(e => new ConformanceCase(e.File, _ => Task.FromResult(Judge(e))));
    }

    private static CaseVerdict Judge(VectorEntry entry)
    {
        if (!DerCertificate.Parse(entry.Bytes()).TryGet(out DerCertificate? certificate, out Refusal? refusal))
        {
            return entry.IsNegative ? CaseVerdict.Passed : CaseVerdict.Failed(refusal.ToString());
        }

        string sha256 = Convert.ToHexStringLower(SHA256.HashData(certificate.SubjectPublicKeyInfo.Span));
        string sha384 = Convert.ToHexStringLower(SHA384.HashData(certificate.SubjectPublicKeyInfo.Span));
        if ((entry.Text("spki_sha256") ?? sha256) != sha256 || (entry.Text("spki_sha384") ?? sha384) != sha384)
        {
            return CaseVerdict.Failed($"the digest of its key is {sha256}");
        }

        if (entry.EvaluateAt is { } window && (certificate.CheckDates(window.From) ?? certificate.CheckDates(window.To)) is { } expired)
        {
            return CaseVerdict.Failed(expired.ToString());
        }

        if (SnpGenerations.TryParse(entry.Text("generation"), out SnpGeneration generation))
        {
            return JudgeAmd(entry, certificate, AmdTrustAnchor.BuiltIn.Single(a => a.Generation == generation), sha256);
        }

        return certificate.CheckSignature(certificate.SubjectPublicKeyInfo.Span, Any) is { } unsigned
            ? CaseVerdict.Failed("it is not signed by itself: " + unsigned)
            : CaseVerdict.Passed;
    }

    private static CaseVerdict JudgeAmd(VectorEntry entry, DerCertificate certificate, AmdTrustAnchor anchor, string sha256)
    {
        if (certificate.CheckSignature(anchor.Ark.SubjectPublicKeyInfo.Span, SnpChain.Algorithms) is { } unsigned)
        {
            return entry.IsNegative ? CaseVerdict.Passed : CaseVerdict.Failed($"not signed by {anchor.Ark.Name}: {unsigned}");
        }

        AmdKey? known = new[] { anchor.Ark, anchor.Ask!, anchor.Asvk! }.FirstOrDefault(k => k.SpkiSha256 == sha256);
        bool same = known is not null
            && known.Name == certificate.SubjectCommonName
            && known.SerialNumber.Span.SequenceEqual(certificate.SerialNumber.Span)
            && known.NotBefore == certificate.NotBefore
            && known.NotAfter == certificate.NotAfter
            && (entry.Text("expected") == "trust anchor") == (known.Role == AmdKeyRole.Ark);
        return same != entry.IsNegative ? CaseVerdict.Passed : CaseVerdict.Failed("it differs from the key that is built in");
    }
}
