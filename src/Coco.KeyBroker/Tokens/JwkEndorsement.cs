// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Coco.KeyBroker;

/// <summary>Whether a key is endorsed by the certificates that it carries (kbs.md 5.2, step 3).</summary>
internal static class JwkEndorsement
{
    /// <summary>Follows the chain in <c>x5c</c> to a trusted self-signed certificate.</summary>
    /// <param name="jwk">The key with its certificates, leaf first, the others in any order.</param>
    /// <param name="trusted">Self-signed ones are roots, others fill gaps in chains.</param>
    /// <param name="now">The time at which all certificates have to be valid.</param>
    /// <returns>The times between which the whole chain is valid.</returns>
    public static Result<Validity> Check(Jwk jwk, ImmutableArray<X509Certificate2> trusted, DateTimeOffset now)
    {
        if (trusted.IsEmpty)
        {
            return new Refusal(RefusalCode.Untrusted, "no certificate is trusted that the header's key could be traced to");
        }

        if (jwk.Kind != JwkKind.Rsa && !(jwk.Kind == JwkKind.EllipticCurve && jwk.Curve == "P-256"))
        {
            return new Refusal(RefusalCode.Unsupported, "the header's key is neither RSA nor EC P-256");
        }

        if (jwk.Certificates.IsEmpty)
        {
            return new Refusal(RefusalCode.Untrusted, "the header's key comes without certificates");
        }

        var chain = new List<X509Certificate2>();
        try
        {
            foreach (ReadOnlyMemory<byte> der in jwk.Certificates)
            {
                if (!DerCertificate.Parse(der).TryGet(out DerCertificate? parsed, out Refusal? refusal))
                {
                    return refusal.Within("x5c");
                }

                if (chain.Count == 0)
                {
                    if (!VerificationKey.FromCertificate(parsed).TryGet(out VerificationKey? leafKey, out refusal))
                    {
                        return refusal.Within("x5c");
                    }

                    using (leafKey)
                    {
                        if (!leafKey.PublicJwk.IsSameKey(jwk))
                        {
                            return new Refusal(RefusalCode.Mismatch, "the header's key is not that of its certificate");
                        }
                    }
                }

                chain.Add(X509CertificateLoader.LoadCertificate(der.Span));
            }

            X509Certificate2 leaf = chain[0];
            using var path = new X509Chain();
            path.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            path.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            path.ChainPolicy.DisableCertificateDownloads = true;
            path.ChainPolicy.VerificationTime = now.UtcDateTime;
            path.ChainPolicy.VerificationTimeIgnored = false;
            foreach (X509Certificate2 one in trusted)
            {
                (IsSelfIssued(one) ? path.ChainPolicy.CustomTrustStore : path.ChainPolicy.ExtraStore).Add(one);
            }

            foreach (X509Certificate2 intermediate in chain.Skip(1))
            {
                path.ChainPolicy.ExtraStore.Add(intermediate);
            }

            if (path.ChainPolicy.CustomTrustStore.Count == 0 || !path.Build(leaf))
            {
                string reasons = string.Join(", ", path.ChainStatus.Select(s => s.Status).Distinct());
                bool late = path.ChainStatus.Any(s => s.Status.HasFlag(X509ChainStatusFlags.NotTimeValid));
                return new Refusal(late ? RefusalCode.Expired : RefusalCode.Untrusted, $"the header's certificate does not lead to a trusted root ({reasons})");
            }

            DateTimeOffset from = path.ChainElements.Max(e => new DateTimeOffset(e.Certificate.NotBefore.ToUniversalTime()));
            DateTimeOffset to = path.ChainElements.Min(e => new DateTimeOffset(e.Certificate.NotAfter.ToUniversalTime()));
            return new Validity(from, to);
        }
        catch (CryptographicException)
        {
            return new Refusal(RefusalCode.Malformed, "x5c: not X.509 certificates");
        }
        finally
        {
            foreach (X509Certificate2 certificate in chain)
            {
                certificate.Dispose();
            }
        }
    }

    private static bool IsSelfIssued(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);

    /// <summary>When a chain is valid (UTC).</summary>
    internal readonly record struct Validity(DateTimeOffset From, DateTimeOffset To);
}
