// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Simulator.Nvidia;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.Nvidia;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.Nvidia;

public sealed class NvidiaVerifierTests : IDisposable
{
    private readonly SimulatedNvidia _vendor = new(Now);

    public void Dispose() => _vendor.Dispose();

    [Fact]
    public async Task Verify_GenuineReport_GivesClaims()
    {
        JsonObject claims = await ClaimsAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce, f => f.Opaque.Add((22, [1, 2, 3, 4, 5, 6, 7, 8, 8, 7, 6, 5, 4, 3, 2, 1]))));

        Assert.Equal("Hopper", (string)claims["arch"]!);
        Assert.Equal("GPU-simulated", (string)claims["uuid"]!);
        Assert.Equal("550.90.07", (string)claims["config"]!["driver_version"]!);
        Assert.Equal("96.00.9f.00.01", (string)claims["config"]!["vbios_version"]!);
        Assert.Equal(2, claims["config"]!["switch_pdi"]!.AsArray().Count);
        Assert.Equal(3, claims["measurements"]!.AsObject().Count);
        Assert.Equal(Convert.ToHexStringLower(SHA384.HashData("measurement 2"u8)), (string)claims["measurements"]!["2"]!);
        Assert.True((bool)claims["simulated"]!);
        Assert.False(claims.ContainsKey("report_data"));
    }

    [Fact]
    public async Task Verify_SeveralDevices_GivesClaimsForEach()
    {
        JsonObject evidence = _vendor.GetEvidence(Nonce);
        evidence["device_evidence_list"]!.AsArray().Add(evidence["device_evidence_list"]![0]!.DeepClone());

        VerifiedClaims[] all = [.. (await RunAsync(Verifier(_vendor), evidence)).Require()];

        Assert.Equal(["gpu", "gpu"], all.Select(c => c.TeeClass));
    }

    [Fact]
    public async Task Verify_EvidenceOfAnotherForm_IsRefused()
    {
        JsonObject report = _vendor.GetEvidence(Nonce);
        report["device_evidence_list"]![0]!["evidence"] = "%";
        JsonObject chain = _vendor.GetEvidence(Nonce);
        chain["device_evidence_list"]![0]!["certificate"] = 5;

        await AssertRefusedAsync(Verifier(_vendor), new JsonObject { ["device_evidence_list"] = new JsonArray() }, "nvidia.form");
        await AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce, f => f.Architecture = "VOLTA"), "nvidia.form", RefusalCode.Unsupported);
        await AssertRefusedAsync(Verifier(_vendor), report, "nvidia.form");
        await AssertRefusedAsync(Verifier(_vendor), chain, "nvidia.form");
    }

    [Theory]
    [InlineData("BLACKWELL")]
    [InlineData("LS10")]
    public Task Verify_OtherArchitectureLocally_IsRefused(string architecture) =>
        AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce, f => f.Architecture = architecture), "nvidia.architecture", RefusalCode.Unsupported);

    [Fact]
    public async Task Verify_ReportOfAnotherForm_IsRefused()
    {
        Action<SpdmReportFields>[] changes =
        [
            f => f.RequestHead[0] = 0x12,
            f => f.RequestHead[1] = 0xE1,
            f => f.ResponseHead[0] = 0x10,
            f => f.ResponseHead[1] = 0x61,
            f => f.BlockCount = 2,
            f => f.BlockCount = 4,
            f => f.Specification = 2,
            f => f.DriverVersion = null,
            f => f.VbiosVersion = null,
            f => f.VbiosVersion = [1],
            f => f.Opaque.Add((99, [1])),
            f => f.Opaque.Add((3, [1])),
            f => f.Opaque.Add((12, [1])),
            f => f.Opaque.Add((22, [1])),
        ];
        foreach (Action<SpdmReportFields> change in changes)
        {
            await AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce, change), "nvidia.report-form");
        }
    }

    [Fact]
    public async Task Verify_ChainOfOneCertificate_IsRefused()
    {
        string only = new(PemEncoding.Write("CERTIFICATE", _vendor.DeviceCertificate));

        await AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce, f => f.CertificateChain = only), "nvidia.certificate-form", RefusalCode.Untrusted);
        await AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce, f => f.CertificateChain = "none"), "nvidia.certificate-form", RefusalCode.Malformed);
    }

    [Fact]
    public async Task Verify_ChangedReport_IsRefused()
    {
        using var other = new SimulatedNvidia(Now);

        await AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce, f => f.AfterSigning = (r, _) => r[60] ^= 1), "nvidia.report-signature", RefusalCode.BadSignature);
        await AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce, f => f.AfterSigning = (_, s) => s[95] ^= 1), "nvidia.report-signature", RefusalCode.BadSignature);
        await AssertRefusedAsync(Verifier(other), _vendor.GetEvidence(Nonce, f => f.CertificateChain = other.ChainPem), "nvidia.report-signature", RefusalCode.BadSignature);
    }

    [Fact]
    public async Task Verify_ChainOfAnotherRoot_IsRefused()
    {
        using var other = new SimulatedNvidia(Now);
        string withoutRoot = _vendor.ChainPem[..(_vendor.ChainPem.LastIndexOf("-----BEGIN", StringComparison.Ordinal))];
        string skipped = _vendor.ChainPem.Remove(_vendor.ChainPem.IndexOf("\n-----BEGIN", StringComparison.Ordinal), _vendor.ChainPem.LastIndexOf("\n-----BEGIN", StringComparison.Ordinal) - _vendor.ChainPem.IndexOf("\n-----BEGIN", StringComparison.Ordinal));

        await AssertRefusedAsync(new NvidiaVerifier(new NvidiaVerifierOptions { Clock = Clock() }), _vendor.GetEvidence(Nonce), "nvidia.certificate-path", RefusalCode.Untrusted);
        await AssertRefusedAsync(Verifier(other), _vendor.GetEvidence(Nonce), "nvidia.certificate-path", RefusalCode.Untrusted);
        await AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce, f => f.CertificateChain = withoutRoot), "nvidia.certificate-path", RefusalCode.Untrusted);
        await AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce, f => f.CertificateChain = skipped), "nvidia.certificate-path", RefusalCode.Untrusted);
    }

    [Fact]
    public async Task Verify_CertificateOverItsTime_IsRefused()
    {
        using var leaf = new SimulatedNvidia(Now, c => c with { NotAfter = Now.AddDays(-1) });
        using var above = new SimulatedNvidia(Now, null, c => c with { NotBefore = Now.AddDays(1) });
        using var noAuthority = new SimulatedNvidia(Now, null, c => c with { Extensions = [] });

        await AssertRefusedAsync(Verifier(leaf), leaf.GetEvidence(Nonce), "nvidia.certificate-path", RefusalCode.Expired);
        await AssertRefusedAsync(Verifier(above), above.GetEvidence(Nonce), "nvidia.certificate-path", RefusalCode.Expired);
        await AssertRefusedAsync(Verifier(noAuthority), noAuthority.GetEvidence(Nonce), "nvidia.certificate-path", RefusalCode.Untrusted);
    }

    [Fact]
    public async Task Verify_DeviceKeyOnAnotherCurve_IsRefused()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string chain = string.Concat(((byte[][])[_vendor.Root.Issue("CN=device", key.ExportSubjectPublicKeyInfo(), []), _vendor.Root.Certificate]).Select(c => PemEncoding.WriteString("CERTIFICATE", c) + "\n"));

        await AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce, f => f.CertificateChain = chain), "nvidia.report-signature", RefusalCode.Unsupported);
    }

    [Fact]
    public async Task Verify_DeviceOfARealRoot_IsNotMarkedAsSimulated()
    {
        var verifier = new NvidiaVerifier(new NvidiaVerifierOptions { Clock = Clock(), Roots = [new TrustedKey("real", _vendor.Root.PublicKeyInfo)] });

        Assert.False((await ClaimsAsync(verifier, _vendor.GetEvidence(Nonce))).ContainsKey("simulated"));
    }

    [Fact]
    public async Task Verify_OtherFirmwareDigest_IsRefused()
    {
        using var shorter = new SimulatedNvidia(Now, c => c with { Extensions = [new System.Security.Cryptography.X509Certificates.X509Extension("2.23.133.5.4.1", new byte[47], critical: false)] });
        using var without = new SimulatedNvidia(Now, c => c with { Extensions = [] });

        await AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce, f => f.Fwid = new byte[48]), "nvidia.fwid", RefusalCode.Mismatch);
        await AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce, f => f.Fwid = null), "nvidia.fwid", RefusalCode.Mismatch);
        await AssertRefusedAsync(Verifier(without), without.GetEvidence(Nonce), "nvidia.fwid", RefusalCode.Mismatch);
        await AssertRefusedAsync(Verifier(shorter), shorter.GetEvidence(Nonce), "nvidia.fwid", RefusalCode.Mismatch);
    }

    [Fact]
    public async Task Verify_OtherNonce_IsRefused()
    {
        byte[] other = [.. Nonce];
        other[31] ^= 1;

        await AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(other), "nvidia.nonce", RefusalCode.Mismatch);
        await AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce), "nvidia.nonce", RefusalCode.Mismatch, default(Binding));
    }

    [Fact]
    public Task Verify_NoExpectedNonce_IsRefused() => AssertRefusedAsync(Verifier(_vendor), _vendor.GetEvidence(Nonce), "nvidia.nonce", RefusalCode.Mismatch, Binding.NotChecked);

    [Fact]
    public void DeviceRoot_HasTheDigestOfTheVendor()
    {
        Assert.Equal("a90c4eb5acfd3e3d03a25db6a26b84f720ad0503196c627c21ddd48dd85b06a4", NvidiaRoots.DeviceIdentity.Sha256);
    }

    private static NvidiaVerifier Verifier(SimulatedNvidia vendor) => new(new NvidiaVerifierOptions
    {
        Clock = Clock(),
        Roots = [new TrustedKey("simulated", vendor.Root.PublicKeyInfo) { IsSimulated = true }],
    });
}
