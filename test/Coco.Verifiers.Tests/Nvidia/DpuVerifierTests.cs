// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Coco.Simulator.Nvidia;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.Nvidia;
using static Coco.Verifiers.Tests.VerifierRun;

namespace Coco.Verifiers.Tests.Nvidia;

public sealed class DpuVerifierTests : IDisposable
{
    private static readonly byte[] Padded = [.. Nonce, .. new byte[16]];

    private readonly SimulatedNvidia _vendor = new(Now);

    public void Dispose() => _vendor.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Verify_GenuineDevice_GivesClaims(bool raw)
    {
        VerifiedClaims claims = Assert.Single((await RunAsync(Verifier(), _vendor.GetDpuEvidence(Padded, f => f.RawSignature = raw), Binding.ToDigest(Padded))).Require());

        Assert.Equal("nvidia-dpu", claims.TeeClass);
        Assert.Equal("Simulated BlueField", (string)claims.Claims["device_class"]!);
        Assert.Equal(2, (int)claims.Claims["firmware_layers_count"]!);
        Assert.Equal(
            Convert.ToHexStringLower(SHA384.HashData([.. SHA384.HashData("simulated firmware"u8), .. SHA384.HashData("second layer"u8)])), (string)claims.Claims["accumulated_fwid"]!);
        Assert.Equal(Now.AddMinutes(-10).ToUnixTimeSeconds(), (long)claims.Claims["alias_timestamp"]!);
        Assert.Equal(Convert.ToHexStringLower(Padded), (string)claims.Claims["session_nonce"]!);
        Assert.Equal(7, claims.Claims.Count);
    }

    [Fact]
    public async Task Verify_SignatureOverPaddedReportData_IsAccepted()
    {
        // The attester pads to 64 bytes; a caller that expects the bare digest means the same.
        await ClaimsAsync(Verifier(), _vendor.GetDpuEvidence(Padded), Binding.ToDigest(Nonce));
        await ClaimsAsync(Verifier(), _vendor.GetDpuEvidence(Nonce), Binding.ToDigest(Nonce));
    }

    [Fact]
    public async Task Verify_EvidenceOfAnotherForm_IsRefused()
    {
        Action<DpuEvidenceFields>[] changes = [f => f.Version = 2, f => f.Architecture = "bluefield2", f => f.Devices = 0, f => f.Devices = 2];
        foreach (Action<DpuEvidenceFields> change in changes)
        {
            await AssertRefusedAsync(Verifier(), _vendor.GetDpuEvidence(Padded, change), "nvidia-dpu.form");
        }
    }

    [Fact]
    public async Task Verify_MalformedCertificate_IsRefused()
    {
        JsonObject evidence = _vendor.GetDpuEvidence(Padded);
        evidence["devices"]![0]!["alias_cert"] = "AAAA";

        await AssertRefusedAsync(Verifier(), evidence, "nvidia-dpu.certificate-form", RefusalCode.Malformed);
    }

    [Fact]
    public async Task Verify_KeyOnAnotherCurve_IsRefused()
    {
        using ECDsa p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        JsonObject evidence = _vendor.GetDpuEvidence(Padded);
        evidence["devices"]![0]!["alias_cert"] = Convert.ToBase64String(_vendor.Root.Issue("CN=alias", p256.ExportSubjectPublicKeyInfo(), []));

        JsonObject device = _vendor.GetDpuEvidence(Padded);
        device["devices"]![0]!["device_id_cert"] = Convert.ToBase64String(_vendor.Root.Issue("CN=Simulated BlueField", p256.ExportSubjectPublicKeyInfo(), []));

        await AssertRefusedAsync(Verifier(), evidence, "nvidia-dpu.curves", RefusalCode.Unsupported);
        await AssertRefusedAsync(Verifier(), device, "nvidia-dpu.curves", RefusalCode.Unsupported);
    }

    [Fact]
    public async Task Verify_DeviceIdentityOfAnotherRoot_IsRefused()
    {
        using var other = new SimulatedNvidia(Now);

        await AssertRefusedAsync(Verifier(), _vendor.GetDpuEvidence(Padded, f => f.DeviceIdIssuer = other.Root), "nvidia-dpu.device-id", RefusalCode.Untrusted);
        await AssertRefusedAsync(new DpuVerifier(new DpuVerifierOptions { Clock = Clock() }), _vendor.GetDpuEvidence(Padded), "nvidia-dpu.device-id", RefusalCode.Untrusted);
    }

    [Fact]
    public async Task Verify_DeviceIdentityOverItsTime_IsRefused()
    {
        await AssertRefusedAsync(Verifier(), _vendor.GetDpuEvidence(Padded, f => f.ChangeDeviceId = c => c with { NotAfter = Now.AddDays(-1) }), "nvidia-dpu.device-id-dates", RefusalCode.Expired);
    }

    [Fact]
    public async Task Verify_AliasOfAnotherDevice_IsRefused()
    {
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP384);

        await AssertRefusedAsync(Verifier(), _vendor.GetDpuEvidence(Padded, f => f.AliasSigner = other), "nvidia-dpu.alias", RefusalCode.BadSignature);
        await AssertRefusedAsync(
            Verifier(), _vendor.GetDpuEvidence(Padded, f => f.AliasIssuerName = new X500DistinguishedName("CN=another")), "nvidia-dpu.alias", RefusalCode.Untrusted);
    }

    [Fact]
    public async Task Verify_OldOrFutureAlias_IsRefused()
    {
        await AssertRefusedAsync(Verifier(), _vendor.GetDpuEvidence(Padded, f => f.ChangeAlias = c => c with { NotBefore = Now.AddMinutes(-61) }), "nvidia-dpu.alias-age", RefusalCode.Expired);
        await AssertRefusedAsync(Verifier(), _vendor.GetDpuEvidence(Padded, f => f.ChangeAlias = c => c with { NotBefore = Now.AddMinutes(1) }), "nvidia-dpu.alias-age", RefusalCode.Expired);
        await AssertRefusedAsync(Verifier(), _vendor.GetDpuEvidence(Padded, f => f.ChangeAlias = c => c with { NotAfter = Now.AddMinutes(-1) }), "nvidia-dpu.alias-age", RefusalCode.Expired);
    }

    [Fact]
    public async Task Verify_AliasOfTheGreatestAge_IsAccepted()
    {
        JsonObject evidence = _vendor.GetDpuEvidence(Padded, f => f.ChangeAlias = c => c with { NotBefore = Now.AddMinutes(-60) });

        await ClaimsAsync(Verifier(), evidence, Binding.ToDigest(Padded));
    }

    [Fact]
    public async Task Verify_ReportDataNotExpected_IsNoClaim()
    {
        JsonObject claims = await ClaimsAsync(new DpuVerifier(new DpuVerifierOptions { Clock = Clock(), Roots = [new TrustedKey("real", _vendor.Root.PublicKeyInfo)] }), _vendor.GetDpuEvidence(Padded), Binding.NotChecked);

        Assert.False(claims.ContainsKey("session_nonce"));
        Assert.False(claims.ContainsKey("simulated"));
    }

    [Fact]
    public async Task Verify_SignatureOverOtherData_IsRefused()
    {
        byte[] other = [.. Padded];
        other[0] ^= 1;

        await AssertRefusedAsync(Verifier(), _vendor.GetDpuEvidence(other), "nvidia-dpu.report-data", RefusalCode.BadSignature, Binding.ToDigest(Padded));
        await AssertRefusedAsync(Verifier(), _vendor.GetDpuEvidence(Padded), "nvidia-dpu.report-data", RefusalCode.Mismatch, default(Binding));
    }

    [Fact]
    public Task Verify_NoSignature_IsRefused() =>
        AssertRefusedAsync(Verifier(), _vendor.GetDpuEvidence(Padded, f => f.WithSignature = false), "nvidia-dpu.report-data", RefusalCode.Mismatch, Binding.ToDigest(Padded));

    [Fact]
    public Task Verify_MalformedTcbInfo_IsRefused() =>
        AssertRefusedAsync(Verifier(), _vendor.GetDpuEvidence(Padded, f => f.TcbInfo = [1, 2, 3]), "nvidia-dpu.tcb-info", RefusalCode.Malformed);

    private DpuVerifier Verifier() => new(new DpuVerifierOptions { Clock = Clock(), Roots = [new TrustedKey("simulated", _vendor.Root.PublicKeyInfo) { IsSimulated = true }] });
}
