// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins.Time;

/// <summary>An instant shown in a time zone, in the proleptic Gregorian calendar.</summary>
/// <param name="UnixSeconds">Seconds since 1970-01-01 00:00:00 UTC.</param>
/// <param name="Nanosecond">0 to 999999999.</param>
/// <param name="Offset">Seconds east of UTC.</param>
/// <param name="Zone">Abbreviation of the zone; empty where it has none.</param>
internal readonly record struct CivilTime(long UnixSeconds, int Nanosecond, int Offset, string Zone)
{
    private const long SecondsPerDay = 86_400;

    private long Local => UnixSeconds + Offset;

    private long Days => Math.DivRem(Local - (SecondOfDay), SecondsPerDay).Quotient;

    public int SecondOfDay => (int)(((Local % SecondsPerDay) + SecondsPerDay) % SecondsPerDay);

    public int Hour => SecondOfDay / 3600;

    public int Minute => SecondOfDay / 60 % 60;

    public int Second => SecondOfDay % 60;

    public (long Year, int Month, int Day) Date => FromDays(Days);

    /// <summary>0 is Sunday.</summary>
    public int Weekday => (int)((((Days + 4) % 7) + 7) % 7);

    public int DayOfYear
    {
        get
        {
            var (year, _, _) = Date;
            return (int)(Days - ToDays(year, 1, 1)) + 1;
        }
    }

    /// <summary>Nanoseconds since the epoch, or null where they do not fit 64 bits.</summary>
    public long? UnixNanoseconds
    {
        get
        {
            var value = ((Int128)UnixSeconds * 1_000_000_000) + Nanosecond;
            return value < long.MinValue || value > long.MaxValue ? null : (long)value;
        }
    }

    public static CivilTime FromUnixNanoseconds(long value, TimeZoneData zone)
    {
        var seconds = Math.DivRem(value, 1_000_000_000, out var nanosecond);
        if (nanosecond < 0)
        {
            seconds--;
            nanosecond += 1_000_000_000;
        }

        var (offset, name) = zone.At(seconds);
        return new CivilTime(seconds, (int)nanosecond, offset, name);
    }

    /// <summary>Days since 1970-01-01 of a date whose month is in 1 to 12; the day may be any number.</summary>
    public static long ToDays(long year, int month, long day)
    {
        // Years that begin in March put the leap day last; eras are of 400 years.
        var y = month <= 2 ? year - 1 : year;
        var era = (y >= 0 ? y : y - 399) / 400;
        var yearOfEra = y - (era * 400);
        var dayOfYear = (((153 * (month + (month > 2 ? -3 : 9))) + 2) / 5) + day - 1;
        var dayOfEra = (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + dayOfYear;
        return (era * 146_097) + dayOfEra - 719_468;
    }

    public static int DaysIn(long year, int month) => month switch
    {
        2 => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28,
        4 or 6 or 9 or 11 => 30,
        _ => 31,
    };

    private static (long Year, int Month, int Day) FromDays(long days)
    {
        var z = days + 719_468;
        var era = (z >= 0 ? z : z - 146_096) / 146_097;
        var dayOfEra = z - (era * 146_097);
        var yearOfEra = (dayOfEra - (dayOfEra / 1460) + (dayOfEra / 36_524) - (dayOfEra / 146_096)) / 365;
        var dayOfYear = dayOfEra - ((365 * yearOfEra) + (yearOfEra / 4) - (yearOfEra / 100));
        var shifted = ((5 * dayOfYear) + 2) / 153;
        var day = (int)(dayOfYear - (((153 * shifted) + 2) / 5)) + 1;
        var month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
        return (yearOfEra + (era * 400) + (month <= 2 ? 1 : 0), month, day);
    }
}
