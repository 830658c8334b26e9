// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Coco.Tee.Nvidia;

/// <summary>The opaque data of a report: a list of typed items, each type at most once.</summary>
/// <remarks>Source: tee-evidence.md 11.1.</remarks>
public sealed class NvidiaOpaqueData
{
    private const int FwidType = 20;
    private const int DriverType = 3;
    private const int VbiosType = 6;
    private const int MeasurementCountType = 12;
    private const int SwitchPdiType = 22;
    private const int VersionType = 34;
    private const int FeatureType = 36;

    private readonly ImmutableSortedDictionary<int, ReadOnlyMemory<byte>> _items;

    private NvidiaOpaqueData(ImmutableSortedDictionary<int, ReadOnlyMemory<byte>> items) => _items = items;

    /// <summary>No items.</summary>
    public static NvidiaOpaqueData Empty { get; } = new(ImmutableSortedDictionary<int, ReadOnlyMemory<byte>>.Empty);

    /// <summary>Digest of the firmware whose key signed the report; null when the report does not say.</summary>
    public ReadOnlyMemory<byte>? Fwid => _items.TryGetValue(FwidType, out ReadOnlyMemory<byte> value) ? value : null;

    /// <summary>Version of the driver, as text.</summary>
    public string DriverVersion => _items.TryGetValue(DriverType, out ReadOnlyMemory<byte> value) ? TrimmedText(value.Span) : string.Empty;

    /// <summary>Version of the VBIOS in the vendor's notation.</summary>
    public string VbiosVersion => _items.TryGetValue(VbiosType, out ReadOnlyMemory<byte> value) ? Vbios(value.Span) : string.Empty;

    /// <summary>Reads the items; an unknown type, a doubled one, or a missing driver or VBIOS version is refused.</summary>
    /// <param name="bytes">The opaque data.</param>
    /// <param name="origin">Their offset in the report, for refusals.</param>
    public static Result<NvidiaOpaqueData> Parse(ReadOnlyMemory<byte> bytes, int origin)
    {
        var items = ImmutableSortedDictionary.CreateBuilder<int, ReadOnlyMemory<byte>>();
        var reader = new ByteReader(bytes.Span, origin);
        while (reader.Remaining > 4)
        {
            int at = reader.Offset;
            if (!reader.TryReadUInt16LittleEndian(out ushort type) || !reader.TryReadPrefixed16LittleEndian(out ByteReader value))
            {
                return Refusal.Malformed("OpaqueData", at, "an item goes over the end");
            }

            if (NameOf(type) is null)
            {
                return new Refusal(RefusalCode.Unsupported, $"OpaqueData at offset {at}: type {type} is unknown") { Field = "OpaqueData", Offset = at };
            }

            if (!items.TryAdd(type, bytes.Slice(value.Offset - origin, value.Remaining)))
            {
                return Refusal.Malformed("OpaqueData", at, $"type {type} occurs twice");
            }

            Refusal? wrong = type switch
            {
                MeasurementCountType when value.Remaining % 4 != 0 => Refusal.Malformed("OpaqueData.measurement_count", at, "not a list of 32-bit numbers"),
                SwitchPdiType when value.Remaining % 8 != 0 => Refusal.Malformed("OpaqueData.switch_pdi", at, "not a list of 8-byte identifiers"),
                VersionType when value.Remaining is 0 or > 8 => Refusal.Malformed("OpaqueData.opaque_data_version", at, "not a number"),
                FeatureType when value.Remaining is 0 or > 8 => Refusal.Malformed("OpaqueData.feature_flag", at, "not a number"),
                VbiosType when value.Remaining < 2 => Refusal.Malformed("OpaqueData.vbios_version", at, "shorter than two bytes"),
                _ => null,
            };
            if (wrong is not null)
            {
                return wrong;
            }
        }

        if (!items.ContainsKey(VbiosType) || !items.ContainsKey(DriverType))
        {
            return Refusal.Malformed("OpaqueData", origin, "vbios_version or driver_version is missing");
        }

        return new NvidiaOpaqueData(items.ToImmutable());
    }

    /// <summary>The member <c>config</c> of the claims: names and forms as tee-evidence.md 11.1 lists them, in the order of the names.</summary>
    public JsonObject ToConfig()
    {
        var config = new JsonObject();
        foreach ((string name, JsonNode value) in _items.Select(i => (NameOf(i.Key)!, Form(i.Key, i.Value.Span))).OrderBy(p => p.Item1, StringComparer.Ordinal))
        {
            config[name] = value;
        }

        return config;
    }

    private static JsonNode Form(int type, ReadOnlySpan<byte> value)
    {
        switch (type)
        {
            case 3 or 11 or 15 or 16 or 17 or 18 or 21 or 35:
                return TrimmedText(value);
            case VbiosType:
                return Vbios(value);
            case MeasurementCountType:
                var counts = new SortedDictionary<string, uint>(StringComparer.Ordinal);
                for (int i = 0; i < value.Length / 4; i++)
                {
                    counts[(i + 1).ToString(CultureInfo.InvariantCulture)] = BinaryPrimitives.ReadUInt32LittleEndian(value[(4 * i)..]);
                }

                return new JsonObject(counts.Select(c => KeyValuePair.Create(c.Key, (JsonNode?)JsonValue.Create(c.Value))));
            case SwitchPdiType:
                var list = new JsonArray();
                for (int i = 0; i + 8 <= value.Length; i += 8)
                {
                    list.Add((JsonNode)JsonValue.Create(Convert.ToHexStringLower(value.Slice(i, 8))));
                }

                return list;
            case VersionType:
                return JsonValue.Create(Number(value));
            case FeatureType:
                return Number(value) switch { 0 => "SPT", 1 => "MPT", 2 => "PPCIE", _ => "unknown" };
            default:
                return Convert.ToHexStringLower(value);
        }
    }

    private static ulong Number(ReadOnlySpan<byte> littleEndian)
    {
        ulong value = 0;
        for (int i = littleEndian.Length - 1; i >= 0; i--)
        {
            value = value << 8 | littleEndian[i];
        }

        return value;
    }

    private static string TrimmedText(ReadOnlySpan<byte> value) => Encoding.UTF8.GetString(value.TrimEnd((byte)0));

    /// <summary>First half of the bytes, reversed, joined by points; then the byte in the middle.</summary>
    private static string Vbios(ReadOnlySpan<byte> value)
    {
        int half = value.Length / 2;
        var text = new StringBuilder();
        for (int i = half - 1; i >= 0; i--)
        {
            text.Append(value[i].ToString("x2", CultureInfo.InvariantCulture)).Append('.');
        }

        return text.Append(value[half].ToString("x2", CultureInfo.InvariantCulture)).ToString();
    }

    private static string? NameOf(int type) => type switch
    {
        1 => "cert_issuer_name",
        2 => "cert_authority_key_identifier",
        3 => "driver_version",
        4 => "gpu_info",
        5 => "id_sku",
        6 => "vbios_version",
        7 => "manufacturer_id",
        8 => "tamper_detection",
        9 => "smc",
        10 => "vpr",
        11 => "nvdec0_status",
        12 => "measurement_count",
        13 => "cpr_info",
        14 => "board_id",
        15 => "chip_sku",
        16 => "chip_sku_mod",
        17 => "project",
        18 => "project_sku",
        19 => "project_sku_mod",
        20 => "fwid",
        21 => "protected_pcie_status",
        22 => "switch_pdi",
        23 => "floorswept_ports",
        24 => "position_id",
        25 => "lock_switch_status",
        32 => "gpu_link_conn",
        33 => "sys_enable_status",
        34 => "opaque_data_version",
        35 => "chip_info",
        36 => "feature_flag",
        255 => "invalid",
        _ => null,
    };
}
