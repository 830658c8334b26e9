// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.Nvidia;
using Coco.Verifiers.Certificates;

namespace Coco.Verifiers.Nvidia;

/// <summary>Verifies BlueField DPUs: root &gt; device identity &gt; alias, and the alias key's signature over the report data.</summary>
/// <remarks>Source: tee-evidence.md 11.2.</remarks>
public sealed class DpuVerifier(DpuVerifierOptions options) : IVerifier
{
    private const string P384 = "1.3.132.0.34";
    private const int RawSignatureSize = 96;

    /// <inheritdoc/>
    public TeeType Tee => TeeType.NvidiaDpu;

    /// <inheritdoc/>
    public ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        return new(Verify(evidence, record));
    }

    private Result<ImmutableArray<VerifiedClaims>> Verify(BoundEvidence bound, VerificationRecord? record)
    {
        Result<DpuEvidence> parsed = DpuEvidence.Parse(bound.Evidence.Body);
        if (record.Note("nvidia-dpu.form", parsed.Refusal) is { } form || !parsed.TryGet(out DpuEvidence? evidence, out form))
        {
            return form;
        }

        if (!DerCertificate.Parse(evidence.AliasCertificate).TryGet(out DerCertificate? alias, out Refusal? refusal)
            || !DerCertificate.Parse(evidence.DeviceIdCertificate).TryGet(out DerCertificate? device, out refusal))
        {
            return record.Note("nvidia-dpu.certificate-form", refusal)!;
        }

        DateTimeOffset now = options.Clock.GetUtcNow();
        Result<TrustedKey> root = FindRoot(device);
        refusal = record.Note("nvidia-dpu.curves", CheckCurves(alias, device))
            ?? record.Note("nvidia-dpu.device-id", root.Refusal)
            ?? record.Note("nvidia-dpu.device-id-dates", device.CheckDates(now))
            ?? record.Note("nvidia-dpu.alias", CheckAlias(alias, device))
            ?? record.Note("nvidia-dpu.alias-age", CheckAge(alias, now));
        if (refusal is not null)
        {
            return refusal;
        }

        NoteCertificate(record, alias);
        NoteCertificate(record, device);
        if (record.Note("nvidia-dpu.report-data", CheckReportData(bound, alias, evidence.ReportDataSignature)) is { } unbound)
        {
            return unbound;
        }

        Result<ImmutableArray<ReadOnlyMemory<byte>>> layers = alias.FindExtension(DpuEvidence.TcbInfoOid) is { } info
            ? DpuEvidence.ReadLayers(info)
            : ImmutableArray<ReadOnlyMemory<byte>>.Empty;
        if (record.Note("nvidia-dpu.tcb-info", layers.Refusal) is { } tcb || !layers.TryGet(out ImmutableArray<ReadOnlyMemory<byte>> fwids, out tcb))
        {
            return tcb;
        }

        return ImmutableArray.Create(new VerifiedClaims(TeeType.NvidiaDpu, "nvidia-dpu", ToClaims(bound, alias, device, fwids, root)));
    }

    private static JsonObject ToClaims(BoundEvidence bound, DerCertificate alias, DerCertificate device, ImmutableArray<ReadOnlyMemory<byte>> fwids, Result<TrustedKey> root)
    {
        using var accumulated = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);
        foreach (ReadOnlyMemory<byte> fwid in fwids)
        {
            accumulated.AppendData(fwid.Span);
        }

        var claims = new JsonObject
        {
            ["device_serial"] = Convert.ToHexStringLower(device.SerialNumber.Span),
            ["device_class"] = device.SubjectCommonName,
            ["firmware_layers_count"] = fwids.Length,
            ["accumulated_fwid"] = Convert.ToHexStringLower(accumulated.GetHashAndReset()),
            ["alias_timestamp"] = alias.NotBefore.ToUnixTimeSeconds(),
        };
        if (!bound.ReportData.IsNotChecked)
        {
            claims["session_nonce"] = Convert.ToHexStringLower(bound.ReportData.Expected.Span);
        }

        if (root.TryGet(out TrustedKey? anchor, out _) && anchor.IsSimulated)
        {
            claims["simulated"] = true;
        }

        return claims;
    }

    private static Refusal? CheckCurves(DerCertificate alias, DerCertificate device) => alias.KeyCurve == P384 && device.KeyCurve == P384
        ? null
        : new Refusal(RefusalCode.Unsupported, "alias and device identity keys have to be on P-384");

    private Result<TrustedKey> FindRoot(DerCertificate device)
    {
        foreach (TrustedKey root in options.Roots)
        {
            if (device.CheckSignature(root.SubjectPublicKeyInfo.Span, CertificateSignatureAlgorithms.EcdsaSha384) is null)
            {
                return root;
            }
        }

        return new Refusal(RefusalCode.Untrusted, "the device identity certificate is not signed by a trusted root");
    }

    private static Refusal? CheckAlias(DerCertificate alias, DerCertificate device) => alias.Issuer.Span.SequenceEqual(device.Subject.Span)
        ? alias.CheckSignature(device.SubjectPublicKeyInfo.Span, CertificateSignatureAlgorithms.EcdsaSha384)
        : new Refusal(RefusalCode.Untrusted, "the alias certificate was not issued by the device identity");

    private Refusal? CheckAge(DerCertificate alias, DateTimeOffset now) => alias.CheckDates(now)
        ?? (now - alias.NotBefore > options.LongestAliasAge
            ? new Refusal(RefusalCode.Expired, $"the alias certificate is of {alias.NotBefore:u}, older than {options.LongestAliasAge}")
            : null);

    /// <summary>
    /// A signature over exactly the expected bytes. The attester signs report data padded to 64 bytes, so callers expect 64 bytes; shorter ones
    /// are tried as they are and padded.
    /// </summary>
    private static Refusal? CheckReportData(BoundEvidence bound, DerCertificate alias, ReadOnlyMemory<byte> signature)
    {
        if (bound.ReportData.IsNotChecked)
        {
            return null;
        }

        if (bound.ReportData.Expected.IsEmpty || signature.IsEmpty)
        {
            return new Refusal(RefusalCode.Mismatch, "there is no expected value, or no signature over it");
        }

        if (!VerificationKey.FromCertificate(alias).TryGet(out VerificationKey? key, out Refusal? refusal))
        {
            return refusal;
        }

        using (key)
        {
            DSASignatureFormat format = signature.Length == RawSignatureSize ? DSASignatureFormat.IeeeP1363FixedFieldConcatenation : DSASignatureFormat.Rfc3279DerSequence;
            foreach (Binding binding in bound.AlternativeReportData.Prepend(bound.ReportData))
            {
                ReadOnlySpan<byte> expected = binding.Expected.Span;
                byte[] padded = new byte[Math.Max(64, expected.Length)];
                expected.CopyTo(padded);
                if (!expected.IsEmpty && (key.VerifyEcdsa(HashAlgorithmName.SHA384, expected, signature.Span, format)
                    || key.VerifyEcdsa(HashAlgorithmName.SHA384, padded, signature.Span, format)))
                {
                    return null;
                }
            }
        }

        return new Refusal(RefusalCode.BadSignature, "the alias key did not sign the expected report data");
    }

    private static void NoteCertificate(VerificationRecord? record, DerCertificate certificate) => record?.Used(new CollateralUse(
        "certificate", certificate.SubjectCommonName, certificate.NotBefore, certificate.NotAfter, Convert.ToHexStringLower(SHA256.HashData(certificate.Raw.Span))));
}
