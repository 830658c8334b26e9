// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Globalization;

namespace Coco.Rego.Builtins.Text;

/// <summary>A UUID (RFC 9562) taken apart.</summary>
internal readonly struct Uuid
{
    // 100-nanosecond intervals between 1582-10-15, where UUID time begins, and 1970-01-01.
    private const long EpochOffset = 122_192_928_000_000_000;

    private readonly byte[] _bytes;

    private Uuid(byte[] bytes) => _bytes = bytes;

    /// <summary>Accepts the plain form, without hyphens, in braces, and with <c>urn:uuid:</c>.</summary>
    public static bool TryParse(string text, out Uuid uuid)
    {
        uuid = default;
        if (text.Length == 45 && text.StartsWith("urn:uuid:", StringComparison.OrdinalIgnoreCase))
        {
            text = text[9..];
        }
        else if (text.Length == 38 && text[0] == '{' && text[37] == '}')
        {
            text = text[1..37];
        }

        if (!(text.Length == 36 && Guid.TryParseExact(text, "D", out var guid)) && !(text.Length == 32 && Guid.TryParseExact(text, "N", out guid)))
        {
            return false;
        }

        uuid = new Uuid(guid.ToByteArray(bigEndian: true));
        return true;
    }

    public RegoObject Describe()
    {
        var version = _bytes[6] >> 4;
        var result = RegoObject.Of(("variant", Variant()), ("version", version));
        if (version is not (1 or 2))
        {
            return result;
        }

        result = result
            .With("time", Time())
            .With("nodeid", NodeId())
            .With("macvariables", Address())
            .With("clocksequence", BinaryPrimitives.ReadUInt16BigEndian(_bytes.AsSpan(8)) & 0x3FFF);
        if (version == 2)
        {
            result = result
                .With("id", (long)BinaryPrimitives.ReadUInt32BigEndian(_bytes))
                .With("domain", Domain());
        }

        return result;
    }

    private string Variant() => _bytes[8] switch
    {
        < 0x80 => "Reserved",
        < 0xC0 => "RFC4122",
        < 0xE0 => "Microsoft",
        _ => "Future",
    };

    private RegoNumber Time()
    {
        var low = BinaryPrimitives.ReadUInt32BigEndian(_bytes);
        var middle = BinaryPrimitives.ReadUInt16BigEndian(_bytes.AsSpan(4));
        var high = BinaryPrimitives.ReadUInt16BigEndian(_bytes.AsSpan(6)) & 0x0FFF;
        var intervals = low + ((long)middle << 32) + ((long)high << 48) - EpochOffset;
        return RegoNumber.Of((System.Numerics.BigInteger)intervals * 100);
    }

    private string Address() =>
        ((_bytes[10] & 2) != 0 ? "local" : "global") + ((_bytes[10] & 1) != 0 ? ":multicast" : ":unicast");

    private string NodeId() => string.Join('-', Convert.ToHexStringLower(_bytes, 10, 6).Chunk(2).Select(static pair => new string(pair)));

    private string Domain() => _bytes[9] switch
    {
        0 => "Person",
        1 => "Group",
        2 => "Org",
        _ => "Domain" + _bytes[9].ToString(CultureInfo.InvariantCulture),
    };
}
