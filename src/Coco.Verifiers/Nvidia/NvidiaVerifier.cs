// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.Nvidia;
using Coco.Verifiers.Certificates;

namespace Coco.Verifiers.Nvidia;

/// <summary>Verifies reports of NVIDIA GPUs without NVIDIA's service; one set of claims for each device.</summary>
/// <remarks>Source: tee-evidence.md 11.1, local mode. Hopper only, as the reference: other architectures have other report forms.</remarks>
public sealed class NvidiaVerifier : IVerifier
{
    private const string TcbInfo = "2.23.133.5.4.1";
    private const int FwidSize = 48;
    private const string P384 = "1.3.132.0.34";

    private readonly NvidiaVerifierOptions _options;
    private readonly CertificatePath _path;

    /// <summary>Makes a verifier.</summary>
    public NvidiaVerifier(NvidiaVerifierOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _path = new CertificatePath { Roots = options.Roots, Algorithms = CertificateSignatureAlgorithms.EcdsaSha384, RootIncluded = true };
    }

    /// <inheritdoc/>
    public TeeType Tee => TeeType.Nvidia;

    /// <inheritdoc/>
    public ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        return new(Verify(evidence, record));
    }

    private Result<ImmutableArray<VerifiedClaims>> Verify(BoundEvidence bound, VerificationRecord? record)
    {
        Result<ImmutableArray<NvidiaEvidence>> parsed = NvidiaEvidence.ParseAll(bound.Evidence.Body);
        if (record.Note("nvidia.form", parsed.Refusal) is { } form || !parsed.TryGet(out ImmutableArray<NvidiaEvidence> devices, out form))
        {
            return form;
        }

        var all = ImmutableArray.CreateBuilder<VerifiedClaims>(devices.Length);
        foreach (NvidiaEvidence device in devices)
        {
            if (!VerifyDevice(bound, device, record).TryGet(out VerifiedClaims? claims, out Refusal? refusal))
            {
                return refusal;
            }

            all.Add(claims);
        }

        return all.ToImmutable();
    }

    private Result<VerifiedClaims> VerifyDevice(BoundEvidence bound, NvidiaEvidence device, VerificationRecord? record)
    {
        Refusal? architecture = device.Architecture == NvidiaArchitecture.Hopper
            ? null
            : new Refusal(RefusalCode.Unsupported, "Device architecture not supported by local verification: " + device.Architecture.ToWireName());
        if (record.Note("nvidia.architecture", architecture) is { } unsupported)
        {
            return unsupported;
        }

        Result<SpdmReport> parsed = SpdmReport.Parse(device.Report);
        if (record.Note("nvidia.report-form", parsed.Refusal) is { } form || !parsed.TryGet(out SpdmReport? report, out form))
        {
            return form;
        }

        Result<ImmutableArray<DerCertificate>> certificates = DerCertificate.ParsePem(System.Text.Encoding.Latin1.GetString(device.CertificateChain.Span));
        if (record.Note("nvidia.certificate-form", certificates.Refusal ?? CheckLength(certificates)) is { } bad || !certificates.TryGet(out ImmutableArray<DerCertificate> chain, out bad))
        {
            return bad;
        }

        Result<TrustedKey> root = default;
        Refusal? refusal = record.Note("nvidia.report-signature", CheckSignature(report, chain[0]))
            ?? record.Note("nvidia.certificate-path", (root = _path.Check(chain, _options.Clock.GetUtcNow(), record)).Refusal)
            ?? record.Note("nvidia.fwid", CheckFwid(report, chain[0]))
            ?? record.Note("nvidia.nonce", MandatoryBinding.Check(bound) ?? bound.CheckReportData(report.RequestNonce.Span))
            ?? record.Note("nvidia.measurements", CheckMeasurements(report, record));
        if (refusal is not null)
        {
            return refusal;
        }

        var measurements = new JsonObject();
        foreach ((string index, string value) in report.MeasurementBlocks
            .Select(m => (m.Index.ToString(CultureInfo.InvariantCulture), Convert.ToHexStringLower(m.Value.Span)))
            .OrderBy(m => m.Item1, StringComparer.Ordinal))
        {
            measurements[index] = value;
        }

        var claims = new JsonObject
        {
            ["arch"] = "Hopper",
            ["uuid"] = device.Uuid,
            ["measurements"] = measurements,
            ["config"] = report.Opaque.ToConfig(),
        };
        if (root.TryGet(out TrustedKey? anchor, out _) && anchor.IsSimulated)
        {
            claims["simulated"] = true;
        }

        return new VerifiedClaims(TeeType.Nvidia, "gpu", claims);
    }

    private static Refusal? CheckLength(Result<ImmutableArray<DerCertificate>> chain) => chain.TryGet(out ImmutableArray<DerCertificate> all, out _) && all.Length < 2
        ? new Refusal(RefusalCode.Untrusted, "a chain of at least two certificates is wanted")
        : null;

    private static Refusal? CheckSignature(SpdmReport report, DerCertificate leaf)
    {
        if (leaf.KeyCurve != P384)
        {
            return new Refusal(RefusalCode.Unsupported, "the device's key is not on P-384");
        }

        if (!VerificationKey.FromCertificate(leaf).TryGet(out VerificationKey? key, out Refusal? refusal))
        {
            return refusal;
        }

        using (key)
        {
            return key.VerifyEcdsa(HashAlgorithmName.SHA384, report.SignedBytes.Span, report.Signature.Span, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)
                ? null
                : new Refusal(RefusalCode.BadSignature, "the report is not signed by the key of the first certificate");
        }
    }

    /// <summary>The firmware that the certificate was issued for is the firmware that made the report.</summary>
    private static Refusal? CheckFwid(SpdmReport report, DerCertificate leaf)
    {
        if (leaf.FindExtension(TcbInfo) is not { } extension || extension.Length < FwidSize)
        {
            return new Refusal(RefusalCode.Mismatch, "the device's certificate has no firmware digest");
        }

        return report.Opaque.Fwid is { } fwid && extension.Span[^FwidSize..].SequenceEqual(fwid.Span)
            ? null
            : new Refusal(RefusalCode.Mismatch, "the firmware digest of the certificate is not that of the report");
    }

    private Refusal? CheckMeasurements(SpdmReport report, VerificationRecord? record)
    {
        NvidiaReferenceManifest? driver = _options.ReferenceManifests.FirstOrDefault(m => m.Kind == NvidiaManifestKind.Driver && m.Version == report.Opaque.DriverVersion);
        NvidiaReferenceManifest? vbios = _options.ReferenceManifests.FirstOrDefault(m =>
            m.Kind == NvidiaManifestKind.Vbios && string.Equals(m.Version, report.Opaque.VbiosVersion, StringComparison.OrdinalIgnoreCase));
        if (driver is not null && vbios is not null)
        {
            return NvidiaReferenceManifest.Compare(report, [driver, vbios]);
        }

        string missing = $"no reference manifests for driver {report.Opaque.DriverVersion} and VBIOS {report.Opaque.VbiosVersion}";
        if (_options.RequireReferenceManifests)
        {
            return new Refusal(RefusalCode.NotFound, missing);
        }

        record?.Skipped("nvidia.reference-manifests", missing + "; policy has to judge the measurements");
        return null;
    }
}
