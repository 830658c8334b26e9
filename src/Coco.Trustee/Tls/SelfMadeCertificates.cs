// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Coco.Trustee;

/// <summary>
/// The certificate authority and server certificate that the server makes and keeps when none is configured: TLS is on from the first
/// start, and clients can pin the authority.
/// </summary>
internal sealed class SelfMadeCertificates
{
    /// <summary>File of the authority's certificate, to be given to clients.</summary>
    public const string AuthorityFile = "ca.pem";

    private const string AuthorityKeyFile = "ca.key";
    private const string ServerFile = "server.pem";
    private const string ServerKeyFile = "server.key";

    private static readonly TimeSpan AuthorityLife = TimeSpan.FromDays(3650);
    private static readonly TimeSpan ServerLife = TimeSpan.FromDays(90);
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);

    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly string[] _names;

    /// <param name="folder">Where they are kept; made with mode 0700.</param>
    /// <param name="names">DNS names and addresses that the server certificate is for.</param>
    /// <param name="time">The clock.</param>
    public SelfMadeCertificates(string folder, IEnumerable<string> names, TimeProvider time)
    {
        _folder = folder;
        _time = time;
        _names = [.. names.Distinct(StringComparer.OrdinalIgnoreCase).Order(StringComparer.Ordinal)];
    }

    /// <summary>Path of the authority's certificate.</summary>
    public string AuthorityPath => Path.Combine(_folder, AuthorityFile);

    /// <summary>Path of the server's certificate.</summary>
    public string ServerPath => Path.Combine(_folder, ServerFile);

    /// <summary>Path of the server's key.</summary>
    public string ServerKeyPath => Path.Combine(_folder, ServerKeyFile);

    /// <summary>Makes what is missing, near its end, or for other names; gives the SHA-256 fingerprint of the authority.</summary>
    public string Ensure()
    {
        PrivateFiles.CreateFolder(_folder);
        using X509Certificate2 authority = LoadAuthority() ?? MakeAuthority();
        if (!ServerIsGood(authority))
        {
            MakeServer(authority);
        }

        return Convert.ToHexStringLower(SHA256.HashData(authority.RawData));
    }

    private X509Certificate2? LoadAuthority()
    {
        string key = Path.Combine(_folder, AuthorityKeyFile);
        if (!File.Exists(AuthorityPath) || !File.Exists(key))
        {
            return null;
        }

        var certificate = X509Certificate2.CreateFromPemFile(AuthorityPath, key);
        if (certificate.NotAfter.ToUniversalTime() - _time.GetUtcNow().UtcDateTime > ServerLife)
        {
            return certificate;
        }

        certificate.Dispose();
        return null;
    }

    private X509Certificate2 MakeAuthority()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Coco self-made authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        DateTimeOffset now = _time.GetUtcNow();
        X509Certificate2 certificate = request.CreateSelfSigned(now.AddMinutes(-5), now + AuthorityLife);
        PrivateFiles.Write(Path.Combine(_folder, AuthorityKeyFile), key.ExportPkcs8PrivateKeyPem());
        PrivateFiles.Write(AuthorityPath, certificate.ExportCertificatePem() + "\n");
        return certificate;
    }

    private bool ServerIsGood(X509Certificate2 authority)
    {
        if (!File.Exists(ServerPath) || !File.Exists(ServerKeyPath))
        {
            return false;
        }

        using var certificate = X509Certificate2.CreateFromPemFile(ServerPath, ServerKeyPath);
        if (certificate.NotAfter.ToUniversalTime() - _time.GetUtcNow().UtcDateTime < RenewBefore || certificate.Issuer != authority.Subject)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().UtcDateTime;
        return chain.Build(certificate) && _names.All(n => certificate.MatchesHostname(n, allowWildcards: false, allowCommonName: false));
    }

    private void MakeServer(X509Certificate2 authority)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + _names[0], key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (string name in _names)
        {
            if (IPAddress.TryParse(name, out IPAddress? address))
            {
                names.AddIpAddress(address);
            }
            else
            {
                names.AddDnsName(name);
            }
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
        DateTimeOffset now = _time.GetUtcNow();
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7F;
        using X509Certificate2 certificate = request.Create(authority, now.AddMinutes(-5), now + ServerLife, serial);
        PrivateFiles.Write(ServerKeyPath, key.ExportPkcs8PrivateKeyPem());
        PrivateFiles.Write(ServerPath, certificate.ExportCertificatePem() + "\n" + authority.ExportCertificatePem() + "\n");
    }
}
