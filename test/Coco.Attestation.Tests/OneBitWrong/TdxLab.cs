// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.Simulator.EventLogs;
using Coco.Simulator.Intel;
using Coco.Tee.EventLogs;
using Coco.Verifiers;
using Coco.Verifiers.Intel;

namespace Coco.Attestation.Tests.OneBitWrong;

internal sealed class TdxLab : EvidenceLab
{
    // Offsets in the signed part of a quote of version 4: header, then body from byte 48.
    private const int TdAttributes = 48 + 120, Xfam = 48 + 128, MrTd = 48 + 136, MrConfigId = 48 + 184, Rtmr0 = 48 + 328, ReportDataAt = 48 + 520, VendorId = 12;

    private static readonly byte[] KernelDigest = SHA384.HashData("kernel"u8);
    private static readonly byte[] ParametersDigest = SHA384.HashData("parameters"u8);

    private readonly IntelBench _intel = new(Now, isTdx: true);

    public TdxLab() => Verifier = new TdxVerifier(_intel.Dcap);

    public override IVerifier Verifier { get; }

    public override byte[]? InitData { get; } = SHA384.HashData("init-data"u8);

    public override IReadOnlyDictionary<string, string> References
    {
        get
        {
            SimulatedEventLog log = Log(KernelDigest, ParametersDigest);
            return new Dictionary<string, string>
            {
                ["mr_td"] = Quoted(Enumerable.Repeat((byte)0x4D, 48).ToArray()),
                ["xfam"] = Quoted(new byte[8]),
                ["rtmr_1"] = Quoted(log.Register(2), Log(Flip(KernelDigest), ParametersDigest).Register(2)),
                ["rtmr_2"] = Quoted(log.Register(3), Log(KernelDigest, Flip(ParametersDigest)).Register(3)),
                ["tdvfkernel"] = $"\"{Convert.ToHexStringLower(KernelDigest)}\"",
                ["tdvfkernelparams"] = $"\"{Convert.ToHexStringLower(ParametersDigest)}\"",
            };
        }
    }

    public override ValueTask<JsonNode> GoodAsync() => new(Evidence(_intel.Platform, _ => { }));

    public override IEnumerable<WrongBit> Bits()
    {
        yield return Bit("mr_td", "mr_td", () => Evidence(_intel.Platform, q => q[MrTd + 47] ^= 1));
        yield return Bit("xfam", "xfam", () => Evidence(_intel.Platform, q => q[Xfam] ^= 1));
        yield return Bit("debug", "debug == false", () => Evidence(_intel.Platform, q => q[TdAttributes] ^= 1));
        yield return Bit("tcb_status", "UpToDate", () => Evidence(_intel.OlderPlatform, _ => { }));
        yield return Bit("rtmr_1", "rtmr_1", () => WithoutLog(q => q[Rtmr0 + 48] ^= 1));
        yield return Bit("rtmr_2", "rtmr_2", () => WithoutLog(q => q[Rtmr0 + 96 + 47] ^= 1));
        yield return Bit("rtmr_1", "rtmr_1", () => Evidence(_intel.Platform, _ => { }, Log(Flip(KernelDigest, 1), ParametersDigest)));
        yield return Bit("rtmr_2", "rtmr_2", () => Evidence(_intel.Platform, _ => { }, Log(KernelDigest, Flip(ParametersDigest, 1))));
        yield return Bit("uefi_event_logs[0].digests[0].digest", "tdvfkernel", () => Evidence(_intel.Platform, _ => { }, Log(Flip(KernelDigest), ParametersDigest)));
        yield return Bit("uefi_event_logs[1].digests[0].digest", "tdvfkernelparams", () => Evidence(_intel.Platform, _ => { }, Log(KernelDigest, Flip(ParametersDigest))));
        yield return Bit("uefi_event_logs[1].details.string", "LOADED_IMAGE::LoadOptions", () => Evidence(_intel.Platform, _ => { }, Log(KernelDigest, ParametersDigest, "LOADED_IMAGE::LoadOptionr")));
        yield return Bit(string.Empty, "tdx.event-log-replay", () => Evidence(_intel.Platform, q => q[Rtmr0 + 48] ^= 1));
        yield return Bit(string.Empty, "tdx.report-data", () => Evidence(_intel.Platform, q => q[ReportDataAt] ^= 1));
        yield return Bit(string.Empty, "tdx.init-data", () => Evidence(_intel.Platform, q => q[MrConfigId] ^= 1));
        yield return Bit(string.Empty, "dcap.qe-vendor", () => Evidence(_intel.Platform, q => q[VendorId] ^= 1));
        yield return Bit("collateral_expiration_status", "\"0\"", () =>
        {
            _intel.Clock.Advance(TimeSpan.FromDays(40));
            return Evidence(_intel.Platform, _ => { });
        });
    }

    public override void Dispose() => _intel.Dispose();

    private static SimulatedEventLog Log(byte[] kernel, byte[] parameters, string label = "LOADED_IMAGE::LoadOptions")
    {
        byte[] path = [4, 4, 18, 0, .. Encoding.Unicode.GetBytes("kernel\0"), 0x7F, 0xFF, 4, 0];
        byte[] image = [.. new byte[24], .. new byte[8], .. path];
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(24), (ulong)path.Length);
        byte[] text = Encoding.ASCII.GetBytes(label);
        byte[] tag = [0xED, 0x22, 0x3B, 0x8F, (byte)text.Length, 0, 0, 0, .. text];
        return new SimulatedEventLog().Add(2, TcgEventType.EfiBootServicesApplication, image, kernel).Add(3, TcgEventType.EventTag, tag, parameters);
    }

    private JsonObject Evidence(SimulatedPlatform platform, Action<byte[]> change, SimulatedEventLog? log = null)
    {
        log ??= Log(KernelDigest, ParametersDigest);
        return platform.GetTdxEvidence(new SimulatedQuoteOptions { ReportData = ReportData, ConfigId = InitData!, Rtmrs = log.Rtmrs(), ChangeSigned = change }, log.ToArray());
    }

    private JsonObject WithoutLog(Action<byte[]> change) =>
        _intel.Platform.GetTdxEvidence(
            new SimulatedQuoteOptions { ReportData = ReportData, ConfigId = InitData!, Rtmrs = Log(KernelDigest, ParametersDigest).Rtmrs(), ChangeSigned = change });
}
