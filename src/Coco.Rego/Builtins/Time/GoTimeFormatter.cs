// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using Field = Coco.Rego.Builtins.Time.GoTimeLayout.Field;

namespace Coco.Rego.Builtins.Time;

/// <summary>Writes an instant as a layout shows.</summary>
internal static class GoTimeFormatter
{
    public static string Format(CivilTime time, string layout)
    {
        var result = new StringBuilder();
        var rest = layout.AsSpan();
        while (true)
        {
            var field = GoTimeLayout.Next(rest, out var before, out var text, out var after);
            result.Append(before);
            if (field == Field.None)
            {
                return result.ToString();
            }

            Write(result, time, field, text);
            rest = after;
        }
    }

    private static void Write(StringBuilder result, CivilTime time, Field field, ReadOnlySpan<char> text)
    {
        var (year, month, day) = time.Date;
        var hour12 = time.Hour % 12 == 0 ? 12 : time.Hour % 12;
        switch (field)
        {
            case Field.Year:
                Number(result, ((year % 100) + 100) % 100, 2, '0');
                break;
            case Field.LongYear:
                Number(result, year, 4, '0');
                break;
            case Field.LongMonth:
                result.Append(GoTimeLayout.LongMonths[month - 1]);
                break;
            case Field.ShortMonth:
                result.Append(GoTimeLayout.LongMonths[month - 1].AsSpan(0, 3));
                break;
            case Field.NumMonth or Field.ZeroMonth:
                Number(result, month, field == Field.ZeroMonth ? 2 : 1, '0');
                break;
            case Field.LongWeekday:
                result.Append(GoTimeLayout.LongDays[time.Weekday]);
                break;
            case Field.ShortWeekday:
                result.Append(GoTimeLayout.LongDays[time.Weekday].AsSpan(0, 3));
                break;
            case Field.Day or Field.ZeroDay:
                Number(result, day, field == Field.ZeroDay ? 2 : 1, '0');
                break;
            case Field.UnderDay:
                Number(result, day, 2, ' ');
                break;
            case Field.UnderYearDay or Field.ZeroYearDay:
                Number(result, time.DayOfYear, 3, field == Field.ZeroYearDay ? '0' : ' ');
                break;
            case Field.Hour:
                Number(result, time.Hour, 2, '0');
                break;
            case Field.Hour12 or Field.ZeroHour12:
                Number(result, hour12, field == Field.ZeroHour12 ? 2 : 1, '0');
                break;
            case Field.Minute or Field.ZeroMinute:
                Number(result, time.Minute, field == Field.ZeroMinute ? 2 : 1, '0');
                break;
            case Field.Second or Field.ZeroSecond:
                Number(result, time.Second, field == Field.ZeroSecond ? 2 : 1, '0');
                break;
            case Field.UpperPm:
                result.Append(time.Hour >= 12 ? "PM" : "AM");
                break;
            case Field.LowerPm:
                result.Append(time.Hour >= 12 ? "pm" : "am");
                break;
            case Field.ZoneName when time.Zone.Length > 0:
                result.Append(time.Zone);
                break;
            case Field.ZoneName:
                Offset(result, time.Offset, time.Offset % 3600 == 0 ? "-07" : "-0700");
                break;
            case Field.IsoZone when time.Offset == 0:
                result.Append('Z');
                break;
            case Field.IsoZone or Field.NumericZone:
                Offset(result, time.Offset, text);
                break;
            case Field.FractionZero or Field.FractionNine:
                Fraction(result, time.Nanosecond, text, trim: field == Field.FractionNine);
                break;
        }
    }

    private static void Number(StringBuilder result, long value, int width, char padding)
    {
        if (value < 0)
        {
            result.Append('-');
            value = -value;
        }

        result.Append(value.ToString(CultureInfo.InvariantCulture).PadLeft(width, padding));
    }

    private static void Offset(StringBuilder result, int offset, ReadOnlySpan<char> form)
    {
        result.Append(offset < 0 ? '-' : '+');
        offset = Math.Abs(offset);
        Number(result, offset / 3600, 2, '0');
        var colon = form.Contains(':');
        var digits = form.Length - form.Count(':') - 1;
        if (digits >= 4)
        {
            result.Append(colon ? ":" : "");
            Number(result, offset / 60 % 60, 2, '0');
        }

        if (digits >= 6)
        {
            result.Append(colon ? ":" : "");
            Number(result, offset % 60, 2, '0');
        }
    }

    private static void Fraction(StringBuilder result, int nanosecond, ReadOnlySpan<char> form, bool trim)
    {
        var digits = nanosecond.ToString("000000000", CultureInfo.InvariantCulture).AsSpan(0, Math.Min(9, form.Length - 1));
        if (trim)
        {
            digits = digits.TrimEnd('0');
            if (digits.IsEmpty)
            {
                return;
            }
        }

        result.Append(form[0]).Append(digits);
        if (!trim)
        {
            result.Append('0', form.Length - 1 - digits.Length);
        }
    }
}
