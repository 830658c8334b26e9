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
    public void Parse_SignatureOverSomethingElse_IsRefused()
    {
        Func<string, string>[] changes =
        [
            t => t.Replace("<SignatureValue>", "<SignatureValue>AAAA", StringComparison.Ordinal),
            t => t.Replace("<Reference URI=\"\">", "<Reference URI=\"#x\">", StringComparison.Ordinal),
            t => t.Replace("xmldsig#enveloped-signature", "xmldsig#base64", StringComparison.Ordinal),
            t => t.Replace("xmldsig-more#ecdsa-sha384", "xmldsig-more#rsa-sha384", StringComparison.Ordinal),
            t => t.Replace("xml-exc-c14n#", "xml-exc-c14n#WithComments", StringComparison.Ordinal),
            t => t.Replace("</Signature></SoftwareIdentity>", "</Signature><Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"></Signature></SoftwareIdentity>", StringComparison.Ordinal),
            t => t.Replace("<SignedInfo>", "<SignedInfo><Reference URI=\"\"></Reference>", StringComparison.Ordinal),
            t => "<!DOCTYPE x [<!ENTITY e \"x\">]>" + t,
            t => "<Wrapper>" + t + "</Wrapper>",
            t => t.Replace("<Meta", "<Meta xml:space=\"preserve\"", StringComparison.Ordinal),
            t => t[..^10],
            _ => string.Empty,
        ];
        foreach (Func<string, string> change in changes)
        {
            Assert.NotNull(Parse(_vendor.MakeManifest(Driver, Measurements([Second]), change)).Refusal);
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
