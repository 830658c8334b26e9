// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Builtins.Time;
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Time in nanoseconds since 1970-01-01 00:00:00 UTC.</summary>
internal static class TimeBuiltins
{
    private const string OutOfRange = "time outside of valid range";

    internal static IEnumerable<Builtin> All() =>
    [
        new("time.now_ns", [], static (c, _) => c.NowNanoseconds) { Requires = RegoGrants.Clock },
        new("time.parse_rfc3339_ns", [Str], static (c, a) => Parse(c, GoTimeLayout.Rfc3339, a[0].TextOf())),
        new("time.parse_ns", [Str, Str], static (c, a) => Parse(c, GoTimeLayout.Resolve(a[0].TextOf()), a[1].TextOf())),
        new("time.parse_duration_ns", [Str], static (c, a) => ParseDuration(c, a[0].TextOf())),
        new("time.date", [Any], static (c, a) => TryTime(c, 1, a[0], out var time, out _) ? Date(time) : null),
        new("time.clock", [Any], static (c, a) => TryTime(c, 1, a[0], out var time, out _) ? RegoArray.Of(time.Hour, time.Minute, time.Second) : null),
        new("time.weekday", [Any], static (c, a) => TryTime(c, 1, a[0], out var time, out _) ? RegoString.Of(GoTimeLayout.LongDays[time.Weekday]) : null),
        new("time.format", [Any], static (c, a) => Format(c, a[0])),
        new("time.add_date", [Any, Num, Num, Num], static (c, a) => AddDate(c, a)),
        new("time.diff", [Any, Any], static (c, a) => Difference(c, a[0], a[1])),
    ];

    private static RegoValue? Parse(BuiltinContext context, string layout, string text)
    {
        context.Charge((layout.Length + text.Length) / 16);
        if (!GoTimeParser.TryParse(layout, text, out var time, out var error))
        {
            return context.Fail(error);
        }

        return time.UnixNanoseconds is { } value ? value : context.Fail(OutOfRange);
    }

    private static RegoValue? ParseDuration(BuiltinContext context, string text)
    {
        context.Charge(text.Length / 16);
        return GoDuration.TryParse(text, out var value, out var error) ? value : context.Fail(error);
    }

    private static RegoArray Date(CivilTime time)
    {
        var (year, month, day) = time.Date;
        return RegoArray.Of(year, month, day);
    }

    private static RegoValue? Format(BuiltinContext context, RegoValue argument)
    {
        if (!TryTime(context, 1, argument, out var time, out var layout))
        {
            return null;
        }

        context.ChargeOutput(4L * (layout?.Length ?? 0));
        return context.Output(GoTimeFormatter.Format(time, layout is null ? GoTimeLayout.Rfc3339Nano : GoTimeLayout.Resolve(layout)));
    }

    // A number, or [number, zone], or [number, zone, layout].
    private static bool TryTime(BuiltinContext context, int operand, RegoValue argument, out CivilTime time, out string? layout)
    {
        time = default;
        layout = null;
        var zone = TimeZoneData.Utc;
        var value = argument;
        if (argument is RegoArray { Count: > 0 } parts)
        {
            value = parts[0];
            if (!TryText(context, operand, parts, 1, out var zoneName) || !TryText(context, operand, parts, 2, out layout))
            {
                return false;
            }

            zone = TimeZoneData.Find(zoneName ?? "")!;
            if (zone is null)
            {
                context.Fail($"unknown time zone {zoneName}");
                return false;
            }

            layout = layout is "" ? null : layout;
        }

        if (value is not RegoNumber number)
        {
            _ = argument is RegoArray { Count: > 0 }
                ? context.FailOperand(operand, "number", value)
                : context.FailOperand(operand, "either number (ns) or [number (ns), string (tz)]", argument);
            return false;
        }

        if (!number.TryGetInt64(out var nanoseconds))
        {
            context.Fail("timestamp too big");
            return false;
        }

        time = CivilTime.FromUnixNanoseconds(nanoseconds, zone);
        return true;
    }

    private static bool TryText(BuiltinContext context, int operand, RegoArray parts, int index, out string? text)
    {
        text = null;
        if (index >= parts.Count)
        {
            return true;
        }

        if (parts[index] is not RegoString value)
        {
            context.FailOperand(operand, "string", parts[index]);
            return false;
        }

        text = value.Value;
        return true;
    }

    private static RegoValue? AddDate(BuiltinContext context, ReadOnlySpan<RegoValue> arguments)
    {
        if (!TryTime(context, 1, arguments[0], out var time, out _)
            || !TryClamped(context, 2, arguments[1], out var years)
            || !TryClamped(context, 3, arguments[2], out var months)
            || !TryClamped(context, 4, arguments[3], out var days))
        {
            return null;
        }

        var (year, month, day) = time.Date;
        var total = ((year + years) * 12) + (month - 1) + months;
        var newYear = Math.DivRem(total - (((total % 12) + 12) % 12), 12).Quotient;
        var local = (CivilTime.ToDays(newYear, (int)(((total % 12) + 12) % 12) + 1, day + (long)days) * 86_400) + time.SecondOfDay;
        var zone = ZoneOf(arguments[0]);

        // The offset that holds at the new local time, as seen from the old one and then corrected once.
        var offset = zone.At(local - time.Offset).Offset;
        offset = zone.At(local - offset).Offset;
        var moved = new CivilTime(local - offset, time.Nanosecond, offset, "");
        return moved.UnixNanoseconds is { } value ? value : context.Fail(OutOfRange);
    }

    private static TimeZoneData ZoneOf(RegoValue argument) =>
        argument is RegoArray { Count: > 1 } parts && parts[1] is RegoString name ? TimeZoneData.Find(name.Value) ?? TimeZoneData.Utc : TimeZoneData.Utc;

    private static RegoValue? Difference(BuiltinContext context, RegoValue left, RegoValue right)
    {
        if (!TryTime(context, 1, left, out var first, out _) || !TryTime(context, 2, right, out var second, out _))
        {
            return null;
        }

        var zone = ZoneOf(left);
        var (offset, name) = zone.At(second.UnixSeconds);
        second = second with { Offset = offset, Zone = name };
        if ((first.UnixSeconds, first.Nanosecond).CompareTo((second.UnixSeconds, second.Nanosecond)) > 0)
        {
            (first, second) = (second, first);
        }

        var (y1, m1, d1) = first.Date;
        var (y2, m2, d2) = second.Date;
        var years = y2 - y1;
        var months = m2 - m1;
        var days = d2 - d1;
        var hours = second.Hour - first.Hour;
        var minutes = second.Minute - first.Minute;
        var seconds = second.Second - first.Second;
        Borrow(ref seconds, ref minutes, 60);
        Borrow(ref minutes, ref hours, 60);
        Borrow(ref hours, ref days, 24);
        if (days < 0)
        {
            days += CivilTime.DaysIn(y1, m1);
            months--;
        }

        if (months < 0)
        {
            months += 12;
            years--;
        }

        return RegoArray.Of(years, months, days, hours, minutes, seconds);
    }

    private static void Borrow(ref int unit, ref int larger, int size)
    {
        if (unit < 0)
        {
            unit += size;
            larger--;
        }
    }
}
