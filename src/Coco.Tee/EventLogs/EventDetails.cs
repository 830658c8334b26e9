// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Coco.Tee.EventLogs;

/// <summary>Writes the members of <c>details</c> for one event (tee-evidence.md 4.5), with the peculiarities that policies rely on.</summary>
internal static class EventDetails
{
    private const int NameOnStack = 128;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
    private static readonly UnicodeEncoding StrictUtf16 = new(bigEndian: false, byteOrderMark: false, throwOnInvalidBytes: true);

    public static Refusal? Write(Utf8JsonWriter writer, CcEvent one)
    {
        ReadOnlySpan<byte> data = one.Data.Span;
        return TcgEventType.FormOf(one.Type) switch
        {
            EventDataForm.None => null,
            EventDataForm.Text => WriteText(writer, data, one),
            EventDataForm.Flags => WriteFlags(writer, data),
            EventDataForm.Blob2 => WriteBlob2(writer, data, one),
            EventDataForm.InitialProgramLoader => WriteLoader(writer, data, one),
            EventDataForm.Variable => WriteVariable(writer, data, one),
            EventDataForm.Image => WriteImage(writer, data, one),
            EventDataForm.Tag => WriteTag(writer, data, one),
            _ => throw new InvalidOperationException("internal: unknown form of event data"),
        };
    }

    private static Refusal Bad(CcEvent one, string detail) =>
        new(RefusalCode.Malformed, $"{one.TypeName} at offset {one.Offset}: {detail}") { Field = one.TypeName, Offset = one.Offset };

    private static bool TryUtf8(ReadOnlySpan<byte> bytes, out string text)
    {
        if (!System.Text.Unicode.Utf8.IsValid(bytes))
        {
            text = string.Empty;
            return false;
        }

        text = StrictUtf8.GetString(bytes);
        return true;
    }

    private static Refusal? WriteText(Utf8JsonWriter writer, ReadOnlySpan<byte> data, CcEvent one)
    {
        if (!System.Text.Unicode.Utf8.IsValid(data))
        {
            return Bad(one, "the event data are not UTF-8");
        }

        writer.WriteString("string"u8, data);
        return null;
    }

    private static Refusal? WriteFlags(Utf8JsonWriter writer, ReadOnlySpan<byte> data)
    {
        TryUtf8(data, out string text);
        var kept = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            // The control character DLE becomes a space, all others go: the reference implementation meant line feeds, policies expect this.
            if (c == '\u0010')
            {
                kept.Append(' ');
            }
            else if (!char.IsControl(c))
            {
                kept.Append(c);
            }
        }

        writer.WriteString("string"u8, kept.ToString());
        return null;
    }

    private static Refusal? WriteBlob2(Utf8JsonWriter writer, ReadOnlySpan<byte> data, CcEvent one)
    {
        if (data.IsEmpty || data[0] == 0 || data[0] > data.Length)
        {
            return Bad(one, "the description's length is zero or goes past the end");
        }

        // The length counts its own byte here, so the description loses its last character: the claims have always been so.
        ReadOnlySpan<byte> text = data[1..data[0]];
        if (!System.Text.Unicode.Utf8.IsValid(text))
        {
            return Bad(one, "the description is not UTF-8");
        }

        writer.WriteString("string"u8, text);
        return null;
    }

    private static Refusal? WriteLoader(Utf8JsonWriter writer, ReadOnlySpan<byte> data, CcEvent one)
    {
        if (data.Length < 2)
        {
            return Bad(one, "fewer than 2 bytes");
        }

        if (data[0] == 0x2E && data[1] == 0)
        {
            int n = data.Length - 2;
            if (n == 0 || n % 2 != 0)
            {
                return Bad(one, "a section name of no or of an odd length");
            }

            writer.WriteString("string"u8, Encoding.Unicode.GetString(data[2..n]));
            return null;
        }

        int end = data.IndexOf((byte)0);
        ReadOnlySpan<byte> text = end < 0 ? data : data[..end];
        if (System.Text.Unicode.Utf8.IsValid(text))
        {
            writer.WriteString("string"u8, text);
        }
        else
        {
            writer.WriteString("string"u8, Convert.ToHexStringLower(data));
        }

        return null;
    }

    private static Refusal? WriteVariable(Utf8JsonWriter writer, ReadOnlySpan<byte> data, CcEvent one)
    {
        var reader = new ByteReader(data);
        if (!reader.TryRead(16, out ReadOnlySpan<byte> guid) || !reader.TryReadUInt64LittleEndian(out ulong nameLength)
            || !reader.TryReadUInt64LittleEndian(out ulong dataLength))
        {
            return Bad(one, "shorter than UEFI_VARIABLE_DATA");
        }

        if (nameLength > (uint)reader.Remaining / 2 || !reader.TryRead(2 * (int)nameLength, out ReadOnlySpan<byte> nameBytes))
        {
            return Bad(one, "the variable's name goes past the end");
        }

        if (dataLength > (uint)reader.Remaining || !reader.TryRead((int)dataLength, out ReadOnlySpan<byte> value))
        {
            return Bad(one, "the variable's data go past the end");
        }

        Span<char> name = nameLength <= NameOnStack ? stackalloc char[NameOnStack] : new char[nameLength];
        try
        {
            name = name[..StrictUtf16.GetChars(nameBytes, name)];
        }
        catch (DecoderFallbackException)
        {
            return Bad(one, "the variable's name is not UTF-16");
        }

        writer.WriteString("unicode_name"u8, name);
        writer.WriteNumber("unicode_name_length"u8, nameLength);
        writer.WriteBase64String("variable_data"u8, value);
        writer.WriteNumber("variable_data_length"u8, dataLength);

        // Raw byte order, not the order in which GUIDs are printed elsewhere.
        Span<char> hex = stackalloc char[36];
        int at = 0;
        for (int i = 0; i < 16; i++)
        {
            if (i is 4 or 6 or 8 or 10)
            {
                hex[at++] = '-';
            }

            guid[i].TryFormat(hex[at..], out int written, "x2", CultureInfo.InvariantCulture);
            at += written;
        }

        writer.WriteString("variable_name"u8, hex[..at]);
        return null;
    }

    private static Refusal? WriteImage(Utf8JsonWriter writer, ReadOnlySpan<byte> data, CcEvent one)
    {
        var reader = new ByteReader(data);
        if (!reader.TrySkip(24) || !reader.TryReadUInt64LittleEndian(out ulong length))
        {
            return Bad(one, "shorter than UEFI_IMAGE_LOAD_EVENT");
        }

        if (length == 0)
        {
            return null;
        }

        // The end node is not read.
        if (length < 4 || length > (uint)reader.Remaining || !reader.TryReadRegion((int)length - 4, out ByteReader path))
        {
            return Bad(one, "the device path is shorter than its end node or goes past the end");
        }

        writer.WriteStartArray("device_paths"u8);
        while (path.Remaining > 0)
        {
            if (!path.TryReadByte(out byte type) || !path.TryReadByte(out byte subtype) || !path.TryReadUInt16LittleEndian(out ushort nodeLength)
                || nodeLength < 4 || !path.TryRead(nodeLength - 4, out ReadOnlySpan<byte> node))
            {
                return Bad(one, "a node of the device path is too short or goes past the end");
            }

            writer.WriteStringValue(DevicePath.Format(type, subtype, node));
        }

        writer.WriteEndArray();
        return null;
    }

    private static Refusal? WriteTag(Utf8JsonWriter writer, ReadOnlySpan<byte> data, CcEvent one)
    {
        var reader = new ByteReader(data);
        if (!reader.TryReadUInt32LittleEndian(out uint id) || !reader.TryReadUInt32LittleEndian(out uint size)
            || size > (uint)reader.Remaining || !reader.TryRead((int)size, out ReadOnlySpan<byte> text))
        {
            return Bad(one, "the tagged data go past the end");
        }

        writer.WriteString("string"u8, Encoding.UTF8.GetString(text).Replace("\0", string.Empty, StringComparison.Ordinal));
        if (id != AgentEvent.TagId)
        {
            return null;
        }

        if (!TryUtf8(text, out string whole))
        {
            return Bad(one, "the agent's event is not UTF-8");
        }

        if (!AgentEvent.Split(whole).TryGet(out AgentEvent? agent, out Refusal? refusal))
        {
            return Bad(one, refusal.Detail);
        }

        writer.WriteString("unicode_name"u8, "AAEL"u8);
        writer.WriteStartObject("data"u8);
        writer.WriteString("domain"u8, agent.Domain);
        writer.WriteString("operation"u8, agent.Operation);
        writer.WritePropertyName("content"u8);
        if (HostileJson.Parse(agent.Content).TryGet(out JsonElement content, out _))
        {
            content.WriteTo(writer);
        }
        else
        {
            writer.WriteStringValue(agent.Content);
        }

        writer.WriteEndObject();
        return null;
    }
}
