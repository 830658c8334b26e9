// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Coco.Tee.Intel;
using Coco.Verifiers;
using Coco.Verifiers.Intel;

namespace Coco.Conformance;

/// <summary>The collateral in a folder, put together by what each file is, not by how it is called.</summary>
internal sealed class IntelVectorFiles
{
    private readonly List<DerCertificate> _certificates = [];

    private IntelVectorFiles()
    {
    }

    /// <summary>All certificates.</summary>
    public IReadOnlyList<DerCertificate> Certificates => _certificates;

    /// <summary>TCB info documents.</summary>
    public List<byte[]> TcbInfos { get; } = [];

    /// <summary>QE identity documents.</summary>
    public List<byte[]> QeIdentities { get; } = [];

    /// <summary>Revocation lists.</summary>
    public List<CertificateRevocationList> Lists { get; } = [];

    /// <summary>Self-issued root certificates with another key than Intel's.</summary>
    public IEnumerable<DerCertificate> ForeignRoots => _certificates.Where(c =>
        c.SubjectCommonName.Contains("SGX Root CA", StringComparison.Ordinal) && !c.SubjectPublicKeyInfo.Span.SequenceEqual(IntelRootKey.Production.PublicKeyInfo.Span));

    /// <summary>Reads every file of a folder, of those below it when asked to, and of further folders that exist.</summary>
    public static IntelVectorFiles Read(string folder, bool recursive, params string[] further)
    {
        var files = new IntelVectorFiles();
        foreach (string path in further.Where(Directory.Exists).SelectMany(f => Directory.EnumerateFiles(f)).Order(StringComparer.Ordinal))
        {
            files.Add(File.ReadAllBytes(path));
        }

        foreach (string path in Directory.EnumerateFiles(folder, "*", recursive ? SearchOption.AllDirectories : SearchOption.TopDirectoryOnly).Order(StringComparer.Ordinal))
        {
            files.Add(File.ReadAllBytes(path));
        }

        return files;
    }

    /// <summary>The collateral of this folder as a provider; null when a piece is missing.</summary>
    /// <param name="tcbInfo">Takes the place of the folder's TCB info.</param>
    public IntelCollateralFile? ToProvider(byte[]? tcbInfo = null)
    {
        tcbInfo ??= TcbInfos.FirstOrDefault();
        CertificateRevocationList? root = Lists.FirstOrDefault(l => l.IssuerCommonName.Contains("Root", StringComparison.Ordinal));
        CertificateRevocationList? pck = Lists.FirstOrDefault(l => !l.IssuerCommonName.Contains("Root", StringComparison.Ordinal));
        if (tcbInfo is null || QeIdentities.Count == 0 || root is null || pck is null)
        {
            return null;
        }

        byte[] signers = Pem(c => c.SubjectCommonName.Contains("TCB Signing", StringComparison.Ordinal) || IsRoot(c));
        byte[] authorities = Pem(c => c.Subject.Span.SequenceEqual(pck.Issuer.Span) || IsRoot(c));
        var items = new Dictionary<string, CollateralItem>(StringComparer.Ordinal)
        {
            [CollateralKinds.IntelTcbInfo] = new(tcbInfo) { IssuerChain = signers },
            [CollateralKinds.IntelQeIdentity] = new(QeIdentities[0]) { IssuerChain = signers },
            [CollateralKinds.IntelPckCrl] = new(pck.Raw) { IssuerChain = authorities },
            [CollateralKinds.IntelRootCrl] = new(root.Raw),
        };
        if (_certificates.FirstOrDefault(c => c.SubjectCommonName.Contains("PCK Certificate", StringComparison.Ordinal)) is { } leaf)
        {
            items[CollateralKinds.IntelPck] = new(leaf.Raw) { IssuerChain = authorities };
        }

        return IntelCollateralFile.FromItems(items);
    }

    /// <summary>Whether one of the TCB signing certificates here signed the text; null when there is none.</summary>
    public bool? IsSigned(SignedCollateral statement) => Any(c => c.SubjectCommonName.Contains("TCB Signing", StringComparison.Ordinal), c =>
        P256VerifyingKey.FromPublicKeyInfo(c.SubjectPublicKeyInfo.Span).TryGet(out P256VerifyingKey? key, out _)
        && key.VerifyRaw(statement.Text.Span, statement.Signature.Span));

    /// <summary>Whether one of the certificates here issued the list; null when none has the issuer's name.</summary>
    public bool? IsIssued(CertificateRevocationList list) => Any(c => c.Subject.Span.SequenceEqual(list.Issuer.Span), c => list.CheckSignature(c.SubjectPublicKeyInfo.Span, CertificateSignatureAlgorithms.EcdsaSha256) is null);

    /// <summary>Whether one of the certificates here issued the certificate; null when none has the issuer's name.</summary>
    public bool? IsIssued(DerCertificate certificate) => Any(c => c.Subject.Span.SequenceEqual(certificate.Issuer.Span), c => certificate.CheckSignature(c.SubjectPublicKeyInfo.Span, CertificateSignatureAlgorithms.EcdsaSha256) is null);

    private bool? Any(Func<DerCertificate, bool> candidate, Func<DerCertificate, bool> holds)
    {
        DerCertificate[] all = [.. _certificates.Where(candidate)];
        return all.Length == 0 ? null : all.Any(holds);
    }

    private static bool IsRoot(DerCertificate certificate) => certificate.SubjectCommonName.Contains("SGX Root CA", StringComparison.Ordinal);

    private byte[] Pem(Func<DerCertificate, bool> choose)
    {
        var text = new StringBuilder();
        foreach (DerCertificate one in _certificates.Where(choose).DistinctBy(c => Convert.ToHexString(c.Raw.Span)))
        {
            text.Append(PemEncoding.WriteString("CERTIFICATE", one.Raw.Span)).Append('\n');
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private void Add(byte[] bytes)
    {
        if (bytes.AsSpan().TrimStart(" \r\n\t"u8).StartsWith("{"u8))
        {
            if (!HostileJson.ParseObject(bytes, 1 << 24).TryGet(out JsonElement json, out _))
            {
                return;
            }

            if (json.TryGetProperty("tcbInfo", out _))
            {
                TcbInfos.Add(bytes);
            }
            else if (json.TryGetProperty("enclaveIdentity", out _))
            {
                QeIdentities.Add(bytes);
            }
        }
        else if (DerCertificate.ParseAll(bytes).TryGet(out ImmutableArray<DerCertificate> certificates, out _))
        {
            _certificates.AddRange(certificates);
        }
        else if (CertificateRevocationList.ParseAny(bytes).TryGet(out CertificateRevocationList? list, out _))
        {
            Lists.Add(list);
        }
    }
}
