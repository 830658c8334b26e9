// SPDX-License-Identifier: Apache-2.0
using Field = Coco.Rego.Builtins.Time.GoTimeLayout.Field;

namespace Coco.Rego.Builtins.Time;

/// <summary>Reads an instant that is written as a layout shows.</summary>
internal ref struct GoTimeParser
{
    private const int Unset = -1;

    private readonly string _layout;
    private readonly string _value;
    private ReadOnlySpan<char> _rest;
    private long _year = 0;
    private int _month = Unset;
    private int _day = Unset;
    private int _yearDay = Unset;
    private int _hour;
    private int _minute;
    private int _second;
    private int _nanosecond;
    private bool _pm;
    private bool _am;
    private int? _offset;
    private string _zone = "";
    private string? _outOfRange;

    private GoTimeParser(string layout, string value)
    {
        _layout = layout;
        _value = value;
        _rest = value;
    }

    /// <summary>Parses; the error is in the words of Go's package.</summary>
    public static bool TryParse(string layout, string value, out CivilTime time, out string error)
    {
        time = default;
        var parser = new GoTimeParser(layout, value);
        var rest = layout.AsSpan();
        while (true)
        {
            var field = GoTimeLayout.Next(rest, out var before, out var text, out var after);
            if (!parser.Skip(before))
            {
                error = parser.Cannot(parser._rest, before);
                return false;
            }

            if (field == Field.None)
            {
                if (!parser._rest.IsEmpty)
                {
                    error = $"parsing time \"{value}\": extra text: \"{parser._rest}\"";
                    return false;
                }

                break;
            }

            var hold = parser._rest;
            if (!parser.Read(field, text, after))
            {
                error = parser._outOfRange is { } what ? $"parsing time \"{value}\": {what} out of range" : parser.Cannot(hold, text);
                return false;
            }

            rest = after;
        }

        return parser.TryFinish(out time, out error);
    }

    private readonly string Cannot(ReadOnlySpan<char> rest, ReadOnlySpan<char> element) =>
        $"parsing time \"{_value}\" as \"{_layout}\": cannot parse \"{rest}\" as \"{element}\"";

    // A space of the layout stands for any number of spaces, and for none at the end.
    private bool Skip(scoped ReadOnlySpan<char> prefix)
    {
        while (!prefix.IsEmpty)
        {
            if (prefix[0] == ' ')
            {
                if (!_rest.IsEmpty && _rest[0] != ' ')
                {
                    return false;
                }

                prefix = prefix.TrimStart(' ');
                _rest = _rest.TrimStart(' ');
                continue;
            }

            if (_rest.IsEmpty || _rest[0] != prefix[0])
            {
                return false;
            }

            prefix = prefix[1..];
            _rest = _rest[1..];
        }

        return true;
    }

    private bool Read(Field field, scoped ReadOnlySpan<char> text, scoped ReadOnlySpan<char> following)
    {
        switch (field)
        {
            case Field.Year:
                return ReadShortYear();
            case Field.LongYear:
                if (_rest.Length < 4 || !char.IsAsciiDigit(_rest[0]) || !TryDigits(4, out var longYear))
                {
                    return false;
                }

                _year = longYear;
                return true;
            case Field.ShortMonth:
                return ReadName(GoTimeLayout.LongMonths, 3, out _month) && ++_month > 0;
            case Field.LongMonth:
                return ReadName(GoTimeLayout.LongMonths, int.MaxValue, out _month) && ++_month > 0;
            case Field.NumMonth or Field.ZeroMonth:
                return TryNumber(field == Field.ZeroMonth, out _month) && InRange("month", _month is >= 1 and <= 12);
            case Field.ShortWeekday:
                return ReadName(GoTimeLayout.LongDays, 3, out _);
            case Field.LongWeekday:
                return ReadName(GoTimeLayout.LongDays, int.MaxValue, out _);
            case Field.Day or Field.UnderDay or Field.ZeroDay:
                if (field == Field.UnderDay && _rest.StartsWith(" "))
                {
                    _rest = _rest[1..];
                }

                return TryNumber(field == Field.ZeroDay, out _day);
            case Field.UnderYearDay or Field.ZeroYearDay:
                return ReadYearDay(field);
            case Field.Hour:
                return TryNumber(false, out _hour) && InRange("hour", _hour is >= 0 and < 24);
            case Field.Hour12 or Field.ZeroHour12:
                return TryNumber(field == Field.ZeroHour12, out _hour) && InRange("hour", _hour is >= 0 and <= 12);
            case Field.Minute or Field.ZeroMinute:
                return TryNumber(field == Field.ZeroMinute, out _minute) && InRange("minute", _minute is >= 0 and < 60);
            case Field.Second or Field.ZeroSecond:
                return ReadSecond(field, following);
            case Field.UpperPm or Field.LowerPm:
                return ReadPm(field == Field.UpperPm ? "PM" : "pm", field == Field.UpperPm ? "AM" : "am");
            case Field.IsoZone when _rest.StartsWith("Z"):
                _rest = _rest[1..];
                _offset = 0;
                _zone = "UTC";
                return true;
            case Field.IsoZone or Field.NumericZone:
                return ReadOffset(text);
            case Field.ZoneName:
                return ReadZoneName();
            case Field.FractionZero:
                return _rest.Length >= text.Length && ReadFraction(text.Length);
            default:
                if (_rest.Length < 2 || _rest[0] is not ('.' or ',') || !char.IsAsciiDigit(_rest[1]))
                {
                    return true;
                }

                return ReadFraction(FractionLength());
        }
    }

    private bool InRange(string what, bool ok)
    {
        if (!ok)
        {
            _outOfRange = what;
        }

        return ok;
    }

    private bool ReadShortYear()
    {
        if (!TryDigits(2, out var year))
        {
            return false;
        }

        _year = year >= 69 ? year + 1900 : year + 2000;
        return true;
    }

    private bool ReadYearDay(Field field)
    {
        for (var i = 0; field == Field.UnderYearDay && i < 2 && _rest.StartsWith(" "); i++)
        {
            _rest = _rest[1..];
        }

        var length = 0;
        var value = 0;
        while (length < 3 && length < _rest.Length && char.IsAsciiDigit(_rest[length]))
        {
            value = (value * 10) + _rest[length++] - '0';
        }

        if (length == 0 || (field == Field.ZeroYearDay && length < 3))
        {
            return false;
        }

        _rest = _rest[length..];
        _yearDay = value;
        return true;
    }

    // A fraction is accepted behind the seconds even where the layout has none.
    private bool ReadSecond(Field field, scoped ReadOnlySpan<char> following)
    {
        if (!TryNumber(field == Field.ZeroSecond, out _second) || !InRange("second", _second is >= 0 and < 60))
        {
            return false;
        }

        if (_rest.Length < 2 || _rest[0] is not ('.' or ',') || !char.IsAsciiDigit(_rest[1]))
        {
            return true;
        }

        var next = GoTimeLayout.Next(following, out _, out _, out _);
        return next is Field.FractionZero or Field.FractionNine || ReadFraction(FractionLength());
    }

    private readonly int FractionLength()
    {
        var length = 1;
        while (length < _rest.Length && char.IsAsciiDigit(_rest[length]))
        {
            length++;
        }

        return length;
    }

    private bool ReadFraction(int length)
    {
        if (_rest[0] is not ('.' or ','))
        {
            return false;
        }

        var digits = _rest[1..length];
        var value = 0;
        for (var i = 0; i < 9; i++)
        {
            if (i < digits.Length && !char.IsAsciiDigit(digits[i]))
            {
                return false;
            }

            value = (value * 10) + (i < digits.Length ? digits[i] - '0' : 0);
        }

        if (digits.ContainsAnyExceptInRange('0', '9'))
        {
            return false;
        }

        _nanosecond = value;
        _rest = _rest[length..];
        return true;
    }

    private bool ReadPm(string pm, string am)
    {
        _pm = _rest.StartsWith(pm);
        _am = _rest.StartsWith(am);
        if (!_pm && !_am)
        {
            return false;
        }

        _rest = _rest[2..];
        return true;
    }

    private bool ReadOffset(scoped ReadOnlySpan<char> form)
    {
        form = form[1..];
        if (_rest.Length < form.Length + 1 || _rest[0] is not ('+' or '-'))
        {
            return false;
        }

        Span<int> parts = [0, 0, 0];
        var part = 0;
        for (var i = 0; i < form.Length;)
        {
            if (form[i] == ':')
            {
                if (_rest[i + 1] != ':')
                {
                    return false;
                }

                i++;
                continue;
            }

            if (!char.IsAsciiDigit(_rest[i + 1]) || !char.IsAsciiDigit(_rest[i + 2]))
            {
                return false;
            }

            parts[part++] = ((_rest[i + 1] - '0') * 10) + _rest[i + 2] - '0';
            i += 2;
        }

        if (!InRange("time zone offset hour", parts[0] <= 24)
            || !InRange("time zone offset minute", parts[1] <= 60)
            || !InRange("time zone offset second", parts[2] <= 60))
        {
            return false;
        }

        var seconds = (parts[0] * 3600) + (parts[1] * 60) + parts[2];
        _offset = _rest[0] == '-' ? -seconds : seconds;
        _rest = _rest[(form.Length + 1)..];
        return true;
    }

    // An abbreviation without an offset is accepted and means UTC, but for GMT with a number.
    private bool ReadZoneName()
    {
        if (_rest.StartsWith("UTC"))
        {
            _rest = _rest[3..];
            _offset = 0;
            _zone = "UTC";
            return true;
        }

        var length = 0;
        while (length < _rest.Length && length < 6 && char.IsAsciiLetterUpper(_rest[length]))
        {
            length++;
        }

        if (_rest.StartsWith("GMT"))
        {
            return ReadGmt();
        }

        if (length == 0 && _rest.Length >= 3 && _rest[0] is '+' or '-')
        {
            return ReadSignedHours();
        }

        var valid = length switch
        {
            5 => _rest[4] == 'T',
            4 => _rest[3] == 'T' || _rest.StartsWith("WITA"),
            3 => true,
            _ => _rest.StartsWith("ChST") || _rest.StartsWith("MeST"),
        };
        if (!valid)
        {
            return false;
        }

        length = length is >= 3 and <= 5 ? length : 4;
        _zone = _rest[..length].ToString();
        _rest = _rest[length..];
        return true;
    }

    private bool ReadGmt()
    {
        _zone = "GMT";
        _rest = _rest[3..];
        return _rest.Length < 2 || _rest[0] is not ('+' or '-') || !char.IsAsciiDigit(_rest[1]) || ReadSignedHours();
    }

    private bool ReadSignedHours()
    {
        var length = 1;
        var hours = 0;
        while (length < _rest.Length && length < 4 && char.IsAsciiDigit(_rest[length]))
        {
            hours = (hours * 10) + _rest[length++] - '0';
        }

        if (length == 1 || hours > 23)
        {
            return false;
        }

        _offset = (_rest[0] == '-' ? -hours : hours) * 3600;
        _rest = _rest[length..];
        return true;
    }

    private bool TryDigits(int count, out int value)
    {
        value = 0;
        if (_rest.Length < count || _rest[..count].ContainsAnyExceptInRange('0', '9'))
        {
            return false;
        }

        foreach (var digit in _rest[..count])
        {
            value = (value * 10) + digit - '0';
        }

        _rest = _rest[count..];
        return true;
    }

    // One or two digits; two where it is fixed.
    private bool TryNumber(bool isFixed, out int value) =>
        TryDigits(2, out value) || (!isFixed && TryDigits(1, out value));

    private bool ReadName(string[] names, int length, out int index)
    {
        for (index = 0; index < names.Length; index++)
        {
            var name = names[index].AsSpan(0, Math.Min(length, names[index].Length));
            if (_rest.StartsWith(name, StringComparison.OrdinalIgnoreCase))
            {
                _rest = _rest[name.Length..];
                return true;
            }
        }

        return false;
    }

    private bool TryFinish(out CivilTime time, out string error)
    {
        time = default;
        error = $"parsing time \"{_value}\": day out of range";
        if (_pm && _hour < 12)
        {
            _hour += 12;
        }
        else if (_am && _hour == 12)
        {
            _hour = 0;
        }

        if (_yearDay >= 0 && !ApplyYearDay(ref error))
        {
            return false;
        }

        var month = _month < 0 ? 1 : _month;
        var day = _day < 0 ? 1 : _day;
        if (day < 1 || day > CivilTime.DaysIn(_year, month))
        {
            return false;
        }

        var offset = _offset ?? 0;
        var seconds = (CivilTime.ToDays(_year, month, day) * 86_400) + (_hour * 3600) + (_minute * 60) + _second - offset;
        time = new CivilTime(seconds, _nanosecond, offset, _zone);
        error = "";
        return true;
    }

    private bool ApplyYearDay(ref string error)
    {
        var leap = CivilTime.DaysIn(_year, 2) == 29;
        if (_yearDay < 1 || _yearDay > (leap ? 366 : 365))
        {
            error = $"parsing time \"{_value}\": day-of-year out of range";
            return false;
        }

        var (_, month, day) = new CivilTime((CivilTime.ToDays(_year, 1, 1) + _yearDay - 1) * 86_400, 0, 0, "").Date;
        if ((_month >= 0 && _month != month) || (_day >= 0 && _day != day))
        {
            error = $"parsing time \"{_value}\": day-of-year does not match " + (_month >= 0 && _month != month ? "month" : "day");
            return false;
        }

        (_month, _day) = (month, day);
        return true;
    }
}
