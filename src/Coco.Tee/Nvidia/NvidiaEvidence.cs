// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Tee.Json;

namespace Coco.Tee.Nvidia;

/// <summary>One device of the evidence of the TEE <c>nvidia</c>.</summary>
/// <param name="Architecture">Which one.</param>
/// <param name="Uuid">The device's identifier; <c>unknown</c> when the evidence does not say.</param>
/// <param name="Report">SPDM request and response.</param>
/// <param name="CertificateChain">PEM text of the chain.</param>
/// <remarks>Source: tee-evidence.md 11.1.</remarks>
public sealed record NvidiaEvidence(NvidiaArchitecture Architecture, string Uuid, ReadOnlyMemory<byte> Report, ReadOnlyMemory<byte> CertificateChain)
{
    private const int MostDevices = 64;
    private const int LongestReport = 64 * 1024;
    private const int LongestChain = 64 * 1024;
    private const int LongestUuid = 128;

    /// <summary>Reads the device list: at least one device.</summary>
    public static Result<ImmutableArray<NvidiaEvidence>> ParseAll(JsonElement body)
    {
        if (!EvidenceFields.Array(body, "device_evidence_list", MostDevices).TryGet(out JsonElement array, out Refusal? refusal))
        {
            return refusal;
        }

        if (array.GetArrayLength() == 0)
        {
            return EvidenceFields.Bad("device_evidence_list", "empty");
        }

        var devices = ImmutableArray.CreateBuilder<NvidiaEvidence>();
        foreach (JsonElement one in array.EnumerateArray())
        {
            if (!Parse(one).TryGet(out NvidiaEvidence? device, out refusal))
            {
                return refusal;
            }

            devices.Add(device);
        }

        return devices.ToImmutable();
    }

    private static Result<NvidiaEvidence> Parse(JsonElement json)
    {
        if (!EvidenceFields.Text(json, "arch").TryGet(out string? arch, out Refusal? refusal)
            || !ParseArchitecture(arch).TryGet(out NvidiaArchitecture architecture, out refusal)
            || !EvidenceFields.OptionalText(json, "uuid", "unknown").TryGet(out string? uuid, out refusal)
            || !EvidenceFields.Text(json, "evidence").TryGet(out string? evidence, out refusal)
            || !ReadReport(evidence).TryGet(out ReadOnlyMemory<byte> report, out refusal)
            || !EvidenceFields.Base64(json, "certificate", LongestChain).TryGet(out ReadOnlyMemory<byte> chain, out refusal))
        {
            return refusal;
        }

        return uuid.Length > LongestUuid ? new Refusal(RefusalCode.TooLarge, "uuid: too long") { Field = "uuid" } : new NvidiaEvidence(architecture, uuid, report, chain);
    }

    /// <summary>Hexadecimal first, then base64: a text of hexadecimal digits is also base64.</summary>
    private static Result<ReadOnlyMemory<byte>> ReadReport(string text) =>
        EvidenceFields.HexText(text, "evidence", LongestReport).TryGet(out ReadOnlyMemory<byte> hex, out _) && text.Length > 0
            ? hex
            : EvidenceFields.Base64Text(text, "evidence", LongestReport);

    private static Result<NvidiaArchitecture> ParseArchitecture(string text)
    {
        foreach (NvidiaArchitecture one in (ReadOnlySpan<NvidiaArchitecture>)[NvidiaArchitecture.Hopper, NvidiaArchitecture.Blackwell, NvidiaArchitecture.Ls10])
        {
            if (string.Equals(one.ToWireName(), text, StringComparison.OrdinalIgnoreCase))
            {
                return one;
            }
        }

        return new Refusal(RefusalCode.Unsupported, "arch: Device architecture not supported") { Field = "arch" };
    }
}
