// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Builtins.Patterns;

namespace Coco.Rego.Tests.Builtins;

public sealed class PatternTests
{
    [Theory]
    [InlineData("", "", true)]
    [InlineData("^a$", "a\n", false)]
    [InlineData("(?m)^a$", "b\na\nc", true)]
    [InlineData("a.c", "a\nc", false)]
    [InlineData("(?s)a.c", "a\nc", true)]
    [InlineData("^.$", "😀", true)]
    [InlineData("^[^x]{2}$", "😀é", true)]
    [InlineData(@"^\d+$", "١٢", false)]
    [InlineData(@"\bé", "é", false)]
    [InlineData(@"^\w+$", "é", false)]
    [InlineData(@"^\pL+$", "éж", true)]
    [InlineData(@"^\p{Greek}+$", "αβγ", true)]
    [InlineData(@"^\p{^Greek}+$", "αβγ", false)]
    [InlineData(@"^[[:^alpha:]]+$", "123", true)]
    [InlineData("(?i)straSSe", "STRAsse", true)]
    [InlineData("(?i)^k$", "\u212a", true)]
    [InlineData("(?i)^[a-z]$", "ſ", true)]
    [InlineData(@"\Qa.b\E+", "a.bbb", true)]
    [InlineData(@"\x{1F600}", "😀", true)]
    [InlineData("a{,2}", "a{,2}", true)]
    [InlineData("[]a]", "]", true)]
    [InlineData("x*?y", "xxxy", true)]
    [InlineData("(?P<n>a)(?<m>b)", "ab", true)]
    [InlineData("(|a)+$", "aaa", true)]
    public void IsMatch_Re2Syntax_HasItsMeaning(string pattern, string text, bool expected)
    {
        Assert.True(Re2Regex.TryCompile(pattern, out var regex, out var error), error);
        long budget = 1_000_000;
        Assert.Equal(expected, regex.IsMatch(text, ref budget));
    }

    [Theory]
    [InlineData("++", "missing argument to repetition operator: `+`")]
    [InlineData("a**", "invalid nested repetition operator: `**`")]
    [InlineData("a(?=b)", "invalid or unsupported Perl syntax: `(?=`")]
    [InlineData("a(?!b)", "invalid or unsupported Perl syntax: `(?!`")]
    [InlineData(@"(a)\1", @"invalid escape sequence: `\1`")]
    [InlineData("[", "missing closing ]: `[`")]
    [InlineData("(a", "missing closing ): `(a`")]
    [InlineData("a)", "unexpected ): `a)`")]
    [InlineData("[b-a]", "invalid character class range: `b-a`")]
    [InlineData("a{1001}", "invalid repeat count: `{1001}`")]
    [InlineData("(a{100}){100}", "invalid repeat count: `{100}`")]
    [InlineData(@"\pX", @"invalid character class range: `\pX`")]
    [InlineData("(?P<n>a)(?P<n>b)", "duplicate capture group name: `n`")]
    [InlineData(@"a\", "trailing backslash at end of expression: ``")]
    public void TryCompile_NotRe2_IsRefused(string pattern, string expected)
    {
        Assert.False(Re2Regex.TryCompile(pattern, out _, out var error));
        Assert.Equal("error parsing regexp: " + expected, error);
    }

    [Theory]
    [InlineData("^(((((((((a*)*)*)*)*)*)*)*)*)*$")]
    [InlineData("^(a|a)*$")]
    [InlineData("^(a?){500}a{400}$")]
    public void IsMatch_PatternsThatMakeBacktrackersHang_EndsSoon(string pattern)
    {
        Assert.True(Re2Regex.TryCompile(pattern, out var regex, out var error), error);
        var budget = 100_000_000L;
        Assert.False(regex.IsMatch(new string('a', 2_000) + "!", ref budget));
    }

    [Theory]
    [InlineData("(?i)", @"\pL", "")]
    [InlineData("(?i)[", @"\pL", "]")]
    [InlineData("(?i)[", @"\x{0}-\x{10FFFF}", "]")]
    [InlineData("", "(a)", "")]
    [InlineData("", "(?:a{1000})", "")]
    public void TryCompile_PatternsThatGrow_AreCompiledOrRefusedWithoutMuchWork(string start, string part, string end)
    {
        var pattern = start + string.Concat(Enumerable.Repeat(part, 8_000 / part.Length)) + end;
        var before = GC.GetAllocatedBytesForCurrentThread();
        Re2Regex.TryCompile(pattern, out _, out _);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000_000);
    }

    [Fact]
    public void TryCompile_DeepNesting_IsRefused()
    {
        Assert.False(Re2Regex.TryCompile(new string('(', 20_000) + new string(')', 20_000), out _, out var error));
        Assert.Contains("nests too deeply", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("regex.find_n", """["a*", "baac", -1]""", """["", "aa", ""]""")]
    [InlineData("regex.find_n", """["a|ab", "ab", -1]""", """["a"]""")]
    [InlineData("regex.find_n", """["a+?", "aaa", 2]""", """["a", "a"]""")]
    [InlineData("regex.find_n", """["(?U)a+", "aaa", 1]""", """["a"]""")]
    [InlineData("regex.find_n", """["\\b", "ab cd", -1]""", """["", "", "", ""]""")]
    [InlineData("regex.find_all_string_submatch_n", """["(a)|(b)", "ab", -1]""", """[["a", "a", ""], ["b", "", "b"]]""")]
    [InlineData("regex.find_all_string_submatch_n", """["(a*)+", "b", -1]""", """[["", ""], ["", ""]]""")]
    [InlineData("regex.replace", """["abc", "(b)", "[$1]"]""", "\"a[b]c\"")]
    [InlineData("regex.replace", """["abc", "b", "$1x$$"]""", "\"a$c\"")]
    [InlineData("regex.replace", """["abc", "(?P<m>b)", "${m}${m}"]""", "\"abbc\"")]
    [InlineData("regex.replace", """["abc", "x*", "-"]""", "\"-a-b-c-\"")]
    [InlineData("regex.replace", """["😀😀", "", "-"]""", "\"-😀-😀-\"")]
    [InlineData("regex.split", """["", "ab"]""", """["a", "b"]""")]
    [InlineData("regex.split", """[",+", "a,,b,"]""", """["a", "b", ""]""")]
    [InlineData("regex.template_match", """["a.{[0-9]+}.b", "a.12.b", "{", "}"]""", "true")]
    [InlineData("regex.template_match", """["a.{[0-9]+}.b", "ax12.b", "{", "}"]""", "false")]
    [InlineData("regex.template_match", """["a{b", "a", "{", "}"]""", "eval_builtin_error: unbalanced braces in \"a{b\"")]
    [InlineData("regex.globs_match", """["a.a.[0-9]+z", "b.b.[0-9]+z"]""", "false")]
    [InlineData("regex.globs_match", """["a.*", ".b+"]""", "true")]
    [InlineData("regex.globs_match", """["a+", "b*"]""", "false")]
    [InlineData("glob.match", """["a/{b,c/*}/[!x]?", ["/"], "a/c/d/yz"]""", "true")]
    [InlineData("glob.match", """["*", ["/"], "a/b"]""", "false")]
    [InlineData("glob.match", """["**", ["/"], "a/b"]""", "true")]
    [InlineData("glob.match", """["\\*", null, "*"]""", "true")]
    [InlineData("glob.match", """["\\*", null, "a"]""", "false")]
    [InlineData("glob.match", """["[a", null, "a"]""", "eval_builtin_error: unexpected end of input")]
    public void Function_Pattern_GivesResult(string name, string arguments, string expected)
    {
        Assert.Equal(expected, BuiltinCall.ShowJson(name, arguments));
    }
}
