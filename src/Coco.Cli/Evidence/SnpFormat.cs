// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Coco.Protocol;
using Coco.Tee.Snp;
using Coco.Verifiers;
using Coco.Verifiers.Snp;

namespace Coco.Cli.EvidenceCommands;

/// <summary>AMD SEV-SNP: raw reports, evidence JSON of both shapes, and the JSON that configfs-tsm tools write (<c>outblob</c>, <c>auxblob</c>).</summary>
internal sealed class SnpFormat : IEvidenceFormat
{
    /// <inheritdoc/>
    public TeeType Tee => TeeType.Snp;

    /// <inheritdoc/>
    public bool Recognizes(EvidenceFile file) =>
        (file.HasMembers("attestation_report") && !file.HasMembers("serial_number"))
        || IsTsm(file)
        || (file.Json is null && file.Bytes.Length == SnpReport.Length && file.Bytes.Span[0] is >= 2 and <= 5 && !file.Bytes.Span[1..4].ContainsAnyExcept((byte)0));

    /// <inheritdoc/>
    public Result<JsonElement> ToEvidence(EvidenceFile file, EvidenceInputs inputs)
    {
        if (file.HasMembers("attestation_report") && file.Json is { } json)
        {
            // Left as it came, unless it brings no certificates and some were given.
            if (!SnpEvidence.Parse(json).TryGet(out SnpEvidence? brought, out _) || brought.Certificates is not null)
            {
                return json;
            }

            return Encode(WithGiven(brought, inputs));
        }

        return Read(file).TryGet(out SnpEvidence? evidence, out Refusal? refusal) ? Encode(WithGiven(evidence, inputs)) : refusal;
    }

    /// <inheritdoc/>
    public IVerifier CreateVerifier(EvidenceInputs inputs) => new SnpVerifier(OptionsOf(inputs));

    /// <summary>What the command line says, for this verifier and for those that hold an SNP report inside.</summary>
    internal static SnpVerifierOptions OptionsOf(EvidenceInputs inputs) => new()
    {
        Clock = inputs.Clock,
        Collateral = inputs.Collateral,
        SimulatedRoots = [.. inputs.SimulatedAmd],
        AcceptVersion2 = inputs.AcceptVersion2,
        AcceptExpiredCertificates = inputs.AcceptExpired,
        Revocation = inputs.RequireRevocation ? RevocationRule.Required : RevocationRule.WhenAvailable,
    };

    /// <inheritdoc/>
    public Result<ImmutableArray<CollateralKey>> CollateralOf(EvidenceFile file)
    {
        if (!ReadAny(file).TryGet(out SnpEvidence? evidence, out Refusal? refusal))
        {
            return refusal;
        }

        SnpReport report = evidence.Report;
        if (report.CpuFamily is not { } family || report.CpuModel is not { } model)
        {
            return new Refusal(RefusalCode.Unsupported, "a report of version 2 does not say which processor it is of; name the items with --item");
        }

        if (!SnpGenerations.Of(family, model).TryGet(out SnpGeneration generation, out refusal))
        {
            return refusal;
        }

        bool vlek = report.KeyInfo.SigningKey == SnpSigningKey.Vlek;
        ImmutableArray<CollateralKey> shared = [AmdCollateral.CrlKey(generation, vlek), AmdCollateral.ChainKey(generation, vlek)];
        return AmdCollateral.VcekKey(report, generation).TryGet(out CollateralKey? vcek, out _) ? shared.Insert(0, vcek) : shared;
    }

    /// <inheritdoc/>
    public Result<ShownNode> Show(EvidenceFile file)
    {
        if (!ReadAny(file).TryGet(out SnpEvidence? evidence, out Refusal? refusal))
        {
            return refusal;
        }

        ShownNode root = ShowReport(evidence.Report);
        if (evidence.Certificates is { } certificates)
        {
            foreach (SnpCertificateEntry entry in certificates)
            {
                root.Add(ShowEntry(entry));
            }
        }

        return root;
    }

    /// <summary>The fields of a report.</summary>
    internal static ShownNode ShowReport(SnpReport r)
    {
        var root = new ShownNode("ATTESTATION_REPORT", $"AMD SEV-SNP, {SnpReport.Length} bytes");
        root.Add("VERSION", Text(r.Version)).Add("GUEST_SVN", Text(r.GuestSvn));
        SnpPolicy policy = r.Policy;
        root.Open("POLICY", "0x" + policy.Value.ToString("x", CultureInfo.InvariantCulture))
            .Add("ABI", $"{policy.AbiMajor}.{policy.AbiMinor}")
            .Add("SMT", Word(policy.SmtAllowed, "allowed", "not allowed"))
            .Add("MIGRATE_MA", Word(policy.MigrationAgentAllowed, "allowed", "not allowed"))
            .Add("DEBUG", Word(policy.DebugAllowed, "ALLOWED", "not allowed"))
            .Add("SINGLE_SOCKET", Word(policy.SingleSocket, "required", "not required"))
            .Add("CXL_ALLOW", Word(policy.CxlAllowed, "allowed", "not allowed"))
            .Add("MEM_AES_256_XTS", Word(policy.MemoryAes256Xts, "required", "not required"))
            .Add("RAPL_DIS", Word(policy.RaplDisabled, "required", "not required"))
            .Add("CIPHERTEXT_HIDING_DRAM", Word(policy.CiphertextHidingDram, "required", "not required"))
            .Add("PAGE_SWAP_DISABLE", Word(policy.PageSwapDisabled, "required", "not required"));
        root.Add("FAMILY_ID", r.FamilyId).Add("IMAGE_ID", r.ImageId)
            .Add("VMPL", Text(r.Vmpl))
            .Add("SIGNATURE_ALGO", Text(r.SignatureAlgorithm) + (r.SignatureAlgorithm == 1 ? " (ECDSA P-384 with SHA-384)" : " (unknown)"))
            .Add("CURRENT_TCB", r.CurrentTcb.ToString());
        SnpPlatformInfo platform = r.PlatformInfo;
        root.Open("PLATFORM_INFO", "0x" + platform.Value.ToString("x", CultureInfo.InvariantCulture))
            .Add("SMT_EN", Flag(platform.SmtEnabled)).Add("TSME_EN", Flag(platform.TsmeEnabled)).Add("ECC_EN", Flag(platform.EccEnabled))
            .Add("RAPL_DIS", Flag(platform.RaplDisabled)).Add("CIPHERTEXT_HIDING_DRAM_EN", Flag(platform.CiphertextHidingDramEnabled))
            .Add("ALIAS_CHECK_COMPLETE", Flag(platform.AliasCheckComplete)).Add("TIO_EN", Flag(platform.TioEnabled));
        SnpKeyInfo key = r.KeyInfo;
        root.Open("KEY_INFO", "0x" + key.Value.ToString("x", CultureInfo.InvariantCulture))
            .Add("AUTHOR_KEY_EN", Flag(key.AuthorKeyEnabled)).Add("MASK_CHIP_KEY", Flag(key.MaskChipKey))
            .Add("SIGNING_KEY", key.SigningKey switch { SnpSigningKey.Vcek => "VCEK", SnpSigningKey.Vlek => "VLEK", SnpSigningKey.None => "none: not signed", _ => "reserved" });
        root.Add("REPORT_DATA", r.ReportData).Add("MEASUREMENT", r.Measurement).Add("HOST_DATA", r.HostData)
            .Add("ID_KEY_DIGEST", r.IdKeyDigest).Add("AUTHOR_KEY_DIGEST", r.AuthorKeyDigest)
            .Add("REPORT_ID", r.ReportId).Add("REPORT_ID_MA", r.ReportIdMa)
            .Add("REPORTED_TCB", r.ReportedTcb.ToString());
        if (r.CpuFamily is { } family && r.CpuModel is { } model)
        {
            string generation = SnpGenerations.Of(family, model).TryGet(out SnpGeneration g, out _) ? g.ProductName() : "unknown";
            root.Add("CPUID", $"family 0x{family:x2}, model 0x{model:x2}, stepping {r.CpuStepping} ({generation})");
        }

        root.Add("CHIP_ID", r.IsChipIdMasked ? "masked" : Convert.ToHexStringLower(r.ChipId.Span))
            .Add("COMMITTED_TCB", r.CommittedTcb.ToString())
            .Add("CURRENT", r.Current.ToString()).Add("COMMITTED", r.Committed.ToString())
            .Add("LAUNCH_TCB", r.LaunchTcb.ToString());
        if (r.LaunchMitigationVector is { } launch && r.CurrentMitigationVector is { } current)
        {
            root.Add("LAUNCH_MIT_VECTOR", $"0x{launch:x}").Add("CURRENT_MIT_VECTOR", $"0x{current:x}");
        }

        return root.Add("SIGNATURE.R", r.SignatureR).Add("SIGNATURE.S", r.SignatureS);
    }

    internal static ShownNode ShowEntry(SnpCertificateEntry entry)
    {
        string name = entry.Type == SnpCertificateType.Other ? $"entry {entry.Id}" : entry.Type.ToString().ToUpperInvariant();
        if (entry.Type == SnpCertificateType.Crl && CertificateRevocationList.ParseAny(entry.Data).TryGet(out CertificateRevocationList? list, out _))
        {
            return new ShownNode(name).Add(CertificateView.Of(list));
        }

        return DerCertificate.ParseAll(entry.Data).TryGet(out ImmutableArray<DerCertificate> certificates, out _)
            ? certificates.Aggregate(new ShownNode(name), (node, c) => node.Add(CertificateView.Of(c)))
            : new ShownNode(name, $"{entry.Data.Length} bytes that are no certificate");
    }

    /// <summary>Evidence in any of the shapes that are read.</summary>
    internal static Result<SnpEvidence> ReadAny(EvidenceFile file) =>
        file.Json is { } json && file.HasMembers("attestation_report")
            ? SnpEvidence.IsLegacy(json) ? SnpEvidence.ParseLegacy(json) : SnpEvidence.Parse(json)
            : Read(file);

    private static bool IsTsm(EvidenceFile file) =>
        file.HasMembers("outblob") && file.Json is { } json && !(json.TryGetProperty("provider", out JsonElement p) && p.ToString().Trim() is not "sev_guest");

    private static Result<SnpEvidence> Read(EvidenceFile file)
    {
        if (!IsTsm(file))
        {
            return file.Json is null ? SnpEvidence.FromDevice(file.Bytes, default) : new Refusal(RefusalCode.Malformed, "attestation_report: missing") { Field = "attestation_report" };
        }

        JsonElement json = file.Json!.Value;
        return Blob(json, "outblob") is { } report
            ? SnpEvidence.FromDevice(report, Blob(json, "auxblob") ?? default(ReadOnlyMemory<byte>))
            : new Refusal(RefusalCode.Malformed, "outblob: not base64") { Field = "outblob" };
    }

    private static byte[]? Blob(JsonElement json, string name)
    {
        if (!json.TryGetProperty(name, out JsonElement e) || e.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        string text = e.GetString()!.TrimEnd('=').Replace('-', '+').Replace('_', '/');
        byte[] bytes = new byte[text.Length / 4 * 3 + 3];
        return Convert.TryFromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='), bytes, out int written) ? bytes[..written] : null;
    }

    /// <summary>Adds certificates that were given with <c>--collateral</c> to evidence that brings none.</summary>
    private static SnpEvidence WithGiven(SnpEvidence evidence, EvidenceInputs inputs)
    {
        if (evidence.Certificates is not null || FindVek(evidence.Report, inputs.Certificates) is not { } vek)
        {
            return evidence;
        }

        var entries = new List<SnpCertificateEntry> { SnpCertificateEntry.Of(vek.Kind, vek.Certificate.Raw) };
        if (Unique(inputs.Certificates, vek.Certificate.IssuerCommonName) is { } ask)
        {
            entries.Add(SnpCertificateEntry.Of(SnpCertificateType.Ask, ask.Raw));
            if (Unique(inputs.Certificates, ask.IssuerCommonName) is { } ark)
            {
                entries.Add(SnpCertificateEntry.Of(SnpCertificateType.Ark, ark.Raw));
            }
        }

        string root = vek.Certificate.IssuerCommonName.Split('-')[^1];
        foreach (ReadOnlyMemory<byte> list in inputs.RevocationLists)
        {
            if (CertificateRevocationList.ParseAny(list).TryGet(out CertificateRevocationList? parsed, out _) && parsed.IssuerCommonName == "ARK-" + root)
            {
                entries.Add(SnpCertificateEntry.Of(SnpCertificateType.Crl, list));
            }
        }

        return new SnpEvidence(evidence.Report, [.. entries]);
    }

    /// <summary>The VCEK or VLEK of the report's chip and TCB; the only one given when none fits, so that the verifier says what does not fit.</summary>
    private static SnpVek? FindVek(SnpReport report, IReadOnlyList<DerCertificate> certificates)
    {
        SnpVek[] veks =
        [
            .. certificates.Where(c => c.SubjectCommonName is "SEV-VCEK" or "SEV-VLEK")
                .Select(c => SnpVek.Parse(c).TryGet(out SnpVek? vek, out _) ? vek : null)
                .OfType<SnpVek>(),
        ];
        bool vlek = report.KeyInfo.SigningKey == SnpSigningKey.Vlek;
        return veks.FirstOrDefault(v =>
                (v.Kind == SnpCertificateType.Vlek) == vlek
                && v.Tcb == report.ReportedTcb
                && (v.HardwareId is not { } id || report.ChipId.Span[..id.Length].SequenceEqual(id.Span)))
            ?? (veks.Length == 1 ? veks[0] : null);
    }

    private static DerCertificate? Unique(IReadOnlyList<DerCertificate> certificates, string commonName) =>
        certificates.FirstOrDefault(c => c.SubjectCommonName == commonName);

    private static JsonElement Encode(SnpEvidence evidence)
    {
        using JsonDocument document = JsonDocument.Parse(evidence.ToJson().ToJsonString());
        return document.RootElement.Clone();
    }

    private static string Text(uint value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Flag(bool value) => value ? "1" : "0";

    private static string Word(bool value, string yes, string no) => value ? yes : no;
}
