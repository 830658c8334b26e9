// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Simulator.Certificates;

namespace Coco.Simulator.Intel;

/// <summary>
/// A vendor of SGX and TDX processors that exists in memory only: root, Processor CA, Platform CA and signer of statements, made anew in each
/// instance, with certificates, TCB info, identities, revocation lists and a provisioning service in Intel's own forms. Thread-safe.
/// </summary>
/// <remarks>Nothing trusts it unless told to: hand <see cref="RootPublicKeyInfo"/> to a verifier as a root key. Make platforms with <see cref="CreatePlatform"/>.</remarks>
/// <example>
/// <code>
/// using var intel = new SimulatedIntel();
/// using SimulatedPlatform platform = intel.CreatePlatform();
/// byte[] quote = platform.MakeQuote(new SimulatedQuoteOptions { ReportData = reportData });
/// SimulatedCollateral collateral = intel.MakeCollateral(platform, new SimulatedCollateralOptions());
/// </code>
/// </example>
public sealed class SimulatedIntel : IDisposable
{
    private const string NameTail = ", O=Simulated Corporation, L=Santa Clara, S=CA, C=US";
    private const string RootCrlLocation = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

    private readonly ECDsa _rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _processorKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _platformKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _signerKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X500DistinguishedName _rootName = new("CN=Intel SGX Root CA" + NameTail);
    private readonly X500DistinguishedName _processorName = new("CN=Intel SGX PCK Processor CA" + NameTail);
    private readonly X500DistinguishedName _platformName = new("CN=Intel SGX PCK Platform CA" + NameTail);

    /// <summary>Makes keys and certificates.</summary>
    public SimulatedIntel(SimulatedIntelOptions? options = null)
    {
        options ??= new SimulatedIntelOptions();
        Now = options.Clock.GetUtcNow();
        Root = Issue(new CertificateContent(_rootName, new byte[] { 0x22, 1 }, Now.AddYears(-6), Now.AddYears(25), Authority(1)), options.ChangeRoot, _rootKey, _rootName, _rootKey);
        ProcessorCa = Issue(
            new CertificateContent(_processorName, new byte[] { 0x22, 2 }, Now.AddYears(-6), Now.AddYears(9), Authority(0)), options.ChangeIntermediate, _processorKey, _rootName, _rootKey);
        PlatformCa = Issue(
            new CertificateContent(_platformName, new byte[] { 0x22, 3 }, Now.AddYears(-6), Now.AddYears(9), Authority(0)), options.ChangeIntermediate, _platformKey, _rootName, _rootKey);
        Signer = Issue(
            new CertificateContent(new X500DistinguishedName("CN=Intel SGX TCB Signing" + NameTail), new byte[] { 0x22, 4 }, Now.AddYears(-6), Now.AddYears(1), Leaf()),
            options.ChangeSigner,
            _signerKey,
            _rootName,
            _rootKey);
    }

    /// <summary>The time at which it was made (UTC).</summary>
    public DateTimeOffset Now { get; }

    /// <summary>Root certificate, DER.</summary>
    public byte[] Root { get; }

    /// <summary>Certificate of the Processor CA, DER.</summary>
    public byte[] ProcessorCa { get; }

    /// <summary>Certificate of the Platform CA, DER.</summary>
    public byte[] PlatformCa { get; }

    /// <summary>Certificate of the key that signs TCB info and identities, DER.</summary>
    public byte[] Signer { get; }

    /// <summary>The root's key, DER SubjectPublicKeyInfo: what a verifier has to be told to trust.</summary>
    public byte[] RootPublicKeyInfo => _rootKey.ExportSubjectPublicKeyInfo();

    /// <summary>Serial number of the Processor CA, to revoke it.</summary>
    public static byte[] ProcessorCaSerial => [0x22, 2];

    /// <summary>Serial number of the Platform CA, to revoke it.</summary>
    public static byte[] PlatformCaSerial => [0x22, 3];

    /// <summary>Serial number of <see cref="Signer"/>, to revoke it.</summary>
    public static byte[] SignerSerial => [0x22, 4];

    /// <summary>MRSIGNER of simulated quoting enclaves.</summary>
    internal static byte[] QeSigner { get; } = [.. Enumerable.Repeat((byte)0xDC, 32)];

    /// <summary>Makes a platform with a PCK of its own.</summary>
    public SimulatedPlatform CreatePlatform(SimulatedPlatformOptions? options = null) => new(this, options ?? new SimulatedPlatformOptions());

    /// <summary>Makes the collateral for a platform.</summary>
    public SimulatedCollateral MakeCollateral(SimulatedPlatform platform, SimulatedCollateralOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(platform);
        options ??= new SimulatedCollateralOptions();
        DateTimeOffset issued = options.IssueDate ?? Now.AddDays(-1);
        DateTimeOffset next = options.NextUpdate ?? issued.AddDays(30);
        DateTimeOffset listNext = options.CrlNextUpdate ?? next;
        bool isPlatform = platform.Options.UsePlatformCa;
        return new SimulatedCollateral(
            Sign("tcbInfo", MakeTcbInfo(platform, options, issued, next)),
            Sign("enclaveIdentity", MakeQeIdentity(options, issued, next)),
            ToPem(Signer, Root),
            IntelCertificateFields.MakeList(
                isPlatform ? _platformName : _processorName, isPlatform ? _platformKey : _processorKey, issued, listNext, options.RevokedByCa, options.Lists),
            ToPem(isPlatform ? PlatformCa : ProcessorCa, Root),
            IntelCertificateFields.MakeList(_rootName, _rootKey, issued, listNext, options.RevokedByRoot, options.Lists));
    }

    /// <summary>Issues another certificate for the key that signs statements.</summary>
    /// <param name="serial">Its serial number.</param>
    /// <returns>Chain in PEM: signer, root.</returns>
    public string IssueSignerChain(byte[] serial) => ToPem(
        Issue(new CertificateContent(new X500DistinguishedName("CN=Intel SGX TCB Signing" + NameTail), serial, Now.AddYears(-6), Now.AddYears(1), Leaf()), null, _signerKey, _rootName, _rootKey),
        Root);

    /// <summary>Signs a statement as the vendor does: over the exact text of the member.</summary>
    /// <param name="member"><c>tcbInfo</c> or <c>enclaveIdentity</c>.</param>
    /// <param name="text">The member's text.</param>
    public string Sign(string member, string text)
    {
        byte[] signature = _signerKey.SignData(Encoding.UTF8.GetBytes(text), HashAlgorithmName.SHA256);
        return $"{{\"{member}\":{text},\"signature\":\"{Convert.ToHexStringLower(signature)}\"}}";
    }

    /// <summary>The provisioning service of this vendor for one platform: PCS and PCCS paths, chains in headers.</summary>
    /// <param name="platform">The platform.</param>
    /// <param name="sgx">Collateral for its enclaves; 404 when null.</param>
    /// <param name="tdx">Collateral for its TDs; 404 when null.</param>
    public static SimulatedPcsHandler CreateProvisioningService(SimulatedPlatform platform, SimulatedCollateral? sgx, SimulatedCollateral? tdx) => new(platform, sgx, tdx);

    /// <inheritdoc/>
    public void Dispose()
    {
        _rootKey.Dispose();
        _processorKey.Dispose();
        _platformKey.Dispose();
        _signerKey.Dispose();
    }

    internal static string ToPem(params byte[][] certificates) => string.Concat(certificates.Select(c => PemEncoding.WriteString("CERTIFICATE", c) + "\n"));

    internal byte[] IssuePck(ECDsa key, SimulatedPlatformOptions platform, byte[] serial, byte[] ppid, byte[] instance)
    {
        X509Extension[] extensions = [.. Leaf(), IntelCertificateFields.MakeSgxExtension(platform, ppid, instance)];
        var content = new CertificateContent(
            new X500DistinguishedName("CN=Intel SGX PCK Certificate" + NameTail), serial, Now.AddDays(-30), Now.AddYears(7), extensions);
        return platform.UsePlatformCa
            ? Issue(content, platform.ChangeLeaf, key, _platformName, _platformKey)
            : Issue(content, platform.ChangeLeaf, key, _processorName, _processorKey);
    }

    private static byte[] Issue(
        CertificateContent content, Func<CertificateContent, CertificateContent>? change, ECDsa key, X500DistinguishedName issuer, ECDsa issuerKey) =>
        CertificateForge.MakeCertificate(change?.Invoke(content) ?? content, key.ExportSubjectPublicKeyInfo(), issuer, issuerKey, HashAlgorithmName.SHA256);

    private static X509Extension[] Authority(int pathLength) =>
    [
        new X509BasicConstraintsExtension(true, true, pathLength, true),
        new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true),
        CertificateRevocationListBuilder.BuildCrlDistributionPointExtension([RootCrlLocation]),
    ];

    private static X509Extension[] Leaf() =>
    [
        new X509BasicConstraintsExtension(false, false, 0, true),
        new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true),
        CertificateRevocationListBuilder.BuildCrlDistributionPointExtension([RootCrlLocation]),
    ];

    private static string MakeTcbInfo(SimulatedPlatform platform, SimulatedCollateralOptions options, DateTimeOffset issued, DateTimeOffset next)
    {
        byte[] tdx = [3, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        IReadOnlyList<SimulatedTcbLevel> levels = options.Levels ??
        [
            new SimulatedTcbLevel(platform.Options.Components, platform.Options.PceSvn, tdx, "UpToDate"),
            new SimulatedTcbLevel(new byte[16], 0, new byte[16], "OutOfDate") { Date = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), Advisories = ["INTEL-SA-00001"] },
        ];
        var info = new JsonObject { ["version"] = options.TcbInfoVersion };
        if (options.TcbInfoVersion >= 3)
        {
            info["id"] = options.IsTdx ? "TDX" : "SGX";
        }

        info["issueDate"] = Text(issued);
        info["nextUpdate"] = Text(next);
        info["fmspc"] = Convert.ToHexStringLower(platform.Options.Fmspc);
        info["pceId"] = Convert.ToHexStringLower(platform.Options.PceId);
        info["tcbType"] = 0;
        info["tcbEvaluationDataNumber"] = 18;
        if (options.IsTdx)
        {
            info["tdxModule"] = MakeModule();
            JsonObject identity = MakeModule();
            identity["id"] = "TDX_01";
            identity["tcbLevels"] = MakeLevels(options.ModuleLevels ?? [new SimulatedSvnLevel(4, "UpToDate")]);
            info["tdxModuleIdentities"] = new JsonArray(identity);
        }

        info["tcbLevels"] = new JsonArray([.. levels.Select(l => (JsonNode)MakeLevel(l, options))]);
        options.ChangeTcbInfo?.Invoke(info);
        return info.ToJsonString();
    }

    private static JsonObject MakeLevel(SimulatedTcbLevel level, SimulatedCollateralOptions options)
    {
        var tcb = new JsonObject();
        if (options.TcbInfoVersion == 2)
        {
            for (int i = 0; i < 16; i++)
            {
                tcb[string.Create(CultureInfo.InvariantCulture, $"sgxtcbcomp{i + 1:00}svn")] = (int)level.Sgx[i];
            }
        }
        else
        {
            tcb["sgxtcbcomponents"] = MakeComponents(level.Sgx);
        }

        tcb["pcesvn"] = level.PceSvn;
        if (options.IsTdx)
        {
            tcb["tdxtcbcomponents"] = MakeComponents(level.Tdx);
        }

        return WithVerdict(tcb, level.Date, level.Status, level.Advisories);
    }

    private static JsonArray MakeComponents(byte[] components) => new([.. components.Select(c => (JsonNode)new JsonObject { ["svn"] = (int)c })]);

    private static JsonObject MakeModule() => new()
    {
        ["mrsigner"] = new string('0', 96),
        ["attributes"] = new string('0', 16),
        ["attributesMask"] = new string('F', 16),
    };

    private static JsonArray MakeLevels(IReadOnlyList<SimulatedSvnLevel> levels) =>
        new([.. levels.Select(l => (JsonNode)WithVerdict(new JsonObject { ["isvsvn"] = l.IsvSvn }, l.Date, l.Status, l.Advisories))]);

    private static JsonObject WithVerdict(JsonObject tcb, DateTimeOffset date, string status, string[] advisories)
    {
        var level = new JsonObject { ["tcb"] = tcb, ["tcbDate"] = Text(date), ["tcbStatus"] = status };
        if (advisories.Length > 0)
        {
            level["advisoryIDs"] = new JsonArray([.. advisories.Select(a => (JsonNode)a)]);
        }

        return level;
    }

    private static string MakeQeIdentity(SimulatedCollateralOptions options, DateTimeOffset issued, DateTimeOffset next)
    {
        var identity = new JsonObject
        {
            ["id"] = options.IsTdx ? "TD_QE" : "QE",
            ["version"] = 2,
            ["issueDate"] = Text(issued),
            ["nextUpdate"] = Text(next),
            ["tcbEvaluationDataNumber"] = 17,
            ["miscselect"] = "00000000",
            ["miscselectMask"] = "FFFFFFFF",
            ["attributes"] = "11000000000000000000000000000000",
            ["attributesMask"] = "FBFFFFFFFFFFFFFF0000000000000000",
            ["mrsigner"] = Convert.ToHexString(QeSigner),
            ["isvprodid"] = options.IsTdx ? 2 : 1,
            ["tcbLevels"] = MakeLevels(options.QeLevels ?? [new SimulatedSvnLevel(8, "UpToDate"), new SimulatedSvnLevel(4, "OutOfDate") { Advisories = ["INTEL-SA-00002"] }]),
        };
        options.ChangeQeIdentity?.Invoke(identity);
        return identity.ToJsonString();
    }

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
