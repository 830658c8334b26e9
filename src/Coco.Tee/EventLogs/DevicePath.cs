// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Coco.Tee.EventLogs;

/// <summary>One node of a UEFI device path as text (UEFI 2.10 section 10.3; forms of tee-evidence.md 4.5).</summary>
internal static class DevicePath
{
    private const int GuidLength = 16;

    /// <summary>The text; a node that is not known or too short is shown raw.</summary>
    public static string Format(byte type, byte subtype, ReadOnlySpan<byte> data) =>
        (type, subtype) switch
        {
            (1, 1) when data.Length >= 2 => Text($"Pci({data[0]},{data[1]})"),
            (2, 1) when data.Length >= 8 => Acpi(data),
            (3, 5) when data.Length >= 2 => Text($"USB({data[0]},{data[1]})"),
            (3, 0x0B) when data.Length == 33 =>
                Text($"Mac({Convert.ToHexString(data[..31]).TrimEnd('0')},0x{data[32]:x2})"),
            (3, 0x0C) when data.Length >= 23 => Ipv4(data),
            (3, 0x15) when data.Length >= 16 => $"FibreEx(0x{Convert.ToHexStringLower(data[..8])},0x{Convert.ToHexStringLower(data[8..16])})",
            (4, 1) when data.Length >= 38 => HardDrive(data) ?? Raw(type, subtype, data),
            (4, 3) when data.Length >= GuidLength => $"VenMedia({FormatGuid(data)},{Convert.ToHexStringLower(data[GuidLength..])})",
            (4, 4) when data.Length >= 2 && data.Length % 2 == 0 => $"File({Encoding.Unicode.GetString(data[..^2])})",
            (5, 1) when data.Length >= 4 => BootSpecification(data) ?? Raw(type, subtype, data),
            _ => Raw(type, subtype, data),
        };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Raw(byte type, byte subtype, ReadOnlySpan<byte> data) => Text($"Path({type},{subtype},{Convert.ToHexStringLower(data)})");

    private static string Acpi(ReadOnlySpan<byte> data)
    {
        uint id = BinaryPrimitives.ReadUInt32LittleEndian(data);
        uint uid = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
        char a = (char)(((id >> 10) & 0x1F) + '@'), b = (char)(((id >> 5) & 0x1F) + '@'), c = (char)((id & 0x1F) + '@');
        return Text($"ACPI({a}{b}{c}{id >> 16:X4},{uid})");
    }

    private static string Ipv4(ReadOnlySpan<byte> data)
    {
        uint local = BinaryPrimitives.ReadUInt32LittleEndian(data);
        uint remote = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
        string protocol = BinaryPrimitives.ReadUInt16LittleEndian(data[12..]) switch
        {
            6 => "TCP",
            17 => "UDP",
            _ => string.Empty,
        };
        string origin = data[14] switch
        {
            0 => "DHCP",
            1 => "Static",
            _ => string.Empty,
        };
        uint gateway = BinaryPrimitives.ReadUInt32LittleEndian(data[15..]);
        uint mask = BinaryPrimitives.ReadUInt32LittleEndian(data[19..]);
        string tail = gateway != 0 || mask != 0 ? Text($",{gateway},{mask}") : string.Empty;
        return $"IPv4({Dotted(remote)},{protocol},{origin},{Dotted(local)}{tail})";
    }

    private static string Dotted(uint address) => Text($"{address >> 24}.{(address >> 16) & 0xFF}.{(address >> 8) & 0xFF}.{address & 0xFF}");

    private static string? HardDrive(ReadOnlySpan<byte> data)
    {
        uint partition = BinaryPrimitives.ReadUInt32LittleEndian(data);
        ulong start = BinaryPrimitives.ReadUInt64LittleEndian(data[4..]);
        ulong size = BinaryPrimitives.ReadUInt64LittleEndian(data[12..]);
        string tail = partition != 0 ? Text($",0x{start:x},0x{size:x}") : string.Empty;
        return data[36] switch
        {
            1 => Text($"HD({partition},MBR,0x{BinaryPrimitives.ReadUInt32LittleEndian(data[20..]):x8}{tail})"),
            2 => Text($"HD({partition},GPT,{FormatGuid(data[20..])}{tail})"),
            _ => null,
        };
    }

    private static string? BootSpecification(ReadOnlySpan<byte> data)
    {
        ushort kind = BinaryPrimitives.ReadUInt16LittleEndian(data);
        ushort status = BinaryPrimitives.ReadUInt16LittleEndian(data[2..]);
        ReadOnlySpan<byte> text = data[4..];
        int end = text.IndexOf((byte)0);
        text = end < 0 ? text : text[..end];
        if (!System.Text.Unicode.Utf8.IsValid(text))
        {
            return null;
        }

        string name = kind switch
        {
            1 => "FLOPPY",
            2 => "HARD_DRIVE",
            3 => "CDROM",
            4 => "PCMCIA",
            5 => "USB",
            6 => "EMBEDDED_NETWORK",
            0x80 => "DEV",
            0xFF => "UNKNOWN",
            _ => kind.ToString(CultureInfo.InvariantCulture),
        };
        return Text($"BBS({name},{Encoding.UTF8.GetString(text)},{status})");
    }

    private static string FormatGuid(ReadOnlySpan<byte> bytes) => new Guid(bytes[..GuidLength]).ToString("D").ToUpperInvariant();
}
