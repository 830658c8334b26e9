// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;

namespace Coco.Rego.Builtins.Time;

/// <summary>
/// Offsets and abbreviations of a time zone, read from the machine's zone files (RFC 9636). A machine without them
/// knows UTC alone.
/// </summary>
internal sealed class TimeZoneData
{
    private const int MaxFileSize = 1 << 20;
    private const int HeaderSize = 44;

    private static readonly string[] Directories = ["/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"];
    private static readonly ConcurrentDictionary<string, TimeZoneData> Cache = new(StringComparer.Ordinal);

    private readonly long[] _transitions;
    private readonly byte[] _types;
    private readonly (int Offset, bool Daylight, string Name)[] _kinds;
    private readonly PosixZoneRule? _rule;

    private TimeZoneData(long[] transitions, byte[] types, (int Offset, bool Daylight, string Name)[] kinds, PosixZoneRule? rule)
    {
        _transitions = transitions;
        _types = types;
        _kinds = kinds;
        _rule = rule;
    }

    public static TimeZoneData Utc { get; } = new([], [], [(0, false, "UTC")], null);

    /// <summary>The zone of an IANA name, or null where the machine does not have it.</summary>
    public static TimeZoneData? Find(string name)
    {
        if (name is "" or "UTC")
        {
            return Utc;
        }

        if (Cache.TryGetValue(name, out var known))
        {
            return known;
        }

        if (!IsName(name))
        {
            return null;
        }

        foreach (var directory in Directories)
        {
            var path = Path.Combine(directory, name);
            var file = new FileInfo(path);
            if (file.Exists && file.Length <= MaxFileSize && TryParse(File.ReadAllBytes(path)) is { } zone)
            {
                return Cache.GetOrAdd(name, zone);
            }
        }

        return null;
    }

    /// <summary>Seconds east of UTC, and the abbreviation, at an instant.</summary>
    public (int Offset, string Name) At(long unixSeconds)
    {
        if (_transitions.Length == 0 || unixSeconds < _transitions[0])
        {
            if (_transitions.Length == 0 && _rule is not null)
            {
                return _rule.At(unixSeconds);
            }

            var first = Array.Find(_kinds, static kind => !kind.Daylight);
            return (first.Offset, first.Name ?? "");
        }

        if (unixSeconds >= _transitions[^1] && _rule is not null)
        {
            return _rule.At(unixSeconds);
        }

        var index = Array.BinarySearch(_transitions, unixSeconds);
        var kind = _kinds[_types[index >= 0 ? index : ~index - 1]];
        return (kind.Offset, kind.Name);
    }

    private static bool IsName(string name) =>
        name.Length <= 64 && name[0] != '/' && !name.Contains("..", StringComparison.Ordinal)
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '/' or '_' or '-' or '+');

    private static TimeZoneData? TryParse(byte[] file)
    {
        try
        {
            return Parse(file);
        }
        catch (ArgumentOutOfRangeException)
        {
            return null;
        }
    }

    // Version 1 holds 32-bit times; the block of 64-bit times behind it is what counts.
    private static TimeZoneData? Parse(ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith("TZif"u8) || file[4] < '2')
        {
            return null;
        }

        file = file[(HeaderSize + BodySize(file, 4))..];
        var isUtcCount = Count(file, 20);
        var isStandardCount = Count(file, 24);
        var leapCount = Count(file, 28);
        var timeCount = Count(file, 32);
        var typeCount = Count(file, 36);
        var charCount = Count(file, 40);
        var at = HeaderSize;
        var transitions = new long[timeCount];
        for (var i = 0; i < timeCount; i++, at += 8)
        {
            transitions[i] = BinaryPrimitives.ReadInt64BigEndian(file[at..]);
        }

        var types = file.Slice(at, timeCount).ToArray();
        at += timeCount;
        var kindsAt = at;
        at += typeCount * 6;
        var names = file.Slice(at, charCount);
        var kinds = new (int Offset, bool Daylight, string Name)[typeCount];
        for (var i = 0; i < typeCount; i++)
        {
            var kind = file.Slice(kindsAt + (i * 6), 6);
            var name = names[kind[5]..];
            var end = name.IndexOf((byte)0);
            kinds[i] = (BinaryPrimitives.ReadInt32BigEndian(kind), kind[4] != 0, Encoding.ASCII.GetString(end < 0 ? name : name[..end]));
        }

        if (typeCount == 0 || types.Any(type => type >= typeCount))
        {
            return null;
        }

        at += charCount + (leapCount * 12) + isStandardCount + isUtcCount;
        var footer = Encoding.ASCII.GetString(file[at..]).Trim('\n');
        return new TimeZoneData(transitions, types, kinds, PosixZoneRule.TryParse(footer));
    }

    private static int Count(ReadOnlySpan<byte> file, int at)
    {
        var value = BinaryPrimitives.ReadInt32BigEndian(file[at..]);
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxFileSize);
        return value;
    }

    private static int BodySize(ReadOnlySpan<byte> file, int timeSize) =>
        (Count(file, 32) * (timeSize + 1)) + (Count(file, 36) * 6) + Count(file, 40)
        + (Count(file, 28) * (timeSize + 4)) + Count(file, 24) + Count(file, 20);
}
