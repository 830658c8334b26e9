// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Simulator.Tpm;
using Coco.Tee.Tpm;
using Coco.Verifiers;
using Coco.Verifiers.Tpm;

namespace Coco.Attestation.Tests.OneBitWrong;

internal sealed class TpmLab : EvidenceLab
{
    private readonly SimulatedTpm _tpm = new();
    private readonly SimulatedTpm _other = new();

    public TpmLab()
    {
        foreach (SimulatedTpm tpm in (SimulatedTpm[])[_tpm, _other])
        {
            tpm.Extend(8, InitData!);
            tpm.Extend(11, SHA256.HashData("kernel"u8));
        }
    }

    public override IVerifier Verifier { get; } = new TpmVerifier(new TpmVerifierOptions { Clock = Clock() });

    public override byte[] ReportData { get; } = SHA256.HashData("runtime data"u8);

    public override byte[]? InitData { get; } = SHA256.HashData("init-data"u8);

    public override IReadOnlyDictionary<string, string> References => new Dictionary<string, string>
    {
        ["tpm_pcr11"] = Quoted(_tpm.Registers[11]),
        ["trusted_aks"] = $"[\"{Convert.ToBase64String(_tpm.AkPublic)}\"]",
    };

    public override ValueTask<JsonNode> GoodAsync() => new(_tpm.GetEvidence(ReportData));

    public override IEnumerable<WrongBit> Bits()
    {
        yield return Bit("pcr11", "tpm_pcr11", () => _tpm.GetEvidence(ReportData, q => TpmRegisters.Flip(q, _tpm, 11)));
        yield return Bit("ak_public", "trusted_aks", () => _other.GetEvidence(ReportData));
        yield return Bit(string.Empty, "tpm.init-data", () => _tpm.GetEvidence(ReportData, q => TpmRegisters.Flip(q, _tpm, 8)));
        yield return Bit(string.Empty, "tpm.nonce", () => _tpm.GetEvidence(Flip(ReportData)));
    }

    public override void Dispose()
    {
        _tpm.Dispose();
        _other.Dispose();
    }
}

/// <summary>Registers of a simulated TPM with one bit changed, quoted as if they were its own.</summary>
internal static class TpmRegisters
{
    public static void Flip(TpmQuoteFields fields, SimulatedTpm tpm, int register)
    {
        byte[][] registers = [.. tpm.Registers];
        registers[register][31] ^= 1;
        ImmutableArray<ReadOnlyMemory<byte>> values = [.. registers.Select(r => (ReadOnlyMemory<byte>)r)];
        fields.HandedOver = registers;
        fields.PcrDigest = TpmPcrValues.OfSha256(values).Digest([.. fields.Selections], HashAlgorithmName.SHA256).Require().ToArray();
    }
}
