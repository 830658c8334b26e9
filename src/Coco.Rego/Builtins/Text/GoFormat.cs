// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Numerics;
using System.Text;
using Coco.Rego.Functions;

namespace Coco.Rego.Builtins.Text;

/// <summary>
/// The verbs of Go's <c>Sprintf</c>. An integer is an integer of any size, another number a float, a string itself;
/// anything else is the string of its Rego notation.
/// </summary>
internal ref struct GoFormat
{
    private const int MaxWidth = 1_000_000;

    private static readonly BigInteger MinInt = long.MinValue;
    private static readonly BigInteger MaxInt = long.MaxValue;

    private readonly BuiltinContext _context;
    private readonly string _format;
    private readonly RegoArray _arguments;
    private readonly StringBuilder _result = new();
    private int _position;
    private int _argument;
    private bool _reordered;
    private bool _goodIndex;
    private bool _afterIndex;

    private bool _plus;
    private bool _minus;
    private bool _sharp;
    private bool _space;
    private bool _zero;
    private int? _width;
    private int? _precision;

    private GoFormat(BuiltinContext context, string format, RegoArray arguments)
    {
        _context = context;
        _format = format;
        _arguments = arguments;
    }

    public static RegoValue Format(BuiltinContext context, string format, RegoArray arguments)
    {
        var formatter = new GoFormat(context, format, arguments);
        formatter.Run();
        return context.Output(formatter._result.ToString());
    }

    private void Run()
    {
        while (_position < _format.Length)
        {
            var percent = _format.IndexOf('%', _position);
            if (percent < 0)
            {
                percent = _format.Length;
            }

            _result.Append(_format, _position, percent - _position);
            _context.ChargeOutput(_result.Length);
            if (percent == _format.Length)
            {
                break;
            }

            _position = percent + 1;
            Directive();
        }

        if (!_reordered && _argument < _arguments.Count)
        {
            Extra();
        }
    }

    private void Extra()
    {
        _result.Append("%!(EXTRA ");
        for (var i = _argument; i < _arguments.Count; i++)
        {
            if (i > _argument)
            {
                _result.Append(", ");
            }

            _result.Append(TypeOf(_arguments[i])).Append('=');
            Reset();
            Value(_arguments[i], 'v');
        }

        _result.Append(')');
    }

    private void Reset()
    {
        _plus = _minus = _sharp = _space = _zero = false;
        _width = null;
        _precision = null;
    }

    private void Directive()
    {
        Reset();
        _goodIndex = true;
        _afterIndex = false;
        Flags();
        Index();
        Width();
        Precision();
        if (!_afterIndex)
        {
            Index();
        }

        if (_position >= _format.Length)
        {
            _result.Append("%!(NOVERB)");
            return;
        }

        Rune.DecodeFromUtf16(_format.AsSpan(_position), out var verb, out var width);
        _position += width;
        if (verb.Value == '%')
        {
            _result.Append('%');
        }
        else if (!_goodIndex)
        {
            _result.Append("%!").Append(verb.ToString()).Append("(BADINDEX)");
        }
        else if (_argument >= _arguments.Count)
        {
            _result.Append("%!").Append(verb.ToString()).Append("(MISSING)");
        }
        else
        {
            Value(_arguments[_argument++], verb.Value);
        }
    }

    private void Flags()
    {
        for (; _position < _format.Length; _position++)
        {
            switch (_format[_position])
            {
                case '+':
                    _plus = true;
                    break;
                case '-':
                    _minus = true;
                    break;
                case '#':
                    _sharp = true;
                    break;
                case ' ':
                    _space = true;
                    break;
                case '0':
                    _zero = true;
                    break;
                default:
                    return;
            }
        }
    }

    // [n] chooses the argument, counted from 1.
    private void Index()
    {
        if (_position >= _format.Length || _format[_position] != '[')
        {
            return;
        }

        _reordered = true;
        var close = _format.IndexOf(']', _position);
        var text = close < 0 ? default : _format.AsSpan((_position + 1)..close);
        _position = close < 0 ? _position + 1 : close + 1;
        if (close >= 0
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && index >= 1 && index <= _arguments.Count)
        {
            _argument = index - 1;
            _afterIndex = true;
        }
        else
        {
            _goodIndex = false;
        }
    }

    private void Width()
    {
        if (_position < _format.Length && _format[_position] == '*')
        {
            _position++;
            _width = IntegerArgument();
            if (_width is null)
            {
                _result.Append("%!(BADWIDTH)");
            }
            else if (_width < 0)
            {
                _width = -_width;
                _minus = true;
            }

            _afterIndex = false;
            return;
        }

        _width = Number();
        if (_width is not null && _afterIndex)
        {
            _goodIndex = false;
        }
    }

    private void Precision()
    {
        if (_position >= _format.Length || _format[_position] != '.')
        {
            return;
        }

        _position++;
        if (_afterIndex)
        {
            _goodIndex = false;
        }

        Index();
        if (_position < _format.Length && _format[_position] == '*')
        {
            _position++;
            _precision = IntegerArgument();
            if (_precision is null or < 0)
            {
                _precision = null;
                _result.Append("%!(BADPREC)");
            }

            _afterIndex = false;
            return;
        }

        _precision = Number() ?? 0;
    }

    private int? IntegerArgument()
    {
        if (_argument >= _arguments.Count)
        {
            return null;
        }

        return _arguments[_argument++] is RegoNumber number && number.TryGetInt32(out var value) && Math.Abs((long)value) <= MaxWidth ? value : null;
    }

    private int? Number()
    {
        var start = _position;
        var value = 0;
        while (_position < _format.Length && char.IsAsciiDigit(_format[_position]))
        {
            value = Math.Min((value * 10) + _format[_position++] - '0', MaxWidth + 1);
        }

        return _position == start || value > MaxWidth ? null : value;
    }

    private static string TypeOf(RegoValue value) => value switch
    {
        RegoNumber { IsWrittenScientific: false } number when number.TryGetInteger(out var integer) => integer >= MinInt && integer <= MaxInt ? "int" : "*big.Int",
        RegoNumber number when double.IsFinite(number.ToDouble()) => "float64",
        _ => "string",
    };

    private void Value(RegoValue value, int verb)
    {
        if (verb == 'T')
        {
            Text(TypeOf(value), 's');
            return;
        }

        if (value is not RegoNumber number)
        {
            Text(value.ToDisplayString(), verb);
        }
        else if (!number.IsWrittenScientific && number.TryGetInteger(out var integer))
        {
            Integer(integer, verb);
        }
        else
        {
            var real = number.ToDouble();
            if (double.IsFinite(real))
            {
                Real(real, verb);
            }
            else
            {
                Text(number.ToText(), verb);
            }
        }
    }

    private void Bad(int verb, string type, string shown) =>
        _result.Append("%!").Append(char.ConvertFromUtf32(verb)).Append('(').Append(type).Append('=').Append(shown).Append(')');

    private void Text(string text, int verb)
    {
        switch (verb)
        {
            case 'v' when _sharp:
                Pad(GoQuote.Quote(text, ascii: false));
                break;
            case 'v' or 's':
                Pad(Truncated(text));
                break;
            case 'q':
                text = Truncated(text);
                Pad(_sharp && GoQuote.CanBackquote(text) ? "`" + text + "`" : GoQuote.Quote(text, ascii: _plus));
                break;
            case 'x' or 'X':
                Pad(Hex(text, upper: verb == 'X'));
                break;
            default:
                Bad(verb, "string", text);
                break;
        }
    }

    private readonly string Truncated(string text) =>
        _precision is { } count ? text[..CodePoints.IndexOf(text, count)] : text;

    private readonly string Hex(string text, bool upper)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (_precision is { } count && count < bytes.Length)
        {
            bytes = bytes[..count];
        }

        var digits = upper ? Convert.ToHexString(bytes) : Convert.ToHexStringLower(bytes);
        var prefix = _sharp && bytes.Length > 0 ? (upper ? "0X" : "0x") : "";
        if (!_space)
        {
            return prefix + digits;
        }

        var spaced = new StringBuilder();
        for (var i = 0; i < digits.Length; i += 2)
        {
            spaced.Append(i > 0 ? " " : "").Append(prefix).Append(digits, i, 2);
        }

        return spaced.ToString();
    }

    private readonly void Pad(string text)
    {
        var missing = (_width ?? 0) - CodePoints.Count(text);
        _context.ChargeOutput(_result.Length + text.Length + (long)Math.Max(0, missing));
        if (missing <= 0)
        {
            _result.Append(text);
        }
        else if (_minus)
        {
            _result.Append(text).Append(' ', missing);
        }
        else
        {
            _result.Append(_zero ? '0' : ' ', missing).Append(text);
        }
    }

    private void Integer(BigInteger value, int verb)
    {
        var isSmall = value >= MinInt && value <= MaxInt;
        switch (verb)
        {
            case 'v' or 'd':
                Digits(value, 10, verb);
                break;
            case 's' when !isSmall:
                Digits(value, 10, verb);
                break;
            case 'b':
                Digits(value, 2, verb);
                break;
            case 'o' or 'O':
                Digits(value, 8, verb);
                break;
            case 'x' or 'X':
                Digits(value, 16, verb);
                break;
            case 'c' when isSmall:
                Pad(char.ConvertFromUtf32(Scalar(value)));
                break;
            case 'q' when isSmall:
                Pad(GoQuote.QuoteRune(Scalar(value), ascii: _plus));
                break;
            case 'U' when isSmall:
                Unicode(value);
                break;
            default:
                Bad(verb, isSmall ? "int" : "*big.Int", value.ToString(CultureInfo.InvariantCulture));
                break;
        }
    }

    private static int Scalar(BigInteger value) =>
        value >= 0 && value <= 0x10FFFF && Rune.IsValid((int)value) ? (int)value : Rune.ReplacementChar.Value;

    private readonly void Unicode(BigInteger value)
    {
        var digits = NumberBuiltins.Digits(value, 16).ToUpperInvariant().PadLeft(Math.Max(4, _precision ?? 4), '0');
        var text = "U+" + digits;
        if (_sharp && value >= 0 && value <= 0x10FFFF && Rune.IsValid((int)value) && GoQuote.IsPrintable((int)value))
        {
            text += " '" + char.ConvertFromUtf32((int)value) + "'";
        }

        var missing = Math.Max(0, (_width ?? 0) - text.Length);
        _context.ChargeOutput(_result.Length + (long)missing);
        _result.Append(_minus ? "" : new string(' ', missing)).Append(text).Append(_minus ? new string(' ', missing) : "");
    }

    private void Digits(BigInteger value, int basis, int verb)
    {
        var negative = value.Sign < 0;
        var digits = NumberBuiltins.Digits(BigInteger.Abs(value), basis);
        if (verb == 'X')
        {
            digits = digits.ToUpperInvariant();
        }

        var sign = negative ? "-" : _plus ? "+" : _space ? " " : "";
        if (_precision is { } precision)
        {
            if (precision == 0 && value.IsZero)
            {
                _zero = false;
                Pad("");
                return;
            }

            _context.ChargeOutput(_result.Length + (long)precision);
            digits = digits.PadLeft(precision, '0');
        }
        else if (_zero && !_minus && _width is { } width)
        {
            _context.ChargeOutput(_result.Length + (long)width);
            digits = digits.PadLeft(width - sign.Length, '0');
        }

        var prefix = verb == 'O' ? "0o" : !_sharp ? "" : basis switch
        {
            2 => "0b",
            8 => digits.StartsWith('0') ? "" : "0",
            16 => verb == 'X' ? "0X" : "0x",
            _ => "",
        };
        _zero = false;
        Pad(sign + prefix + digits);
    }

    private void Real(double value, int verb)
    {
        string body;
        switch (verb)
        {
            case 'v':
                body = General(value, -1, 'e');
                break;
            case 'g' or 'G':
                body = General(value, _precision ?? -1, verb == 'g' ? 'e' : 'E');
                break;
            case 'e' or 'E':
                body = Scientific(GoFloat.Significant(value, Checked(_precision ?? 6) + 1), (char)verb);
                break;
            case 'f' or 'F':
                body = Plain(GoFloat.Fixed(value, Checked(_precision ?? 6)), Checked(_precision ?? 6));
                break;
            case 'b':
                body = Binary(value);
                break;
            case 'x' or 'X':
                body = HexFloat.Format(value, _precision ?? -1, verb == 'X');
                break;
            default:
                Bad(verb, "float64", Signed(value, General(value, -1, 'e')));
                return;
        }

        var sign = double.IsNegative(value) ? "-" : _plus ? "+" : _space ? " " : "";
        if (_zero && !_minus && _width is { } width && width > sign.Length + body.Length)
        {
            _context.ChargeOutput(_result.Length + (long)width);
            _zero = false;
            Pad(sign + body.PadLeft(width - sign.Length, '0'));
            return;
        }

        Pad(sign + body);
    }

    private static string Signed(double value, string body) => double.IsNegative(value) ? "-" + body : body;

    // The work grows with the square of the digits asked for.
    private readonly int Checked(int digits)
    {
        _context.ChargeOutput(_result.Length + (long)digits);
        _context.Charge((long)digits * digits / 4096);
        return digits;
    }

    private readonly string General(double value, int precision, char exponent)
    {
        GoFloat digits;
        int limit;
        if (precision < 0)
        {
            digits = GoFloat.Shortest(value);
            limit = 6;
        }
        else
        {
            limit = precision == 0 ? 1 : precision;
            digits = GoFloat.Significant(value, Checked(limit));
            var trimmed = _sharp ? digits.Digits : digits.Digits.TrimEnd('0');
            digits = digits with { Digits = trimmed.Length == 0 ? "0" : trimmed };
            if (limit > digits.Digits.Length && digits.Digits.Length >= digits.Point)
            {
                limit = digits.Digits.Length;
            }
        }

        var scale = digits.Point - 1;
        if (scale < -4 || scale >= limit)
        {
            return Scientific(digits, exponent);
        }

        return Plain(digits, Math.Max(0, digits.Digits.Length - digits.Point));
    }

    private static string Scientific(GoFloat number, char letter)
    {
        var exponent = number.Point - 1;
        return number.Digits[..1]
            + (number.Digits.Length > 1 ? "." + number.Digits[1..] : "")
            + letter
            + (exponent < 0 ? '-' : '+')
            + Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture);
    }

    private static string Plain(GoFloat number, int decimals)
    {
        var whole = number.Point <= 0 ? "0" : number.Digits.PadRight(number.Point, '0')[..number.Point];
        if (decimals == 0)
        {
            return whole;
        }

        var fraction = number.Point <= 0
            ? new string('0', -number.Point) + number.Digits
            : number.Digits.Length > number.Point ? number.Digits[number.Point..] : "";
        return whole + "." + fraction.PadRight(decimals, '0')[..decimals];
    }

    private static string Binary(double value)
    {
        var (mantissa, exponent) = GoFloat.Binary(value);
        return mantissa.ToString(CultureInfo.InvariantCulture) + "p" + (exponent >= 0 ? "+" : "-") + Math.Abs(exponent).ToString(CultureInfo.InvariantCulture);
    }
}
