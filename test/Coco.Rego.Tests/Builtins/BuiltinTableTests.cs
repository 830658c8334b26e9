// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Functions;

namespace Coco.Rego.Tests.Builtins;

public sealed class BuiltinTableTests
{
    [Theory]
    [InlineData("sum", "[[1, 2.5]]", "3.5")]
    [InlineData("product", "[[2, 3]]", "6")]
    [InlineData("sum", """[["a"]]""", "eval_type_error: operand 1 must be array of numbers but got array containing string")]
    [InlineData("max", "[[]]", "undefined")]
    [InlineData("max", """[[1, "a", null]]""", "\"a\"")]
    [InlineData("sort", "[[3, 1, 2, 1]]", "[1, 1, 2, 3]")]
    [InlineData("count", """["åäö😀"]""", "4")]
    [InlineData("numbers.range", "[3, 1]", "[3, 2, 1]")]
    [InlineData("numbers.range", "[1.5, 2]", "eval_type_error: operand 1 must be integer number but got floating-point number")]
    [InlineData("numbers.range_step", "[0, 7, 3]", "[0, 3, 6]")]
    [InlineData("bits.lsh", "[9223372036854775807, 1]", "18446744073709551614")]
    [InlineData("bits.rsh", "[-5, 1]", "-3")]
    [InlineData("bits.negate", "[5]", "-6")]
    [InlineData("bits.lsh", "[1, -1]", "eval_type_error: operand 2 must be an unsigned integer number but got a negative integer")]
    [InlineData("format_int", "[-255.9, 16]", "\"-ff\"")]
    [InlineData("format_int", "[0, 2]", "\"0\"")]
    [InlineData("format_int", "[8, 8]", "\"10\"")]
    [InlineData("round", "[-2.5]", "-3")]
    [InlineData("array.slice", "[[1, 2, 3], -1, 2]", "[1, 2]")]
    [InlineData("array.slice", "[[1, 2, 3], 2, 1]", "[]")]
    [InlineData("array.flatten", "[[1, [2, [3]]]]", "[1, 2, [3]]")]
    [InlineData("object.get", """[{"a": [{"b": 1}]}, ["a", 0, "b"], 2]""", "1")]
    [InlineData("object.get", """[{"a": 1}, [], 2]""", """{"a": 1}""")]
    [InlineData("object.union", """[{"a": {"b": 1}, "c": 2}, {"a": {"d": 3}, "c": {}}]""", """{"a": {"b": 1, "d": 3}, "c": {}}""")]
    [InlineData("object.union_n", "[[]]", "{}")]
    [InlineData("object.remove", """[{"a": 1, "b": 2}, {"a": 9}]""", """{"b": 2}""")]
    [InlineData("object.filter", """[{"a": 1, "b": 2}, ["a"]]""", """{"a": 1}""")]
    [InlineData("object.subset", """[{"a": [1, 2, 3], "b": {"c": 1}}, {"a": [2, 3]}]""", "true")]
    [InlineData("object.subset", "[[1, 2, 3], [1, 3]]", "false")]
    [InlineData("json.patch", """[{"a": [1, 2]}, [{"op": "add", "path": "/a/-", "value": 3}]]""", """{"a": [1, 2, 3]}""")]
    [InlineData("json.patch", """[{"a": 1}, [{"op": "move", "from": "a", "path": "b"}]]""", """{"b": 1}""")]
    [InlineData("json.patch", """[{"a": 1}, [{"op": "test", "path": "a", "value": 2}]]""", "undefined")]
    [InlineData("json.patch", """[{"a": [1]}, [{"op": "add", "path": "a/01", "value": 2}]]""", "undefined")]
    [InlineData("json.patch", """[{"a~b": {"c/d": 1}}, [{"op": "replace", "path": "/a~0b/c~1d", "value": 2}]]""", """{"a~b": {"c/d": 2}}""")]
    [InlineData("to_number", """["+1.5e2"]""", "150")]
    [InlineData("to_number", """["."]""", "eval_builtin_error: strconv.ParseFloat: parsing \".\": invalid syntax")]
    [InlineData("units.parse", """["1.5Ki"]""", "1536")]
    [InlineData("units.parse", """["3m"]""", "0.003")]
    [InlineData("units.parse", """["3Mb"]""", "eval_builtin_error: unit Mb not recognized")]
    [InlineData("units.parse_bytes", """["1.1KiB"]""", "1126")]
    [InlineData("semver.compare", """["1.0.0-alpha.2", "1.0.0-alpha.10"]""", "-1")]
    [InlineData("semver.compare", """["1.0.0-alpha", "1.0.0"]""", "-1")]
    [InlineData("semver.is_valid", """["1.0.01"]""", "false")]
    [InlineData("semver.is_valid", """["1.0.0-a..b"]""", "false")]
    [InlineData("graph.reachable", """[{"a": ["b"], "b": ["a", "x"]}, ["a"]]""", """{"a", "b"}""")]
    [InlineData("net.cidr_expand", """["192.0.2.1/31"]""", """{"192.0.2.0", "192.0.2.1"}""")]
    [InlineData("net.cidr_contains", """["::ffff:10.0.0.0/104", "10.1.2.3"]""", "eval_builtin_error: invalid CIDR address: ::ffff:10.0.0.0/104")]
    [InlineData("net.cidr_contains", """["10.0.0.0/8", "010.0.0.1"]""", "eval_builtin_error: not a valid textual representation of an IP address or CIDR: 010.0.0.1")]
    [InlineData("net.cidr_is_valid", """["10.0.0.0/08"]""", "false")]
    [InlineData("net.cidr_merge", """[["10.0.0.1"]]""", """{"10.0.0.0/8"}""")]
    [InlineData("base64url.decode", """["_-8"]""", "\"\ufffd\ufffd\"")]
    [InlineData("hex.decode", """["0g"]""", "eval_builtin_error: encoding/hex: invalid byte: 'g'")]
    [InlineData("urlquery.encode", """["a b&ü"]""", "\"a+b%26%C3%BC\"")]
    [InlineData("urlquery.decode", """["%zz"]""", "eval_builtin_error: invalid URL escape \"%zz\"")]
    [InlineData("json.marshal", """[{"b": "<&>\u2028", "a": [1.50, 2e3]}]""", "\"{\\\"a\\\":[1.5,2000],\\\"b\\\":\\\"\\\\u003c\\\\u0026\\\\u003e\\\\u2028\\\"}\"")]
    [InlineData("json.unmarshal", """["{\"a\":1,\"a\":2}"]""", """{"a": 2}""")]
    [InlineData("yaml.unmarshal", """["a: &x [1, 0x10, ~, 1.5]\nb: *x\nc: 'no'"]""", """{"a": [1, 16, null, 1.5], "b": [1, 16, null, 1.5], "c": "no"}""")]
    [InlineData("yaml.marshal", """[{"a": [{"b": 1, "c": "x: y"}, []], "d": {}, "e": "true", "f": ""}]""", "\"a:\\n- b: 1\\n  c: \\\"x: y\\\"\\n- []\\nd: {}\\ne: \\\"true\\\"\\nf: \\\"\\\"\\n\"")]
    [InlineData("uuid.parse", """["urn:uuid:00000000-0000-4000-c000-000000000000"]""", """{"variant": "Microsoft", "version": 4}""")]
    [InlineData("uuid.parse", """["nope"]""", "undefined")]
    public void Function_Arguments_GivesResult(string name, string arguments, string expected)
    {
        Assert.Equal(expected, BuiltinCall.ShowJson(name, arguments));
    }

    [Fact]
    public void Names_AllTiers_ArePresent()
    {
        string[] tiers =
        [
            "print", "count", "concat", "sprintf", "regex.match", "to_number", "base64url.encode", "bits.and", "object.union_n",
            "object.subset", "json.unmarshal", "time.parse_rfc3339_ns", "time.now_ns", "glob.match", "regex.globs_match", "io.jwt.decode_verify",
            "io.jwt.verify_eddsa", "io.jwt.encode_sign_raw", "crypto.x509.parse_and_verify_certificates_with_options", "yaml.marshal",
            "json.match_schema", "graph.reachable_paths", "strings.render_template", "net.cidr_merge", "uuid.parse", "walk", "trace",
        ];
        Assert.DoesNotContain(tiers, static name => BuiltinTable.Find(name) is null);
    }

    [Theory]
    [InlineData("time.now_ns", RegoGrants.Clock)]
    [InlineData("rand.intn", RegoGrants.Random)]
    [InlineData("uuid.rfc4122", RegoGrants.Random)]
    [InlineData("net.lookup_ip_addr", RegoGrants.NameResolution)]
    [InlineData("http.send", RegoGrants.Http)]
    [InlineData("opa.runtime", RegoGrants.Runtime)]
    public void Requires_OutsideWorld_NeedsGrant(string name, RegoGrants grant)
    {
        Assert.Equal(grant, BuiltinTable.Find(name)!.Requires);
    }

    [Theory]
    [InlineData("numbers.range", "[1, 100000000000]", RegoLimit.Values)]
    [InlineData("net.cidr_expand", """["::/0"]""", RegoLimit.Values)]
    [InlineData("sprintf", """["%1000000d%1000000d%1000000d%1000000d%1000000d", [1, 1, 1, 1, 1]]""", RegoLimit.Output)]
    [InlineData("regex.match", """["(a*)*$", "PAYLOAD"]""", RegoLimit.Steps)]
    public void Function_HostileArguments_EndsWithLimit(string name, string arguments, RegoLimit expected)
    {
        arguments = arguments.Replace("PAYLOAD", new string('a', 4_000_000) + "!", StringComparison.Ordinal);
        var thrown = Assert.Throws<RegoLimitException>(() => BuiltinCall.ShowJson(name, arguments));
        Assert.Equal(expected, thrown.Limit);
    }

    [Fact]
    public void Replace_ManyOccurrences_EndsWithLimitBeforeAllocating()
    {
        var thrown = Assert.Throws<RegoLimitException>(() => BuiltinCall.Show("replace", new string('a', 100_000), "a", new string('b', 100_000)));
        Assert.Equal(RegoLimit.Output, thrown.Limit);
    }

    [Fact]
    public void RandIntn_EqualArguments_GiveEqualNumbers()
    {
        var context = new BuiltinContext(RegoLimits.Default, RegoHost.Default, CancellationToken.None);
        var random = BuiltinTable.Find("rand.intn")!.Function;
        var first = random(context, ["key", 1_000_000_000]);
        Assert.Equal(first, random(context, ["key", 1_000_000_000]));
        Assert.NotEqual(first, random(context, ["other", 1_000_000_000]));
        Assert.Equal(RegoNumber.Zero, random(context, ["key", 0]));
    }

    [Fact]
    public void LookupIpAddr_Host_IsAskedOnce()
    {
        var asked = 0;
        var host = new RegoHost { LookupAddresses = _ => [$"192.0.2.{++asked}"] };
        var context = new BuiltinContext(RegoLimits.Default, host, CancellationToken.None);
        var lookup = BuiltinTable.Find("net.lookup_ip_addr")!.Function;
        Assert.Equal(lookup(context, ["example.com"]), lookup(context, ["example.com"]));
        Assert.Equal(1, asked);
    }
}
