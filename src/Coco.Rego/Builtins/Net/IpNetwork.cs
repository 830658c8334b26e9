// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Coco.Rego.Builtins.Net;

/// <summary>An address range that CIDR notation can say: the first address and the number of leading bits that are fixed.</summary>
/// <param name="IsV6">IPv6 (128 bits) or IPv4 (32 bits).</param>
/// <param name="First">The first address as a number.</param>
/// <param name="Prefix">Leading bits.</param>
internal readonly record struct IpNetwork(bool IsV6, UInt128 First, int Prefix)
{
    public int Bits => IsV6 ? 128 : 32;

    public UInt128 Last => First | HostMask(IsV6, Prefix);

    public bool Contains(IpNetwork other) => IsV6 == other.IsV6 && First <= other.First && other.Last <= Last;

    public bool Overlaps(IpNetwork other) => IsV6 == other.IsV6 && First <= other.Last && other.First <= Last;

    public override string ToString() => Format(IsV6, First) + "/" + Prefix.ToString(CultureInfo.InvariantCulture);

    /// <summary>Reads <c>address/prefix</c>; bits behind the prefix are cleared.</summary>
    public static bool TryParse(string text, out IpNetwork network)
    {
        network = default;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !TryParseAddress(text[..slash], out var isV6, out var address))
        {
            return false;
        }

        var prefixText = text.AsSpan(slash + 1);
        if (prefixText.Length is 0 or > 3 || (prefixText.Length > 1 && prefixText[0] == '0')
            || !int.TryParse(prefixText, NumberStyles.None, CultureInfo.InvariantCulture, out var prefix)
            || prefix > (isV6 ? 128 : 32))
        {
            return false;
        }

        network = new IpNetwork(isV6, address & ~HostMask(isV6, prefix), prefix);
        return true;
    }

    /// <summary>Reads one address, strictly: no zones, no leading zeros in IPv4.</summary>
    public static bool TryParseAddress(string text, out bool isV6, out UInt128 address)
    {
        isV6 = text.Contains(':', StringComparison.Ordinal);
        address = 0;
        if (!isV6)
        {
            return TryParseV4(text, out address);
        }

        if (text.Length > 45 || text.AsSpan().ContainsAnyExcept("0123456789abcdefABCDEF:."))
        {
            return false;
        }

        // The dotted tail must be strict, too.
        var tail = text[(text.LastIndexOf(':') + 1)..];
        if ((tail.Contains('.', StringComparison.Ordinal) && !TryParseV4(tail, out _))
            || !IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return false;
        }

        foreach (var b in parsed.GetAddressBytes())
        {
            address = (address << 8) | b;
        }

        // An IPv4-mapped address is the IPv4 address.
        if (address >> 32 == 0xFFFF)
        {
            address &= uint.MaxValue;
            isV6 = false;
        }

        return true;
    }

    /// <summary>The address in its canonical text form (RFC 5952).</summary>
    public static string Format(bool isV6, UInt128 address)
    {
        if (!isV6)
        {
            var v4 = (uint)address;
            return string.Create(CultureInfo.InvariantCulture, $"{v4 >> 24}.{(v4 >> 16) & 255}.{(v4 >> 8) & 255}.{v4 & 255}");
        }

        Span<ushort> groups = stackalloc ushort[8];
        for (var i = 7; i >= 0; i--, address >>= 16)
        {
            groups[i] = (ushort)(address & 0xFFFF);
        }

        var (zeros, length) = LongestZeros(groups);
        var result = new StringBuilder();
        for (var i = 0; i < 8; i++)
        {
            if (i == zeros)
            {
                result.Append("::");
                i += length - 1;
                continue;
            }

            if (result.Length > 0 && result[^1] != ':')
            {
                result.Append(':');
            }

            result.Append(groups[i].ToString("x", CultureInfo.InvariantCulture));
        }

        return result.ToString();
    }

    /// <summary>The fewest networks that cover a range of addresses and nothing else.</summary>
    public static IEnumerable<IpNetwork> Cover(bool isV6, UInt128 first, UInt128 last)
    {
        var bits = isV6 ? 128 : 32;
        while (true)
        {
            var prefix = first == 0 ? 0 : bits - Math.Min(bits, (int)UInt128.TrailingZeroCount(first));
            while ((first | HostMask(isV6, prefix)) > last)
            {
                prefix++;
            }

            yield return new IpNetwork(isV6, first, prefix);
            var end = first | HostMask(isV6, prefix);
            if (end >= last)
            {
                yield break;
            }

            first = end + 1;
        }
    }

    /// <summary>The network of a bare IPv4 address by its class (RFC 791): /8, /16 or /24.</summary>
    public static IpNetwork? OfClass(UInt128 address)
    {
        var prefix = ((uint)address >> 24) switch
        {
            < 0x80 => 8,
            < 0xC0 => 16,
            < 0xE0 => 24,
            _ => 0,
        };
        return prefix == 0 ? null : new IpNetwork(false, address & ~HostMask(false, prefix), prefix);
    }

    private static UInt128 HostMask(bool isV6, int prefix)
    {
        var hostBits = (isV6 ? 128 : 32) - prefix;
        return hostBits == 128 ? UInt128.MaxValue : (UInt128.One << hostBits) - 1;
    }

    private static bool TryParseV4(string text, out UInt128 address)
    {
        address = 0;
        var parts = text.Split('.');
        if (parts.Length != 4)
        {
            return false;
        }

        foreach (var part in parts)
        {
            if (part.Length is 0 or > 3 || (part.Length > 1 && part[0] == '0')
                || !byte.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var value))
            {
                return false;
            }

            address = (address << 8) | value;
        }

        return true;
    }

    private static (int Start, int Length) LongestZeros(ReadOnlySpan<ushort> groups)
    {
        int bestStart = -1, bestLength = 1;
        for (var i = 0; i < groups.Length;)
        {
            var end = i;
            while (end < groups.Length && groups[end] == 0)
            {
                end++;
            }

            if (end - i > bestLength)
            {
                (bestStart, bestLength) = (i, end - i);
            }

            i = Math.Max(end, i + 1);
        }

        return (bestStart, bestLength);
    }
}
