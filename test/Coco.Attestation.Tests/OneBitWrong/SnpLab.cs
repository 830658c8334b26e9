// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Simulator.Amd;
using Coco.Tee.Snp;
using Coco.Verifiers;
using Coco.Verifiers.Snp;

namespace Coco.Attestation.Tests.OneBitWrong;

internal sealed class SnpLab : EvidenceLab
{
    private static readonly byte[] Measurement = SHA384.HashData("guest"u8);

    private readonly SimulatedAmd _vendor = new(SnpGeneration.Milan, new SimulatedAmdOptions { Clock = Clock() });
    private readonly SimulatedSnpGuest _guest;

    public SnpLab()
    {
        _guest = Guest(_vendor.OrdinaryTcb);
        Verifier = new SnpVerifier(new SnpVerifierOptions { Clock = Clock(), SimulatedRoots = [AmdTrustAnchor.Simulated(_vendor.Generation, _vendor.Ark, _vendor.Ask, _vendor.Asvk).Require()] });
    }

    public override IVerifier Verifier { get; }

    public override byte[]? InitData { get; } = SHA256.HashData("init-data"u8);

    public override IReadOnlyDictionary<string, string> References => new Dictionary<string, string>
    {
        ["snp_launch_measurement"] = Quoted(Measurement),
        ["snp_bootloader"] = "[4]",
        ["snp_tee_svn"] = "[0]",
        ["snp_snp_svn"] = "[24]",
        ["snp_microcode"] = "[219]",
        ["snp_smt_enabled"] = "true",
        ["snp_tsme_enabled"] = "false",
        ["snp_guest_abi_major"] = "0",
        ["snp_guest_abi_minor"] = "0",
        ["snp_single_socket"] = "false",
        ["snp_smt_allowed"] = "true",
    };

    public override ValueTask<JsonNode> GoodAsync() => new(Evidence(_guest));

    public override IEnumerable<WrongBit> Bits()
    {
        SnpTcb tcb = _vendor.OrdinaryTcb;
        yield return Bit("measurement", "snp_launch_measurement", () => Evidence(_guest, 0x090 + 47));
        yield return Bit("reported_tcb_bootloader", "snp_bootloader", () => Evidence(tcb with { BootLoader = (byte)(tcb.BootLoader ^ 1) }));
        yield return Bit("reported_tcb_tee", "snp_tee_svn", () => Evidence(tcb with { Tee = (byte)(tcb.Tee ^ 1) }));
        yield return Bit("reported_tcb_snp", "snp_snp_svn", () => Evidence(tcb with { Snp = (byte)(tcb.Snp ^ 1) }));
        yield return Bit("reported_tcb_microcode", "snp_microcode", () => Evidence(tcb with { Microcode = (byte)(tcb.Microcode ^ 1) }));
        yield return Bit("policy_debug_allowed", "policy_debug_allowed == false", () => Evidence(_guest, 0x008 + 2, 3));
        yield return Bit("policy_migrate_ma", "policy_migrate_ma == false", () => Evidence(_guest, 0x008 + 2, 2));
        yield return Bit("policy_single_socket", "snp_single_socket", () => Evidence(_guest, 0x008 + 2, 4));
        yield return Bit("policy_smt_allowed", "snp_smt_allowed", () => Evidence(_guest, 0x008 + 2, 0));
        yield return Bit("policy_abi_major", "snp_guest_abi_major", () => Evidence(_guest, 0x008 + 1));
        yield return Bit("policy_abi_minor", "snp_guest_abi_minor", () => Evidence(_guest, 0x008));
        yield return Bit("platform_smt_enabled", "snp_smt_enabled", () => Evidence(_guest, 0x040, 0));
        yield return Bit("platform_tsme_enabled", "snp_tsme_enabled", () => Evidence(_guest, 0x040, 1));
        yield return Bit(string.Empty, "snp.report-data", () => Evidence(_guest, 0x050));
        yield return Bit(string.Empty, "snp.init-data", () => Evidence(_guest, 0x0C0 + 31));
    }

    public override void Dispose()
    {
        _guest.Dispose();
        _vendor.Dispose();
    }

    private SimulatedSnpGuest Guest(SnpTcb tcb) => _vendor.CreateGuest(new SimulatedSnpGuestOptions { Measurement = Measurement, HostData = InitData!, Tcb = tcb });

    private JsonObject Evidence(SimulatedSnpGuest guest) => guest.GetEvidence(ReportData);

    private JsonObject Evidence(SimulatedSnpGuest guest, int at, int bit = 0) =>
        guest.GetEvidence(ReportData, f => f.BeforeSigning = raw => raw[at] ^= (byte)(1 << bit));

    private JsonObject Evidence(SnpTcb tcb)
    {
        using SimulatedSnpGuest guest = Guest(tcb);
        return Evidence(guest);
    }
}
