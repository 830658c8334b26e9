// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Coco.Attestation;

namespace Coco.Trustee;

/// <summary>Tells the doctor what the start warned of, and when the server's own certificate ends.</summary>
internal sealed class HostDoctor(TrusteeSettings settings, TimeProvider time) : IDoctorSource
{
    private const string Allowed = "; allowed: ";

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<DoctorFinding>> ExamineAsync(CancellationToken ct)
    {
        ImmutableArray<DoctorFinding>.Builder findings = ImmutableArray.CreateBuilder<DoctorFinding>();
        foreach (string warning in settings.Warnings)
        {
            int at = warning.LastIndexOf(Allowed, StringComparison.Ordinal);
            bool insecure = warning.Contains("insecure", StringComparison.OrdinalIgnoreCase);
            findings.Add(new DoctorFinding(
                insecure ? DoctorSeverity.Warning : DoctorSeverity.Note,
                at < 0 ? warning : warning[..at],
                at < 0 ? "change the setting" : "allowed is " + warning[(at + Allowed.Length)..]));
        }

        // A certificate of the server's own making is renewed by itself.
        if (settings.Tls?.CertificatePath is { } path)
        {
            findings.Add(OfCertificate(path));
        }

        return new(findings.ToImmutable());
    }

    private DoctorFinding OfCertificate(string path)
    {
        try
        {
            using X509Certificate2 certificate = X509Certificate2.CreateFromPem(File.ReadAllText(path));
            return DoctorFinding.Expiry("tls-certificate", certificate.Subject, new DateTimeOffset(certificate.NotAfter), time.GetUtcNow(), $"renew {path}; it is read again when it changes");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return new DoctorFinding(DoctorSeverity.Error, $"the server's certificate {path} cannot be read any more: {e.Message}", "put it back; the one that was read before is served meanwhile");
        }
    }
}
