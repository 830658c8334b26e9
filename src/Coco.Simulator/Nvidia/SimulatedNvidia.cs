// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Simulator.Certificates;

namespace Coco.Simulator.Nvidia;

/// <summary>A simulated NVIDIA: device root, one GPU with its chain, one DPU, and a signer of reference manifests. Thread-safe.</summary>
public sealed class SimulatedNvidia : IDisposable
{
    private const string TcbInfoOid = "2.23.133.5.4.1";

    private readonly ECDsa _deviceKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private readonly ECDsa _aliasKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private readonly ECDsa _deviceIdKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private readonly ECDsa _manifestKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private readonly SimulatedAuthority _intermediate;
    private readonly byte[] _fwid = SHA384.HashData("simulated firmware"u8);
    private readonly DateTimeOffset _now;

    /// <summary>A vendor and its devices.</summary>
    /// <param name="now">The time around which certificates are valid; an alias certificate is ten minutes old then.</param>
    /// <param name="changeDevice">Changes the GPU's certificate.</param>
    /// <param name="changeIntermediate">Changes the certificate above it.</param>
    public SimulatedNvidia(
        DateTimeOffset now,
        Func<CertificateContent, CertificateContent>? changeDevice = null,
        Func<CertificateContent, CertificateContent>? changeIntermediate = null)
    {
        _now = now;
        Root = SimulatedAuthority.CreateRoot("CN=Simulated Device Identity CA", now);
        ManifestRoot = SimulatedAuthority.CreateRoot("CN=Simulated RIM root", now);
        _intermediate = Root.CreateIntermediate("CN=Simulated GH100 Identity", changeIntermediate);
        DeviceCertificate = _intermediate.Issue(
            "CN=Simulated GH100", _deviceKey.ExportSubjectPublicKeyInfo(), [new X509Extension(new Oid(TcbInfoOid), TcbInfo([_fwid]), critical: false)], changeDevice);
    }

    /// <summary>Root of devices.</summary>
    public SimulatedAuthority Root { get; }

    /// <summary>Root of reference manifests.</summary>
    public SimulatedAuthority ManifestRoot { get; }

    /// <summary>The GPU's certificate, DER.</summary>
    public byte[] DeviceCertificate { get; }

    /// <summary>The GPU's chain with the root, PEM.</summary>
    public string ChainPem => string.Join('\n', new[] { DeviceCertificate, _intermediate.Certificate, Root.Certificate }.Select(c => new string(PemEncoding.Write("CERTIFICATE", c)))) + "\n";

    /// <summary>Evidence of the TEE <c>nvidia</c> with one GPU.</summary>
    /// <param name="reportData">The nonce; cut or padded to 32 bytes.</param>
    /// <param name="change">Changes the report.</param>
    public JsonObject GetEvidence(ReadOnlySpan<byte> reportData, Action<SpdmReportFields>? change = null)
    {
        var fields = new SpdmReportFields { Fwid = _fwid, CertificateChain = ChainPem };
        reportData[..Math.Min(32, reportData.Length)].CopyTo(fields.RequestNonce);
        change?.Invoke(fields);
        byte[] signed = fields.Encode();
        byte[] signature = _deviceKey.SignData(signed, HashAlgorithmName.SHA384);
        fields.AfterSigning?.Invoke(signed, signature);
        return new JsonObject
        {
            ["device_evidence_list"] = new JsonArray(new JsonObject
            {
                ["arch"] = fields.Architecture,
                ["uuid"] = "GPU-simulated",
                ["evidence"] = Convert.ToHexStringLower([.. signed, .. signature]),
                ["certificate"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(fields.CertificateChain)),
            }),
        };
    }

    /// <summary>A signed reference manifest.</summary>
    /// <param name="version">Version of driver or VBIOS.</param>
    /// <param name="measurements">Accepted values by the manifest's index (block index minus one).</param>
    /// <param name="change">Changes the text after it was signed.</param>
    /// <param name="changeCertificate">Changes the signer's certificate.</param>
    /// <param name="changeSigned">Changes the text before it is signed; it has to stay in canonical form.</param>
    public byte[] MakeManifest(
        string version,
        IReadOnlyDictionary<int, byte[][]> measurements,
        Func<string, string>? change = null,
        Func<CertificateContent, CertificateContent>? changeCertificate = null,
        Func<string, string>? changeSigned = null)
    {
        ArgumentNullException.ThrowIfNull(measurements);
        const string Ds = "http://www.w3.org/2000/09/xmldsig#";
        var body = new StringBuilder();
        foreach ((int index, byte[][] values) in measurements)
        {
            // Attributes without namespace come first in canonical order.
            body.Append(
                System.Globalization.CultureInfo.InvariantCulture,
                $"<Resource active=\"True\" alternatives=\"{values.Length}\" index=\"{index}\" name=\"Measurement_{index}\" size=\"48\" type=\"Measurement\"");
            for (int i = 0; i < values.Length; i++)
            {
                body.Append(System.Globalization.CultureInfo.InvariantCulture, $" SHA384:Hash{i}=\"{Convert.ToHexStringLower(values[i])}\"");
            }

            body.Append("></Resource>");
        }

        // Written in canonical form, so that what is hashed is what stands here.
        string head = "<SoftwareIdentity xmlns=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\" xmlns:SHA384=\"http://www.w3.org/2001/04/xmldsig-more#sha384\" name=\"simulated\" tagId=\"sim\" version=\"1\">"
            + "<Meta colloquialVersion=\"" + version + "\"></Meta><Payload>" + body + "</Payload>";
        head = changeSigned?.Invoke(head) ?? head;
        string digest = Convert.ToBase64String(SHA384.HashData(Encoding.UTF8.GetBytes(head + "</SoftwareIdentity>")));
        string info = "<CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></CanonicalizationMethod>"
            + "<SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384\"></SignatureMethod>"
            + "<Reference URI=\"\"><Transforms><Transform Algorithm=\"" + Ds + "enveloped-signature\"></Transform>"
            + "<Transform Algorithm=\"http://www.w3.org/2006/12/xml-c14n11\"></Transform></Transforms>"
            + "<DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#sha384\"></DigestMethod><DigestValue>" + digest + "</DigestValue></Reference>";
        string signed = "<SignedInfo xmlns=\"" + Ds + "\">" + info + "</SignedInfo>";
        string signature = Convert.ToBase64String(_manifestKey.SignData(Encoding.UTF8.GetBytes(signed), HashAlgorithmName.SHA384));
        string certificate = Convert.ToBase64String(ManifestRoot.Issue("CN=Simulated RIM signer", _manifestKey.ExportSubjectPublicKeyInfo(), [], changeCertificate));
        string text = head + "<Signature xmlns=\"" + Ds + "\"><SignedInfo>" + info + "</SignedInfo><SignatureValue>" + signature + "</SignatureValue><KeyInfo><X509Data><X509Certificate>"
            + certificate + "</X509Certificate></X509Data></KeyInfo></Signature></SoftwareIdentity>";
        return Encoding.UTF8.GetBytes(change?.Invoke(text) ?? text);
    }

    /// <summary>Evidence of a BlueField DPU.</summary>
    /// <param name="signedData">What the alias key signs: callers use 64 bytes.</param>
    /// <param name="change">Changes certificates and signature.</param>
    public JsonObject GetDpuEvidence(ReadOnlySpan<byte> signedData, Action<DpuEvidenceFields>? change = null)
    {
        var fields = new DpuEvidenceFields();
        change?.Invoke(fields);
        byte[] deviceId = (fields.DeviceIdIssuer ?? Root).Issue("CN=Simulated BlueField", _deviceIdKey.ExportSubjectPublicKeyInfo(), [], fields.ChangeDeviceId);
        var content = new CertificateContent(
            new X500DistinguishedName("CN=Simulated alias"),
            new byte[] { 7 },
            _now.AddMinutes(-10),
            _now.AddYears(10),
            [new X509Extension(new Oid(TcbInfoOid), fields.TcbInfo ?? TcbInfo([_fwid, SHA384.HashData("second layer"u8)]), critical: false)]);
        byte[] alias = CertificateForge.MakeCertificate(
            fields.ChangeAlias?.Invoke(content) ?? content,
            _aliasKey.ExportSubjectPublicKeyInfo(),
            fields.AliasIssuerName ?? new X500DistinguishedName("CN=Simulated BlueField"),
            fields.AliasSigner ?? _deviceIdKey,
            HashAlgorithmName.SHA384);
        byte[] signature = _aliasKey.SignData(
            signedData, HashAlgorithmName.SHA384, fields.RawSignature ? DSASignatureFormat.IeeeP1363FixedFieldConcatenation : DSASignatureFormat.Rfc3279DerSequence);
        return new JsonObject
        {
            ["version"] = fields.Version,
            ["devices"] = new JsonArray([.. Enumerable.Range(0, fields.Devices).Select(_ => (JsonNode)new JsonObject
            {
                ["architecture"] = fields.Architecture,
                ["alias_cert"] = Convert.ToBase64String(alias),
                ["device_id_cert"] = Convert.ToBase64String(deviceId),
                ["report_data_signature"] = fields.WithSignature ? Convert.ToBase64String(signature) : null,
            })]),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _deviceKey.Dispose();
        _aliasKey.Dispose();
        _deviceIdKey.Dispose();
        _manifestKey.Dispose();
        _intermediate.Dispose();
        Root.Dispose();
        ManifestRoot.Dispose();
    }

    /// <summary>A DICE TcbInfo extension that ends in the last layer's digest.</summary>
    private static byte[] TcbInfo(IEnumerable<byte[]> layers)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 6)))
            {
                foreach (byte[] layer in layers)
                {
                    using (writer.PushSequence())
                    {
                        writer.WriteObjectIdentifier("2.16.840.1.101.3.4.2.2");
                        writer.WriteOctetString(layer);
                    }
                }
            }
        }

        return writer.Encode();
    }
}
