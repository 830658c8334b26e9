// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Coco.Simulator.Certificates;

/// <summary>A certificate authority of a simulated vendor: a key, a self-signed or issued certificate, and what it issues.</summary>
public sealed class SimulatedAuthority : IDisposable
{
    private readonly HashAlgorithmName _hash;
    private readonly DateTimeOffset _now;

    private SimulatedAuthority(X500DistinguishedName name, AsymmetricAlgorithm key, HashAlgorithmName hash, DateTimeOffset now, byte[] certificate)
    {
        Name = name;
        Key = key;
        _hash = hash;
        _now = now;
        Certificate = certificate;
    }

    /// <summary>Its name.</summary>
    public X500DistinguishedName Name { get; }

    /// <summary>Its private key.</summary>
    public AsymmetricAlgorithm Key { get; }

    /// <summary>Its certificate, DER.</summary>
    public byte[] Certificate { get; }

    /// <summary>Its public key, DER.</summary>
    public byte[] PublicKeyInfo => Key.ExportSubjectPublicKeyInfo();

    /// <summary>A root.</summary>
    /// <param name="name">Distinguished name, for example <c>CN=Simulated root</c>.</param>
    /// <param name="now">Its certificate is valid from a year before to twenty years after.</param>
    /// <param name="rsa">RSA with 2048 bits rather than P-384.</param>
    public static SimulatedAuthority CreateRoot(string name, DateTimeOffset now, bool rsa = false)
    {
        AsymmetricAlgorithm key = rsa ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP384);
        HashAlgorithmName hash = rsa ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA384;
        var distinguished = new X500DistinguishedName(name);
        byte[] certificate = Make(distinguished, key.ExportSubjectPublicKeyInfo(), distinguished, key, hash, AuthorityExtensions(), now, null);
        return new SimulatedAuthority(distinguished, key, hash, now, certificate);
    }

    /// <summary>An authority below this one, with a key of the same kind.</summary>
    /// <param name="name">Distinguished name.</param>
    /// <param name="change">Changes its certificate.</param>
    public SimulatedAuthority CreateIntermediate(string name, Func<CertificateContent, CertificateContent>? change = null)
    {
        AsymmetricAlgorithm key = Key is RSA ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var distinguished = new X500DistinguishedName(name);
        byte[] certificate = Make(distinguished, key.ExportSubjectPublicKeyInfo(), Name, Key, _hash, AuthorityExtensions(), _now, change);
        return new SimulatedAuthority(distinguished, key, _hash, _now, certificate);
    }

    /// <summary>A certificate of somebody's key, DER.</summary>
    /// <param name="name">Distinguished name of the subject.</param>
    /// <param name="subjectKey">The key, DER SubjectPublicKeyInfo.</param>
    /// <param name="extensions">Its extensions.</param>
    /// <param name="change">Changes what it says.</param>
    public byte[] Issue(string name, ReadOnlySpan<byte> subjectKey, IReadOnlyList<X509Extension> extensions, Func<CertificateContent, CertificateContent>? change = null) =>
        Make(new X500DistinguishedName(name), subjectKey, Name, Key, _hash, extensions, _now, change);

    /// <summary>A revocation list, DER.</summary>
    /// <param name="serials">Serial numbers that are revoked.</param>
    /// <param name="nextUpdate">When the next one comes; a month from now when null.</param>
    public byte[] MakeRevocationList(IEnumerable<ReadOnlyMemory<byte>> serials, DateTimeOffset? nextUpdate = null) => CertificateForge.MakeRevocationList(
        Name, Key, PublicKeyInfo, _hash, _now.AddDays(-1), nextUpdate ?? _now.AddDays(30), serials, RSASignaturePadding.Pkcs1);

    /// <inheritdoc/>
    public void Dispose() => Key.Dispose();

    private static X509Extension[] AuthorityExtensions() =>
    [
        new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true),
        new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true),
    ];

    private static byte[] Make(
        X500DistinguishedName name,
        ReadOnlySpan<byte> subjectKey,
        X500DistinguishedName issuer,
        AsymmetricAlgorithm issuerKey,
        HashAlgorithmName hash,
        IReadOnlyList<X509Extension> extensions,
        DateTimeOffset now,
        Func<CertificateContent, CertificateContent>? change)
    {
        byte[] serial = RandomNumberGenerator.GetBytes(12);
        serial[0] = (byte)(serial[0] & 0x7F | 1);
        var content = new CertificateContent(name, serial, now.AddYears(-1), now.AddYears(20), extensions);
        return CertificateForge.MakeCertificate(change?.Invoke(content) ?? content, subjectKey, issuer, issuerKey, hash, RSASignaturePadding.Pkcs1);
    }
}
