// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Coco.Tee.Csv;
using Coco.Tee.Intel;
using Coco.Tee.Snp;
using Coco.Verifiers;

namespace Coco.Cli.EvidenceCommands;

/// <summary>Collateral put together from single files by what each of them says: vendors' JSON statements, revocation lists, certificates.</summary>
internal sealed class LooseCollateral : ICollateralSource
{
    private readonly List<(string Tee, string Fmspc, byte[] Body)> _tcbInfos = [];
    private readonly List<(string Tee, byte[] Body)> _identities = [];
    private readonly List<CertificateRevocationList> _lists = [];
    private readonly List<DerCertificate> _certificates = [];
    private byte[]? _hskAndCek;

    /// <inheritdoc/>
    public string Name => "files";

    /// <inheritdoc/>
    public bool Serves(string kind) => true;

    /// <summary>Takes a vendor's JSON statement; false when it is none.</summary>
    public bool TryAddStatement(JsonElement json, byte[] body)
    {
        if (json.ValueKind == JsonValueKind.Object && json.TryGetProperty("tcbInfo", out JsonElement info) && info.ValueKind == JsonValueKind.Object)
        {
            _tcbInfos.Add((Text(info, "id") == "TDX" ? "tdx" : "sgx", Text(info, "fmspc").ToUpperInvariant(), body));
            return true;
        }

        if (json.ValueKind == JsonValueKind.Object && json.TryGetProperty("enclaveIdentity", out JsonElement identity) && identity.ValueKind == JsonValueKind.Object)
        {
            _identities.Add((Text(identity, "id") == "TD_QE" ? "tdx" : "sgx", body));
            return true;
        }

        return false;
    }

    /// <summary>Takes certificates.</summary>
    public void Add(IEnumerable<DerCertificate> certificates) => _certificates.AddRange(certificates);

    /// <summary>Takes Hygon's HSK and CEK of one chip in one file; false when it is none.</summary>
    public bool TryAddHygon(ReadOnlyMemory<byte> bytes)
    {
        bool both = bytes.Length == HygonCaCertificate.Size + CsvCertificate.Size && HygonCaCertificate.Parse(bytes[..HygonCaCertificate.Size]).Refusal is null;
        _hskAndCek = both ? bytes.ToArray() : _hskAndCek;
        return both;
    }

    /// <summary>Takes a revocation list.</summary>
    public void Add(CertificateRevocationList list) => _lists.Add(list);

    /// <inheritdoc/>
    public ValueTask<Result<CollateralItem>> FetchAsync(CollateralKey key, CancellationToken ct) =>
        new(Find(key) ?? (Result<CollateralItem>)new Refusal(RefusalCode.NotFound, $"no file is {key.Kind} {key.Id}"));

    private static string Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.String ? e.GetString()! : string.Empty;

    private static bool IsIntelRoot(DerCertificate c) => c.SubjectCommonName == "Intel SGX Root CA";

    private CollateralItem? Find(CollateralKey key)
    {
        string[] parts = key.Id.Split('/');
        switch (key.Kind)
        {
            case CollateralKinds.IntelTcbInfo when parts.Length == 3:
                byte[]? info = _tcbInfos.FirstOrDefault(t => t.Tee == parts[0] && t.Fmspc == parts[1]).Body;
                return info is null ? null : new CollateralItem(info) { IssuerChain = Pem(IsTcbSigner) };
            case CollateralKinds.IntelQeIdentity when parts.Length == 2:
                byte[]? identity = _identities.FirstOrDefault(t => t.Tee == parts[0]).Body;
                return identity is null ? null : new CollateralItem(identity) { IssuerChain = Pem(IsTcbSigner) };
            case CollateralKinds.IntelPckCrl:
                string authority = key.Id == "platform" ? "Platform CA" : "Processor CA";
                return _lists.FirstOrDefault(l => l.IssuerCommonName.Contains(authority, StringComparison.Ordinal)) is { } pck
                    ? new CollateralItem(pck.Raw) { IssuerChain = Pem(c => c.SubjectCommonName.Contains(authority, StringComparison.Ordinal)) }
                    : null;
            case CollateralKinds.IntelRootCrl:
                return _lists.FirstOrDefault(l => l.IssuerCommonName == "Intel SGX Root CA") is { } root ? new CollateralItem(root.Raw) : null;
            case CollateralKinds.AmdCrl when parts.Length == 2:
                return _lists.FirstOrDefault(l => l.IssuerCommonName == "ARK-" + parts[1]) is { } amd ? new CollateralItem(amd.Raw) : null;
            case CollateralKinds.HygonHskCek:
                // Which chip they are of shows in the signatures that they have to verify.
                return _hskAndCek is null ? null : new CollateralItem(_hskAndCek);
            case CollateralKinds.IntelPck when parts.Length == 4:
                return FindPck(parts[0]) is { } pckLeaf
                    ? new CollateralItem(pckLeaf.Raw) { IssuerChain = Pem(c => c.SubjectCommonName.Contains("PCK P", StringComparison.Ordinal)) }
                    : null;
            case CollateralKinds.AmdVcek when parts.Length == 3:
                return _certificates.FirstOrDefault(c => IsVcek(c, parts[1])) is { } vcek ? new CollateralItem(vcek.Raw) : null;
            default:
                return null;
        }
    }

    private static bool IsVcek(DerCertificate certificate, string hardwareId) =>
        certificate.SubjectCommonName == "SEV-VCEK"
        && SnpVek.Parse(certificate).TryGet(out SnpVek? vek, out _)
        && vek.HardwareId is { } id
        && Convert.ToHexStringLower(id.Span) == hardwareId;

    /// <summary>The PCK certificate of a PPID; the only one there is when the PPID is encrypted.</summary>
    private DerCertificate? FindPck(string ppid)
    {
        DerCertificate[] leaves = [.. _certificates.Where(c => c.SubjectCommonName.Contains("PCK Certificate", StringComparison.Ordinal))];
        return leaves.FirstOrDefault(c => c.FindExtension(PckExtension.Oid) is { } value
            && PckExtension.Parse(value).TryGet(out PckExtension? pck, out _) && Convert.ToHexString(pck.Ppid.Span) == ppid)
            ?? (leaves.Length == 1 ? leaves[0] : null);
    }

    private static bool IsTcbSigner(DerCertificate c) => c.SubjectCommonName.Contains("TCB Signing", StringComparison.Ordinal);

    private ReadOnlyMemory<byte> Pem(Func<DerCertificate, bool> choose)
    {
        var text = new StringBuilder();
        foreach (DerCertificate one in _certificates.Where(c => choose(c) || IsIntelRoot(c)).DistinctBy(c => Convert.ToHexString(c.Raw.Span), StringComparer.Ordinal).OrderBy(IsIntelRoot))
        {
            text.Append(PemEncoding.WriteString("CERTIFICATE", one.Raw.Span)).Append('\n');
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }
}
