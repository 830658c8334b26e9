// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Simulator.Amd;
using Coco.Simulator.Azure;
using Coco.Simulator.Intel;
using Coco.Simulator.Tpm;
using Coco.Tee.Intel;
using Coco.Tee.Snp;
using Coco.Verifiers;
using Coco.Verifiers.Azure;
using Coco.Verifiers.Snp;

namespace Coco.Attestation.Tests.OneBitWrong;

/// <summary>What both Azure guests have: a vTPM with init-data in PCR 8 and a kernel in PCR 11.</summary>
internal abstract class AzureLab : EvidenceLab
{
    private readonly List<SimulatedTpm> _tpms = [];

    public override byte[]? InitData { get; } = SHA256.HashData("init-data"u8);

    /// <summary>A vTPM's registers are never zero bits apart after an extension, so the one bit is in the quoted value.</summary>
    protected static void FlipRegister(TpmQuoteFields fields, SimulatedTpm tpm, int register) => TpmRegisters.Flip(fields, tpm, register);

    protected SimulatedTpm Tpm()
    {
        var tpm = new SimulatedTpm();
        tpm.Extend(8, InitData!);
        tpm.Extend(11, SHA256.HashData("kernel"u8));
        _tpms.Add(tpm);
        return tpm;
    }

    public override void Dispose() => _tpms.ForEach(t => t.Dispose());
}

internal sealed class AzSnpLab : AzureLab
{
    private static readonly byte[] Measurement = SHA384.HashData("guest"u8);

    private readonly SimulatedAmd _vendor = new(SnpGeneration.Milan, new SimulatedAmdOptions { Clock = Clock() });
    private readonly SimulatedTpm _tpm;
    private readonly SimulatedSnpGuest _chip;

    public AzSnpLab()
    {
        _tpm = Tpm();
        _chip = Chip(_vendor.OrdinaryTcb);
        Verifier = new AzSnpVtpmVerifier(new SnpVerifier(new SnpVerifierOptions
        {
            Clock = Clock(),
            SimulatedRoots = [AmdTrustAnchor.Simulated(_vendor.Generation, _vendor.Ark, _vendor.Ask, _vendor.Asvk).Require()],
        }));
    }

    public override IVerifier Verifier { get; }

    public override IReadOnlyDictionary<string, string> References => new Dictionary<string, string>
    {
        ["measurement"] = $"[\"{Convert.ToBase64String(Measurement)}\"]",
        ["snp_pcr11"] = Quoted(_tpm.Registers[11]),
        ["tcb_bootloader"] = """["4"]""",
        ["tcb_tee"] = """["0"]""",
        ["tcb_snp"] = """["24"]""",
        ["tcb_microcode"] = """["219"]""",
        ["smt_enabled"] = """["true"]""",
        ["tsme_enabled"] = """["false"]""",
        ["abi_major"] = """["0"]""",
        ["abi_minor"] = """["0"]""",
        ["single_socket"] = """["false"]""",
        ["smt_allowed"] = """["true"]""",
    };

    public override ValueTask<JsonNode> GoodAsync() => new(Evidence(_chip));

    public override IEnumerable<WrongBit> Bits()
    {
        SnpTcb tcb = _vendor.OrdinaryTcb;
        yield return Bit("measurement", "measurement", () => Evidence(_chip, 0x090));
        yield return Bit("tpm.pcr11", "snp_pcr11", () => Evidence(_chip, change: q => FlipRegister(q, _tpm, 11)));
        yield return Bit("reported_tcb_bootloader", "tcb_bootloader", () => Evidence(tcb with { BootLoader = (byte)(tcb.BootLoader ^ 1) }));
        yield return Bit("reported_tcb_tee", "tcb_tee", () => Evidence(tcb with { Tee = (byte)(tcb.Tee ^ 1) }));
        yield return Bit("reported_tcb_snp", "tcb_snp", () => Evidence(tcb with { Snp = (byte)(tcb.Snp ^ 1) }));
        yield return Bit("reported_tcb_microcode", "tcb_microcode", () => Evidence(tcb with { Microcode = (byte)(tcb.Microcode ^ 1) }));
        yield return Bit("platform_smt_enabled", "smt_enabled", () => Evidence(_chip, 0x040, 0));
        yield return Bit("platform_tsme_enabled", "tsme_enabled", () => Evidence(_chip, 0x040, 1));
        yield return Bit("policy_abi_major", "abi_major", () => Evidence(_chip, 0x009));
        yield return Bit("policy_abi_minor", "abi_minor", () => Evidence(_chip, 0x008));
        yield return Bit("policy_single_socket", "single_socket", () => Evidence(_chip, 0x00A, 4));
        yield return Bit("policy_smt_allowed", "smt_allowed", () => Evidence(_chip, 0x00A, 0));
        yield return Bit(string.Empty, "az-snp-vtpm.init-data", () => Evidence(_chip, change: q => FlipRegister(q, _tpm, 8)));
        yield return Bit(string.Empty, "az-snp-vtpm.nonce", () => Evidence(_chip, change: q => q.ExtraData[0] ^= 1));
    }

    public override void Dispose()
    {
        base.Dispose();
        _chip.Dispose();
        _vendor.Dispose();
    }

    private SimulatedSnpGuest Chip(SnpTcb tcb) => _vendor.CreateGuest(new SimulatedSnpGuestOptions { Measurement = Measurement, Tcb = tcb });

    private JsonObject Evidence(SimulatedSnpGuest chip, int? at = null, int bit = 0, Action<TpmQuoteFields>? change = null) =>
        SimulatedAzureGuest.OnSnp(chip, f => f.BeforeSigning = raw => raw[at ?? 0] ^= (byte)(at is null ? 0 : 1 << bit), _tpm).GetEvidence(ReportData, changeQuote: change);

    private JsonObject Evidence(SnpTcb tcb)
    {
        using SimulatedSnpGuest chip = Chip(tcb);
        return Evidence(chip);
    }
}

internal sealed class AzTdxLab : AzureLab
{
    private readonly IntelBench _intel = new(Now, isTdx: true);
    private readonly SimulatedTpm _tpm;

    public AzTdxLab()
    {
        _tpm = Tpm();
        Verifier = new AzTdxVtpmVerifier(_intel.Dcap);
    }

    public override IVerifier Verifier { get; }

    public override IReadOnlyDictionary<string, string> References => new Dictionary<string, string>
    {
        ["tdx_pcr11"] = Quoted(_tpm.Registers[11]),
        ["mr_td"] = Quoted(Enumerable.Repeat((byte)0x4D, 48).ToArray()),
        ["xfam"] = Quoted(new byte[8]),
    };

    public override ValueTask<JsonNode> GoodAsync() => new(Evidence(_intel.Platform, _ => { }));

    public override IEnumerable<WrongBit> Bits()
    {
        yield return Bit("tpm.pcr11", "tdx_pcr11", () => Evidence(_intel.Platform, _ => { }, q => FlipRegister(q, _tpm, 11)));
        yield return Bit("mr_td", "mr_td", () => Evidence(_intel.Platform, q => q[48 + 136] ^= 1));
        yield return Bit("xfam", "xfam", () => Evidence(_intel.Platform, q => q[48 + 128 + 7] ^= 1));
        yield return Bit("tcb_status", "UpToDate", () => Evidence(_intel.OlderPlatform, _ => { }));
        yield return Bit(string.Empty, "az-tdx-vtpm.init-data", () => Evidence(_intel.Platform, _ => { }, q => FlipRegister(q, _tpm, 8)));
        yield return Bit(string.Empty, "az-tdx-vtpm.nonce", () => Evidence(_intel.Platform, _ => { }, q => q.ExtraData[47] ^= 1));
    }

    public override void Dispose()
    {
        base.Dispose();
        _intel.Dispose();
    }

    private JsonObject Evidence(SimulatedPlatform platform, Action<byte[]> change, Action<TpmQuoteFields>? changeQuote = null)
    {
        byte[] Report(byte[] data)
        {
            byte[] report = new byte[TdReport.Length];
            report[0] = 0x81;
            data.CopyTo(report, 128);
            return report;
        }

        SimulatedAzureGuest guest = SimulatedAzureGuest.OnTdx(
            Report, data => platform.MakeQuote(new SimulatedQuoteOptions { ReportData = data, ChangeSigned = change }), _tpm);
        return guest.GetEvidence(ReportData, changeQuote: changeQuote);
    }
}
