// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Coco.Simulator.Nvidia;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.Nvidia;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.Nvidia;

public sealed class NvidiaManifestTests : IDisposable
{
    private const string Driver = "550.90.07";
    private const string Vbios = "96.00.9f.00.01";

    private readonly SimulatedNvidia _vendor = new(Now);

    public void Dispose() => _vendor.Dispose();

    private static byte[] Second => SHA384.HashData("measurement 2"u8);

    private static byte[] Third => SHA384.HashData("measurement 3"u8);

    [Fact]
    public async Task Verify_MeasurementsThatTheManifestsAccept_Passes()
    {
        NvidiaVerifier verifier = Verifier(DriverManifest([new byte[48], Second]), VbiosManifest([Third]));
        var record = new VerificationRecord();

        await ClaimsAsync(verifier, _vendor.GetEvidence(Nonce), record: record);

        Assert.Contains(record.Checks, c => c is { Check: "nvidia.measurements", Held: true });
        Assert.DoesNotContain(record.Checks, c => c.Check == "nvidia.reference-manifests");
    }

    [Fact]
    public async Task Verify_MeasurementThatNoManifestAccepts_IsRefused()
    {
        NvidiaVerifier verifier = Verifier(DriverManifest([Second]), VbiosManifest([Third]));
        NvidiaVerifier missing = Verifier(DriverManifest([Second], 60), VbiosManifest([Third]));
        NvidiaVerifier twice = Verifier(DriverManifest([Second]), VbiosManifest([Second], 1));

        await AssertRefusedAsync(verifier, _vendor.GetEvidence(Nonce, f => f.Measurements[2] = new byte[48]), "nvidia.measurements", RefusalCode.Mismatch);
        await AssertRefusedAsync(verifier, _vendor.GetEvidence(Nonce, f => f.Measurements[3] = new byte[48]), "nvidia.measurements", RefusalCode.Mismatch);
        await AssertRefusedAsync(missing, _vendor.GetEvidence(Nonce), "nvidia.measurements", RefusalCode.Mismatch);
        await AssertRefusedAsync(twice, _vendor.GetEvidence(Nonce), "nvidia.measurements", RefusalCode.Conflict);
    }

    [Fact]
    public async Task Verify_DecoderThatIsOff_IsNotCompared()
    {
        NvidiaVerifier verifier = Verifier(DriverManifest([Second], 35), VbiosManifest([Third]));

        await ClaimsAsync(verifier, _vendor.GetEvidence(Nonce, f => f.Opaque.Add((11, "U"u8.ToArray()))));
        await AssertRefusedAsync(verifier, _vendor.GetEvidence(Nonce, f => f.Opaque.Add((11, [0xAA]))), "nvidia.measurements", RefusalCode.Mismatch);
    }

    [Fact]
    public async Task Verify_ManifestsDemandedAndMissing_IsRefused()
    {
        var verifier = new NvidiaVerifier(Options() with { RequireReferenceManifests = true });

        await AssertRefusedAsync(verifier, _vendor.GetEvidence(Nonce), "nvidia.measurements", RefusalCode.NotFound);
    }

    [Fact]
    public async Task Verify_WithoutManifests_SaysSo()
    {
        var record = new VerificationRecord();

        await ClaimsAsync(Verifier(DriverManifest([Second])), _vendor.GetEvidence(Nonce), record: record);

        Assert.Contains(record.Checks, c => c is { Check: "nvidia.reference-manifests", Held: null });
    }

    [Theory]
    [InlineData("active=\"True\"", "active=\"False\"")]
    [InlineData("alternatives=\"1\"", "alternatives=\"2\"")]
    [InlineData("colloquialVersion=\"550", "colloquialVersion=\"551")]
    [InlineData("<Payload>", "<Payload> ")]
    public void Parse_ManifestChangedAfterSigning_IsRefused(string old, string replacement)
    {
        byte[] changed = _vendor.MakeManifest(Driver, Measurements([Second]), text => text.Replace(old, replacement, StringComparison.Ordinal));

        Assert.Equal(RefusalCode.BadSignature, Parse(changed).Refusal!.Code);
    }

    [Fact]
    public void Parse_SignatureOfAnotherForm_IsMalformed()
    {
        Func<string, string>[] changes =
        [
            t => t.Replace("<Reference URI=\"\">", "<Reference URI=\"#x\">", StringComparison.Ordinal),
            t => t.Replace("xmldsig#enveloped-signature", "xmldsig#base64", StringComparison.Ordinal),
            t => t.Replace("<Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></Transform>", string.Empty, StringComparison.Ordinal),
            t => t.Replace("DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#sha384", "DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256", StringComparison.Ordinal),
            t => t.Replace("xmldsig-more#ecdsa-sha384", "xmldsig-more#rsa-sha384", StringComparison.Ordinal),
            t => t.Replace("xml-exc-c14n#", "xml-exc-c14n#WithComments", StringComparison.Ordinal),
            t => t.Replace("</Signature></SoftwareIdentity>", "</Signature><Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"></Signature></SoftwareIdentity>", StringComparison.Ordinal),
            t => t.Replace("<SignedInfo>", "<SignedInfo><Reference URI=\"\"></Reference>", StringComparison.Ordinal),
            t => "<!DOCTYPE x [<!ENTITY e \"x\">]>" + t,
            t => "<Wrapper>" + t + "</Wrapper>",
            t => string.Concat(Enumerable.Repeat("<a>", 70)) + string.Concat(Enumerable.Repeat("</a>", 70)),
            t => t.Replace("<X509Data>", "<X509Data x=\"", StringComparison.Ordinal),
            t => t[..t.IndexOf("<KeyInfo>", StringComparison.Ordinal)] + "</Signature></SoftwareIdentity>",
            t => t.Replace("<Meta", "<Meta xml:space=\"preserve\"", StringComparison.Ordinal),
            t => t[..^10],
            _ => string.Empty,
        ];
        foreach (Func<string, string> change in changes)
        {
            Refusal? refusal = Parse(_vendor.MakeManifest(Driver, Measurements([Second]), change)).Refusal;

            Assert.True(refusal?.Code is RefusalCode.Malformed or RefusalCode.TooLarge, $"{refusal?.ToString() ?? "accepted"}");
        }
    }

    [Fact]
    public void Parse_SignatureValueThatDoesNotVerify_IsRefused()
    {
        byte[] changed = _vendor.MakeManifest(Driver, Measurements([Second]), t => t.Replace("<SignatureValue>", "<SignatureValue>AAAA", StringComparison.Ordinal));

        Assert.Equal(RefusalCode.BadSignature, Parse(changed).Refusal!.Code);
        Assert.Equal(RefusalCode.TooLarge, Parse(new byte[(4 << 20) + 1]).Refusal!.Code);
    }

    [Theory]
    [InlineData("colloquialVersion=\"550.90.07\"", "colloquialVersion=\"\"", "no version")]
    [InlineData("http://standards.iso.org/iso/19770/-2/2015/schema.xsd", "http://standards.iso.org/other", "not a SWID tag")]
    [InlineData("<Payload>", "<Evidence>", "not a SWID tag")]
    [InlineData("alternatives=\"1\"", "alternatives=\"0\"", "without index or alternatives")]
    [InlineData("alternatives=\"1\"", "alternatives=\"257\"", "without index or alternatives")]
    [InlineData("alternatives=\"1\"", "alternatives=\"2\"", "alternative 1 is no SHA-384 digest")]
    [InlineData("Hash0=\"", "Hash0=\"0", "alternative 0 is no SHA-384 digest")]
    [InlineData("index=\"1\"", "index=\"x\"", "without index or alternatives")]
    [InlineData("active=\"True\"", "active=\"False\"", "no active measurement")]
    public void Parse_SignedManifestOfAnotherForm_IsRefused(string old, string replacement, string reason)
    {
        byte[] manifest = _vendor.MakeManifest(
            Driver, Measurements([Second]), changeSigned: t => t.Replace(old, replacement, StringComparison.Ordinal).Replace("</Payload>", old == "<Payload>" ? "</Evidence>" : "</Payload>", StringComparison.Ordinal));

        Refusal? refusal = Parse(manifest).Refusal;

        Assert.Equal(RefusalCode.Malformed, refusal?.Code);
        Assert.Contains(reason, refusal!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_TooManyMeasurements_IsRefused()
    {
        var many = Enumerable.Range(0, 257).ToDictionary(i => i, _ => (byte[][])[Second]);

        Assert.Equal(RefusalCode.TooLarge, Parse(_vendor.MakeManifest(Driver, many)).Refusal!.Code);
        Assert.Null(Parse(_vendor.MakeManifest(Driver, many.Where(m => m.Key < 256).ToDictionary())).Refusal);
    }

    [Fact]
    public async Task Verify_ManifestsOfOtherVersionsOrKinds_AreNotUsed()
    {
        NvidiaReferenceManifest otherDriver = Parse(_vendor.MakeManifest("550.90.08", Measurements([Third]))).Require();
        NvidiaReferenceManifest otherVbios = NvidiaReferenceManifest.Parse(_vendor.MakeManifest("96.00.9f.00.02", Measurements([Second], 2)), NvidiaManifestKind.Vbios, ManifestRoots, Now).Require();
        NvidiaReferenceManifest swapped = NvidiaReferenceManifest.Parse(_vendor.MakeManifest(Driver, Measurements([Second])), NvidiaManifestKind.Vbios, ManifestRoots, Now).Require();
        NvidiaReferenceManifest swappedBack = Parse(_vendor.MakeManifest(Vbios, Measurements([Third], 2))).Require();
        foreach (NvidiaReferenceManifest[] manifests in (NvidiaReferenceManifest[][])[[otherDriver, VbiosManifest([Third])], [DriverManifest([Second]), otherVbios], [swapped, swappedBack]])
        {
            var record = new VerificationRecord();

            await ClaimsAsync(Verifier(manifests), _vendor.GetEvidence(Nonce), record: record);

            Assert.Contains(record.Checks, c => c is { Check: "nvidia.reference-manifests", Held: null });
        }
    }

    [Fact]
    public void Parse_SignerOfAnotherRootOrOverItsTime_IsRefused()
    {
        using var other = new SimulatedNvidia(Now);

        Assert.Equal(RefusalCode.Untrusted, Parse(other.MakeManifest(Driver, Measurements([Second]))).Refusal!.Code);
        Assert.Equal(RefusalCode.Expired, Parse(_vendor.MakeManifest(Driver, Measurements([Second]), null, c => c with { NotAfter = Now.AddDays(-1) })).Refusal!.Code);
    }

    private static Dictionary<int, byte[][]> Measurements(byte[][] accepted, int index = 1) => new() { [index] = accepted };

    private NvidiaReferenceManifest DriverManifest(byte[][] accepted, int index = 1) => Parse(_vendor.MakeManifest(Driver, Measurements(accepted, index))).Require();

    private NvidiaReferenceManifest VbiosManifest(byte[][] accepted, int index = 2) =>
        NvidiaReferenceManifest.Parse(_vendor.MakeManifest(Vbios, Measurements(accepted, index)), NvidiaManifestKind.Vbios, ManifestRoots, Now).Require();

    private Result<NvidiaReferenceManifest> Parse(byte[] xml) => NvidiaReferenceManifest.Parse(xml, NvidiaManifestKind.Driver, ManifestRoots, Now);

    private TrustedKey[] ManifestRoots => [new TrustedKey("manifests", _vendor.ManifestRoot.PublicKeyInfo)];

    private NvidiaVerifierOptions Options() => new() { Clock = Clock(), Roots = [new TrustedKey("simulated", _vendor.Root.PublicKeyInfo)] };

    private NvidiaVerifier Verifier(params NvidiaReferenceManifest[] manifests) => new(Options() with { ReferenceManifests = manifests });
}
