// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Tests.Builtins;

public sealed class TextTests
{
    [Theory]
    [InlineData("%d|%5d|%-5d|%05d|%+d", "[1, 2, 3, 4, 5]", "1|    2|3    |00004|+5")]
    [InlineData("%x %X %#x %o %b %c %U %q", "[255, 255, 255, 8, 5, 65, 9731, 65]", "ff FF 0xff 10 101 A U+2603 'A'")]
    [InlineData("%s %v %q %x", """["a", "b", "c\n", "hi"]""", "a b \"c\\n\" 6869")]
    [InlineData("%v %v", """[{"a": [1, null]}, true]""", "{\"a\": [1, null]} true")]
    [InlineData("%.2f %8.3f %-8.1f| %e %g %G", "[3.14159, 2.5, 2.25, 12345.6789, 0.00001, 1234567.5]", "3.14    2.500 2.2     | 1.234568e+04 1e-05 1.2345675E+06")]
    [InlineData("%v %.0f %.1f", "[0.1, 2.5, 0.25]", "0.1 2 0.2")]
    [InlineData("%d %s %t", """["x", 5, "y"]""", "%!d(string=x) %!s(int=5) %!t(string=y)")]
    [InlineData("%d", "[1.5]", "%!d(float64=1.5)")]
    [InlineData("%s", "[]", "%!s(MISSING)")]
    [InlineData("a", "[1, \"b\"]", "a%!(EXTRA int=1, string=b)")]
    [InlineData("%", "[]", "%!(NOVERB)")]
    [InlineData("%%", "[]", "%")]
    [InlineData("%[2]d %[1]d", "[1, 2]", "2 1")]
    [InlineData("%[5]d", "[1]", "%!d(BADINDEX)")]
    [InlineData("%*d", "[4, 7]", "   7")]
    [InlineData("%.*f", "[2, 1.239]", "1.24")]
    [InlineData("%6.2f%%", "[99.5]", " 99.50%")]
    [InlineData("%s %d", "[123456789123456789123, 123456789123456789123]", "123456789123456789123 123456789123456789123")]
    [InlineData("%5s|%-5s|%.2s", """["é", "é", "😀bc"]""", "    é|é    |😀b")]
    [InlineData("%T", "[1]", "int")]
    [InlineData("% d", "[5]", " 5")]
    [InlineData("%x", "[1.5]", "0x1.8p+00")]
    public void Sprintf_Verbs_AreGos(string format, string arguments, string expected)
    {
        Assert.Equal(RegoString.Of(expected).ToString(), BuiltinCall.Show("sprintf", format, RegoValue.ParseJson(arguments).Require()));
    }

    [Theory]
    [InlineData("strings.replace_n", """[{"f": "x", "foo": "xxx"}, "foo"]""", "\"xoo\"")]
    [InlineData("strings.replace_n", """[{"": "-"}, "ab"]""", "\"-a-b-\"")]
    [InlineData("strings.reverse", """["a😀b"]""", "\"b😀a\"")]
    [InlineData("strings.count", """["aaa", ""]""", "4")]
    [InlineData("substring", """["😀bc", 1, 1]""", "\"b\"")]
    [InlineData("substring", """["abc", 5, 1]""", "\"\"")]
    [InlineData("indexof_n", """["ababab", "ab"]""", "[0, 2, 4]")]
    [InlineData("indexof", """["abc", ""]""", "eval_builtin_error: empty search character")]
    [InlineData("replace", """["ab", "", "-"]""", "\"-a-b-\"")]
    [InlineData("trim_left", """["xxaxx", "x"]""", "\"axx\"")]
    [InlineData("trim_space", """["\u00a0 a\t\n"]""", "\"a\"")]
    [InlineData("upper", """["straße"]""", "\"STRAßE\"")]
    [InlineData("concat", """["", [1]]""", "eval_type_error: operand 2 must be array of strings but got array containing number")]
    [InlineData("strings.render_template", """["{{range $k, $v := .m}}{{$k}}={{$v}};{{end}}", {"m": {"a": 1, "b": true}}]""", "\"a=1;b=true;\"")]
    [InlineData("strings.render_template", """["{{if eq .a 1}}one{{else if gt .a 1}}many{{else}}none{{end}}", {"a": 2}]""", "\"many\"")]
    [InlineData("strings.render_template", """["{{with .x}}{{.y}}{{end -}}  !{{printf \"%03d\" .n | printf \"<%s>\"}}", {"x": {"y": "z"}, "n": 7}]""", "\"z!<007>\"")]
    [InlineData("strings.render_template", """["{{index .l 1}}{{len .l}}{{not .q}}", {"l": [1, 2]}]""", "\"22true\"")]
    [InlineData("strings.render_template", """["{{call .f}}", {}]""", "eval_builtin_error: template: function \"call\" not defined")]
    [InlineData("strings.render_template", """["{{if .a}}", {}]""", "eval_builtin_error: template: unexpected EOF")]
    public void Function_Strings_GivesResult(string name, string arguments, string expected)
    {
        Assert.Equal(expected, BuiltinCall.ShowJson(name, arguments));
    }
}
