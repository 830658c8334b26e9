// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Builtins.Time;

/// <summary>The rule for times behind the last transition of a zone file, such as <c>PST8PDT,M3.2.0,M11.1.0</c>.</summary>
internal sealed class PosixZoneRule
{
    private readonly string _text;
    private readonly (int Offset, string Name) _standard;
    private readonly (int Offset, string Name)? _daylight;
    private readonly Change _start;
    private readonly Change _end;
    private int _position;

    private PosixZoneRule(string text)
    {
        _text = text;
        var name = Name();
        _standard = (-Time(), name);
        if (_position >= text.Length)
        {
            return;
        }

        name = Name();
        _daylight = (_standard.Offset + 3600, name);
        if (_position < text.Length && text[_position] != ',')
        {
            _daylight = (-Time(), name);
        }

        _start = NextChange();
        _end = NextChange();
    }

    private enum ChangeKind : byte
    {
        JulianWithoutLeapDay,
        DayOfYear,
        WeekdayOfMonth,
    }

    public static PosixZoneRule? TryParse(string text)
    {
        if (text.Length is 0 or > 256)
        {
            return null;
        }

        try
        {
            return new PosixZoneRule(text);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    public (int Offset, string Name) At(long unixSeconds)
    {
        if (_daylight is not { } daylight)
        {
            return _standard;
        }

        var (year, _, _) = new CivilTime(unixSeconds, 0, _standard.Offset, "").Date;
        var start = Instant(year, _start) - _standard.Offset;
        var end = Instant(year, _end) - daylight.Offset;
        var inDaylight = start < end
            ? unixSeconds >= start && unixSeconds < end
            : unixSeconds >= start || unixSeconds < end;
        return inDaylight ? daylight : _standard;
    }

    private static long Instant(long year, Change change)
    {
        long days;
        switch (change.Kind)
        {
            case ChangeKind.JulianWithoutLeapDay:
                days = CivilTime.ToDays(year, 1, 1) + change.Day - 1;
                if (CivilTime.DaysIn(year, 2) == 29 && change.Day >= 60)
                {
                    days++;
                }

                break;
            case ChangeKind.DayOfYear:
                days = CivilTime.ToDays(year, 1, 1) + change.Day;
                break;
            default:
                var first = CivilTime.ToDays(year, change.Month, 1);
                var weekday = (int)((((first + 4) % 7) + 7) % 7);
                var day = ((change.Day - weekday + 7) % 7) + ((change.Week - 1) * 7);
                while (day >= CivilTime.DaysIn(year, change.Month))
                {
                    day -= 7;
                }

                days = first + day;
                break;
        }

        return (days * 86_400) + change.Seconds;
    }

    private string Name()
    {
        var start = _position;
        if (_position < _text.Length && _text[_position] == '<')
        {
            var end = _text.IndexOf('>', start);
            if (end < 0)
            {
                throw new FormatException();
            }

            _position = end + 1;
            return _text[(start + 1)..end];
        }

        while (_position < _text.Length && char.IsAsciiLetter(_text[_position]))
        {
            _position++;
        }

        return _position - start >= 3 ? _text[start.._position] : throw new FormatException();
    }

    // [+-]hh[:mm[:ss]] in seconds.
    private int Time()
    {
        var sign = 1;
        if (_position < _text.Length && _text[_position] is '+' or '-')
        {
            sign = _text[_position] == '-' ? -1 : 1;
            _position++;
        }

        var seconds = Number() * 3600;
        for (var unit = 60; unit >= 1 && _position < _text.Length && _text[_position] == ':'; unit /= 60)
        {
            _position++;
            seconds += Number() * unit;
        }

        return sign * seconds;
    }

    private int Number()
    {
        var start = _position;
        var value = 0;
        while (_position < _text.Length && char.IsAsciiDigit(_text[_position]) && _position - start < 4)
        {
            value = (value * 10) + _text[_position++] - '0';
        }

        return _position > start ? value : throw new FormatException();
    }

    private Change NextChange()
    {
        Expect(',');
        var kind = ChangeKind.DayOfYear;
        int month = 0, week = 0, day;
        if (_position < _text.Length && _text[_position] == 'M')
        {
            _position++;
            kind = ChangeKind.WeekdayOfMonth;
            month = Number();
            Expect('.');
            week = Number();
            Expect('.');
            day = Number();
            if (month is < 1 or > 12 || week is < 1 or > 5 || day > 6)
            {
                throw new FormatException();
            }
        }
        else
        {
            if (_position < _text.Length && _text[_position] == 'J')
            {
                _position++;
                kind = ChangeKind.JulianWithoutLeapDay;
            }

            day = Number();
        }

        var seconds = 7200;
        if (_position < _text.Length && _text[_position] == '/')
        {
            _position++;
            seconds = Time();
        }

        return new Change(kind, month, week, day, seconds);
    }

    private void Expect(char c)
    {
        if (_position >= _text.Length || _text[_position] != c)
        {
            throw new FormatException();
        }

        _position++;
    }

    private readonly record struct Change(ChangeKind Kind, int Month, int Week, int Day, int Seconds);
}
