// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Text.Json;
using Coco.Tee.Json;

namespace Coco.Tee.Nvidia;

/// <summary>Evidence of a BlueField DPU: its two certificates and its signature over the report data.</summary>
/// <param name="AliasCertificate">Certificate of the alias key, DER.</param>
/// <param name="DeviceIdCertificate">Certificate of the device identity key, DER.</param>
/// <param name="ReportDataSignature">Signature by the alias key; empty when none came.</param>
/// <remarks>Source: tee-evidence.md 11.2.</remarks>
public sealed record DpuEvidence(ReadOnlyMemory<byte> AliasCertificate, ReadOnlyMemory<byte> DeviceIdCertificate, ReadOnlyMemory<byte> ReportDataSignature)
{
    /// <summary>TCG DICE TcbInfo: the firmware layers.</summary>
    public const string TcbInfoOid = "2.23.133.5.4.1";

    private const int LongestCertificate = 8192;
    private const int MostLayers = 32;

    /// <summary>Reads it: version 1, exactly one device.</summary>
    public static Result<DpuEvidence> Parse(JsonElement body)
    {
        if (!EvidenceFields.UInt32(body, "version").TryGet(out uint version, out Refusal? refusal))
        {
            return refusal;
        }

        if (version != 1)
        {
            return new Refusal(RefusalCode.Unsupported, $"version: {version} is not 1") { Field = "version" };
        }

        if (!EvidenceFields.Array(body, "devices", 16).TryGet(out JsonElement devices, out refusal))
        {
            return refusal;
        }

        if (devices.GetArrayLength() != 1)
        {
            return EvidenceFields.Bad("devices", $"{devices.GetArrayLength()} devices, one wanted");
        }

        JsonElement device = devices[0];
        if (!EvidenceFields.Text(device, "architecture").TryGet(out string? architecture, out refusal)
            || !EvidenceFields.Base64(device, "alias_cert", LongestCertificate).TryGet(out ReadOnlyMemory<byte> alias, out refusal)
            || !EvidenceFields.Base64(device, "device_id_cert", LongestCertificate).TryGet(out ReadOnlyMemory<byte> deviceId, out refusal)
            || !EvidenceFields.OptionalText(device, "report_data_signature", string.Empty).TryGet(out string? signatureText, out refusal)
            || !EvidenceFields.Base64Text(signatureText, "report_data_signature", 512).TryGet(out ReadOnlyMemory<byte> signature, out refusal))
        {
            return refusal;
        }

        return string.Equals(architecture, "bluefield3", StringComparison.OrdinalIgnoreCase)
            ? new DpuEvidence(alias, deviceId, signature)
            : new Refusal(RefusalCode.Unsupported, "architecture: not bluefield3") { Field = "architecture" };
    }

    /// <summary>The firmware digests of a DICE TcbInfo extension: member [6], a list of {hash algorithm, digest}.</summary>
    public static Result<ImmutableArray<ReadOnlyMemory<byte>>> ReadLayers(ReadOnlyMemory<byte> tcbInfo)
    {
        var layers = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        try
        {
            AsnReader info = new AsnReader(tcbInfo, AsnEncodingRules.DER).ReadSequence();
            var fwids = new Asn1Tag(TagClass.ContextSpecific, 6, isConstructed: true);
            while (info.HasData)
            {
                if (!info.PeekTag().HasSameClassAndValue(fwids))
                {
                    info.ReadEncodedValue();
                    continue;
                }

                AsnReader list = info.ReadSequence(fwids);
                while (list.HasData)
                {
                    if (layers.Count == MostLayers)
                    {
                        return new Refusal(RefusalCode.TooLarge, $"TcbInfo: more than {MostLayers} firmware layers") { Field = "fwids" };
                    }

                    AsnReader layer = list.ReadSequence();
                    layer.ReadObjectIdentifier();
                    layers.Add(layer.ReadOctetString());
                    layer.ThrowIfNotEmpty();
                }
            }
        }
        catch (AsnContentException e)
        {
            return Refusal.Malformed("TcbInfo", 0, "not DER: " + e.Message);
        }

        return layers.ToImmutable();
    }
}
