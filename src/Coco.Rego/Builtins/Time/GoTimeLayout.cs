// SPDX-License-Identifier: Apache-2.0
using System.Collections.Frozen;

namespace Coco.Rego.Builtins.Time;

/// <summary>A layout that shows how the reference time (Mon Jan 2 15:04:05 MST 2006) would be written, cut into its fields.</summary>
internal static class GoTimeLayout
{
    /// <summary>What a piece of a layout stands for.</summary>
    public enum Field : byte
    {
        None,
        LongMonth,
        ShortMonth,
        NumMonth,
        ZeroMonth,
        LongWeekday,
        ShortWeekday,
        Day,
        UnderDay,
        ZeroDay,
        UnderYearDay,
        ZeroYearDay,
        Hour,
        Hour12,
        ZeroHour12,
        Minute,
        ZeroMinute,
        Second,
        ZeroSecond,
        LongYear,
        Year,
        UpperPm,
        LowerPm,
        ZoneName,
        IsoZone,
        NumericZone,
        FractionZero,
        FractionNine,
    }

    public static readonly string[] LongDays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

    public static readonly string[] LongMonths =
    [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ];

    private static readonly FrozenDictionary<string, string> Named = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["ANSIC"] = "Mon Jan _2 15:04:05 2006",
        ["UnixDate"] = "Mon Jan _2 15:04:05 MST 2006",
        ["RubyDate"] = "Mon Jan 02 15:04:05 -0700 2006",
        ["RFC822"] = "02 Jan 06 15:04 MST",
        ["RFC822Z"] = "02 Jan 06 15:04 -0700",
        ["RFC850"] = "Monday, 02-Jan-06 15:04:05 MST",
        ["RFC1123"] = "Mon, 02 Jan 2006 15:04:05 MST",
        ["RFC1123Z"] = "Mon, 02 Jan 2006 15:04:05 -0700",
        ["RFC3339"] = Rfc3339,
        ["RFC3339Nano"] = Rfc3339Nano,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    // Longest first, so that no field hides a longer one.
    private static readonly (string Text, Field Field)[] Fields =
    [
        ("January", Field.LongMonth),
        ("Jan", Field.ShortMonth),
        ("Monday", Field.LongWeekday),
        ("Mon", Field.ShortWeekday),
        ("MST", Field.ZoneName),
        ("01", Field.ZeroMonth),
        ("02", Field.ZeroDay),
        ("03", Field.ZeroHour12),
        ("04", Field.ZeroMinute),
        ("05", Field.ZeroSecond),
        ("06", Field.Year),
        ("002", Field.ZeroYearDay),
        ("15", Field.Hour),
        ("1", Field.NumMonth),
        ("2006", Field.LongYear),
        ("2", Field.Day),
        ("_2006", Field.LongYear),
        ("_2", Field.UnderDay),
        ("__2", Field.UnderYearDay),
        ("3", Field.Hour12),
        ("4", Field.Minute),
        ("5", Field.Second),
        ("PM", Field.UpperPm),
        ("pm", Field.LowerPm),
        ("-07:00:00", Field.NumericZone),
        ("-070000", Field.NumericZone),
        ("-07:00", Field.NumericZone),
        ("-0700", Field.NumericZone),
        ("-07", Field.NumericZone),
        ("Z07:00:00", Field.IsoZone),
        ("Z070000", Field.IsoZone),
        ("Z07:00", Field.IsoZone),
        ("Z0700", Field.IsoZone),
        ("Z07", Field.IsoZone),
    ];

    public const string Rfc3339 = "2006-01-02T15:04:05Z07:00";
    public const string Rfc3339Nano = "2006-01-02T15:04:05.999999999Z07:00";

    /// <summary>The layout that a constant's name stands for; the text itself where it is no such name.</summary>
    public static string Resolve(string nameOrLayout) => Named.GetValueOrDefault(nameOrLayout, nameOrLayout);

    /// <summary>The first field of a layout: what stands before it, its own text, and what follows.</summary>
    public static Field Next(ReadOnlySpan<char> layout, out ReadOnlySpan<char> before, out ReadOnlySpan<char> text, out ReadOnlySpan<char> after)
    {
        for (var i = 0; i < layout.Length; i++)
        {
            var rest = layout[i..];
            var (field, length) = At(rest);
            if (field != Field.None)
            {
                // "_2006" is an underscore and then the year.
                var skip = field == Field.LongYear && rest[0] == '_' ? 1 : 0;
                before = layout[..(i + skip)];
                text = rest[skip..length];
                after = rest[length..];
                return field;
            }
        }

        before = layout;
        text = default;
        after = default;
        return Field.None;
    }

    private static (Field Field, int Length) At(ReadOnlySpan<char> rest)
    {
        var first = rest[0];
        if (first is '.' or ',')
        {
            return Fraction(rest);
        }

        if (first is not ('J' or 'M' or '0' or '1' or '2' or '3' or '4' or '5' or '_' or 'P' or 'p' or '-' or 'Z'))
        {
            return default;
        }

        (Field Field, int Length) best = default;
        foreach (var (text, field) in Fields)
        {
            if (text.Length <= best.Length || !rest.StartsWith(text, StringComparison.Ordinal))
            {
                continue;
            }

            // "Jan" and "Mon" must not be the start of another word; "January" and "Monday" are longer and win.
            if (field is Field.ShortMonth or Field.ShortWeekday && rest.Length > 3 && char.IsAsciiLetterLower(rest[3]))
            {
                continue;
            }

            best = (field, text.Length);
        }

        return best;
    }

    // A point or comma and then only zeros or only nines, up to something that is no digit.
    private static (Field Field, int Length) Fraction(ReadOnlySpan<char> rest)
    {
        if (rest.Length < 2 || rest[1] is not ('0' or '9'))
        {
            return default;
        }

        var digit = rest[1];
        var end = 1;
        while (end < rest.Length && rest[end] == digit)
        {
            end++;
        }

        if (end < rest.Length && char.IsAsciiDigit(rest[end]))
        {
            return default;
        }

        return (digit == '0' ? Field.FractionZero : Field.FractionNine, end);
    }
}
