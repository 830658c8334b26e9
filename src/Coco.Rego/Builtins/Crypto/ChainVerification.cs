// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Coco.Rego.Builtins.Crypto;

/// <summary>Paths from a leaf to the one root that is trusted. Nothing is fetched and no revocation is looked up.</summary>
internal sealed record ChainVerification
{
    /// <summary>The time at which the path must be valid.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The host that the leaf must be for; empty for none.</summary>
    public string DnsName { get; init; } = "";

    /// <summary>Identifiers of usages of which the leaf must allow one; empty for any.</summary>
    public IReadOnlyList<string> Usages { get; init; } = ["1.3.6.1.5.5.7.3.1"];

    /// <summary>The path in DER, leaf first and root last; null where there is none.</summary>
    /// <param name="certificates">DER: root first, then intermediates, then the leaf.</param>
    public List<byte[]>? FindPath(List<byte[]> certificates)
    {
        var loaded = new List<X509Certificate2>();
        try
        {
            foreach (var der in certificates)
            {
                loaded.Add(X509CertificateLoader.LoadCertificate(der));
            }

            return Usages.Count == 0 ? Build(loaded, null) : Usages.Select(usage => Build(loaded, usage)).FirstOrDefault(static path => path is not null);
        }
        catch (CryptographicException)
        {
            return null;
        }
        finally
        {
            loaded.ForEach(static certificate => certificate.Dispose());
        }
    }

    private List<byte[]>? Build(List<X509Certificate2> certificates, string? usage)
    {
        var leaf = certificates[^1];
        if (DnsName.Length > 0 && !leaf.MatchesHostname(DnsName, allowWildcards: true, allowCommonName: false))
        {
            return null;
        }

        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.Add(certificates[0]);
        policy.ExtraStore.AddRange(certificates.Skip(1).SkipLast(1).ToArray());
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        policy.VerificationTime = Time.UtcDateTime;
        policy.VerificationTimeIgnored = false;
        if (usage is not null)
        {
            policy.ApplicationPolicy.Add(new Oid(usage));
        }

        if (!chain.Build(leaf))
        {
            return null;
        }

        var path = chain.ChainElements.Select(static element => element.Certificate.RawData).ToList();
        foreach (var element in chain.ChainElements)
        {
            element.Certificate.Dispose();
        }

        return path[^1].AsSpan().SequenceEqual(certificates[0].RawData) ? path : null;
    }
}
