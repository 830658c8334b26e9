// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Coco.Simulator.Certificates;
using Coco.Tee.Snp;

namespace Coco.Simulator.Amd;

/// <summary>
/// A vendor of SEV-SNP processors that exists in memory only: ARK, ASK and ASVK of one generation, made anew in each instance, with certificates,
/// revocation lists and a key distribution service in AMD's own forms. Thread-safe.
/// </summary>
/// <remarks>
/// Nothing trusts it unless told to: hand <see cref="Ark"/>, <see cref="Ask"/> and <see cref="Asvk"/> to a verifier as simulated root. Make guests
/// with <see cref="CreateGuest"/>.
/// </remarks>
/// <example>
/// <code>
/// using var amd = new SimulatedAmd(SnpGeneration.Milan);
/// using SimulatedSnpGuest guest = amd.CreateGuest();
/// JsonObject evidence = guest.GetEvidence(reportData, f => f.Policy |= 1UL &lt;&lt; 19); // a guest with debugging on
/// </code>
/// </example>
public sealed class SimulatedAmd : IDisposable
{
    private readonly RSA _arkKey;
    private readonly RSA _askKey;
    private readonly RSA _asvkKey;
    private readonly ConcurrentDictionary<string, byte[]> _issued = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte> _revoked = new(StringComparer.Ordinal);
    private readonly TimeProvider _clock;

    /// <summary>Makes the keys and certificates of a generation.</summary>
    public SimulatedAmd(SnpGeneration generation, SimulatedAmdOptions? options = null)
    {
        options ??= new SimulatedAmdOptions();
        Generation = generation;
        _clock = options.Clock;
        _arkKey = RSA.Create(options.RsaKeySize);
        _askKey = RSA.Create(options.RsaKeySize);
        _asvkKey = RSA.Create(options.RsaKeySize);
        Ark = MakeAuthority(_arkKey, ArkName, [1, 0, 0], ArkName, null);
        Ask = IssueAuthority(vlek: false);
        Asvk = IssueAuthority(vlek: true);
    }

    /// <summary>The generation that it simulates.</summary>
    public SnpGeneration Generation { get; }

    /// <summary>Root certificate, DER.</summary>
    public byte[] Ark { get; }

    /// <summary>Certificate of the key that signs VCEKs, DER.</summary>
    public byte[] Ask { get; }

    /// <summary>Certificate of the key that signs VLEKs, DER.</summary>
    public byte[] Asvk { get; }

    /// <summary>The CPUID family and an ordinary model of the generation.</summary>
    public (byte Family, byte Model) Cpu => Generation switch
    {
        SnpGeneration.Milan => (0x19, 0x01),
        SnpGeneration.Genoa => (0x19, 0x11),
        _ => (0x1A, 0x02),
    };

    /// <summary>An ordinary TCB of the generation.</summary>
    public SnpTcb OrdinaryTcb => Generation == SnpGeneration.Turin ? new SnpTcb(1, 3, 2, 5, 97) : new SnpTcb(null, 4, 0, 24, 219);

    /// <summary>Makes a guest on a new chip.</summary>
    /// <param name="options">What the chip and its certificate are; an ordinary one when null.</param>
    public SimulatedSnpGuest CreateGuest(SimulatedSnpGuestOptions? options = null) => new(this, options ?? new SimulatedSnpGuestOptions());

    /// <summary>Issues a VCEK or VLEK certificate for a P-384 key.</summary>
    /// <param name="subjectKey">DER SubjectPublicKeyInfo.</param>
    /// <param name="vlek">Signed by the ASVK instead of the ASK.</param>
    /// <param name="chipId">The chip (ignored for a VLEK).</param>
    /// <param name="tcb">The levels.</param>
    /// <param name="change">Changes what it says.</param>
    /// <returns>DER.</returns>
    public byte[] IssueVek(ReadOnlySpan<byte> subjectKey, bool vlek, ReadOnlySpan<byte> chipId, SnpTcb tcb, Action<SnpVekFields>? change = null)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        var fields = new SnpVekFields
        {
            CommonName = vlek ? "SEV-VLEK" : "SEV-VCEK",
            NotBefore = now.AddDays(-1),
            NotAfter = vlek ? now.AddYears(1) : now.AddYears(7),
            StructVersion = Generation == SnpGeneration.Turin ? 1 : 0,
            ProductName = Generation == SnpGeneration.Milan && !vlek ? "Milan-B0" : Generation.ProductName(),
            Tcb = tcb,
            HardwareId = vlek ? null : chipId[..(Generation == SnpGeneration.Turin ? 8 : 64)].ToArray(),
            CspId = vlek ? "CN=simulated.example" : null,
        };
        change?.Invoke(fields);
        X500DistinguishedName issuer = NameOf(fields.IssuerCommonName ?? (vlek ? "SEV-VLEK-" : "SEV-") + Generation.ProductName());
        var content = new CertificateContent(NameOf(fields.CommonName), fields.SerialNumber, fields.NotBefore, fields.NotAfter, fields.Extensions());
        byte[] der = CertificateForge.MakeCertificate(content, subjectKey, issuer, vlek ? _asvkKey : _askKey, HashAlgorithmName.SHA384);
        if (!vlek)
        {
            _issued[KdsIdOf(chipId, tcb)] = der;
        }

        return der;
    }

    /// <summary>Issues another certificate for the key that signs VCEKs (or VLEKs).</summary>
    /// <param name="vlek">The ASVK instead of the ASK.</param>
    /// <param name="issuer">Common name of the issuer that it names; the ARK's when null. The ARK signs in any case.</param>
    /// <param name="change">Changes what it says.</param>
    /// <returns>DER.</returns>
    public byte[] IssueAuthority(bool vlek, string? issuer = null, Func<CertificateContent, CertificateContent>? change = null) =>
        MakeAuthority(vlek ? _asvkKey : _askKey, (vlek ? "SEV-VLEK-" : "SEV-") + Generation.ProductName(), [1, vlek ? (byte)1 : (byte)0, 1], issuer ?? ArkName, change);

    /// <summary>From now on revocation lists name the ASK (or ASVK).</summary>
    public void Revoke(bool vlek) => _revoked[vlek ? "asvk" : "ask"] = 1;

    /// <summary>Makes a revocation list of the ARK, DER.</summary>
    /// <param name="thisUpdate">Issued at (UTC); now when null.</param>
    /// <param name="nextUpdate">Next one at (UTC); in 30 days when null.</param>
    /// <param name="issuer">Common name of the issuer that it names; the ARK's when null.</param>
    public byte[] MakeRevocationList(DateTimeOffset? thisUpdate = null, DateTimeOffset? nextUpdate = null, string? issuer = null)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        var serials = new List<ReadOnlyMemory<byte>>();
        if (_revoked.ContainsKey("ask"))
        {
            serials.Add(new byte[] { 1, 0, 1 });
        }

        if (_revoked.ContainsKey("asvk"))
        {
            serials.Add(new byte[] { 1, 1, 1 });
        }

        return CertificateForge.MakeRevocationList(
            NameOf(issuer ?? ArkName),
            _arkKey,
            _arkKey.ExportSubjectPublicKeyInfo(),
            HashAlgorithmName.SHA384,
            thisUpdate ?? now.AddHours(-1),
            nextUpdate ?? now.AddDays(30),
            serials);
    }

    /// <summary>The answer of <c>cert_chain</c>: ASK (or ASVK), then ARK, PEM.</summary>
    public string GetChainPem(bool vlek) =>
        PemEncoding.WriteString("CERTIFICATE", vlek ? Asvk : Ask) + "\n" + PemEncoding.WriteString("CERTIFICATE", Ark) + "\n";

    /// <summary>
    /// A key distribution service as a message handler, for an <see cref="HttpClient"/>: VCEKs of guests made here, <c>cert_chain</c> and <c>crl</c>,
    /// under the paths of the real one; anything else is 404.
    /// </summary>
    public SimulatedKdsHandler CreateKdsHandler() => new(this);

    /// <inheritdoc/>
    public void Dispose()
    {
        _arkKey.Dispose();
        _askKey.Dispose();
        _asvkKey.Dispose();
    }

    internal byte[]? FindIssued(string id) => _issued.GetValueOrDefault(id);

    internal DateTimeOffset Now => _clock.GetUtcNow();

    /// <summary>Chip and levels as the path and query of the service name them.</summary>
    private string KdsIdOf(ReadOnlySpan<byte> chipId, SnpTcb tcb) =>
        Convert.ToHexStringLower(Generation == SnpGeneration.Turin ? chipId[..8] : chipId)
        + "?" + (tcb.Fmc is { } fmc ? $"fmcSPL={fmc:00}&" : string.Empty)
        + $"blSPL={tcb.BootLoader:00}&teeSPL={tcb.Tee:00}&snpSPL={tcb.Snp:00}&ucodeSPL={tcb.Microcode:00}";

    private static X500DistinguishedName NameOf(string commonName)
    {
        var builder = new X500DistinguishedNameBuilder();
        builder.AddOrganizationalUnitName("Simulated");
        builder.AddOrganizationName("No hardware vendor");
        builder.AddCommonName(commonName);
        return builder.Build();
    }

    private string ArkName => "ARK-" + Generation.ProductName();

    private byte[] MakeAuthority(RSA key, string commonName, byte[] serial, string issuer, Func<CertificateContent, CertificateContent>? change)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        var content = new CertificateContent(
            NameOf(commonName),
            serial,
            now.AddYears(-1),
            now.AddYears(24),
            [new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true), new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true)]);
        return CertificateForge.MakeCertificate(change?.Invoke(content) ?? content, key.ExportSubjectPublicKeyInfo(), NameOf(issuer), _arkKey, HashAlgorithmName.SHA384);
    }
}
