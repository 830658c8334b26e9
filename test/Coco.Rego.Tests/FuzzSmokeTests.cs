// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Syntax;

namespace Coco.Rego.Tests;

/// <summary>Seeded mutations of sources: whatever comes, parser, compiler, formatter and evaluator answer.</summary>
public sealed class FuzzSmokeTests
{
    private static readonly string[] Words =
    [
        "if", "else", "not", "some", "in", "every", "with", "as", "contains", "default", "import", "package", "{", "}", "[", "]", "(", ")", "|", "&", "-", "+", "*", "/", "%",
        ":=", "=", "==", "!=", "<", ">=", ".", ",", ";", ":", "\n", " ", "\"", "`", "$\"", "{x}", "x", "_", "p", "data", "input", "data.test", "1", "-1", "1e999", "0.1", "null",
        "true", "set()", "[_]", "p(x)", "count(x)", "sprintf(\"%v\", [x])", "walk(input)", "input[x]", "numbers.range(1, 9)", "x := 1", "\\", "#", "\u0000", "é", "\ud800",
    ];

    private static readonly RegoValue Input = Policies.Json("""{"xs":[1,"a",null,{"k":[true]}],"x":{"a":1},"s":"text"}""");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void MutatedSources_AnySeed_NeverThrowNorHang(ulong seed)
    {
        string[] corpus = [.. Corpus.Modules().Where(static m => m.Length < 3000)];
        var random = new Xorshift(seed);
        var limits = new RegoLimits(MaxSteps: 20_000, MaxValues: 20_000, MaxOutputLength: 100_000);
        int compiled = 0;
        for (int round = 0; round < 4_000; round++)
        {
            string source = Mutate(corpus[random.Next(corpus.Length)], corpus, random);
            RegoCompilation compilation = new RegoCompiler(new RegoCompileOptions { Grants = RegoGrants.Clock }).Add("f.rego", source).Compile();
            Assert.True(compilation.Program is not null || compilation.Errors.Length > 0);
            RegoFormatter.Format(source, "f.rego").TryGet(out _, out _);
            if (compilation.Program is not { } program)
            {
                continue;
            }

            compiled++;
            RegoEvaluation evaluation = program.Evaluate("data", new RegoRequest { Input = Input, Limits = limits, Explain = round % 4 == 0 });
            Assert.True(evaluation.Fault?.Code != RegoErrorCodes.Internal, evaluation.Fault + "\n" + source);
        }

        Assert.True(compiled > 10, $"only {compiled} compiled");
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void RandomTokens_AnySeed_NeverThrow(ulong seed)
    {
        var random = new Xorshift(seed);
        for (int round = 0; round < 20_000; round++)
        {
            string source = "package test\n" + string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => Words[random.Next(Words.Length)] + (random.Next(2) == 0 ? " " : string.Empty)));

            ParseOutcome outcome = Parser.ParseModule("f.rego", source, RegoVersion.V1OrV0, 100_000);

            Assert.True(outcome.Module is not null || outcome.Errors.Count > 0);
        }
    }

    [Fact]
    public void CompiledPolicy_InputOfAnyShape_NeverFaultsInside()
    {
        var random = new Xorshift(21);
        RegoProgram program = Policies.Compile(
            """
            package test
            p contains x if { some x in input.a; x.b[_] == input.c }
            q := sprintf("%d %s %v %5.2f", [input.a, input.b, input.c, input.d])
            r := object.union_n(input.a)
            s := time.parse_rfc3339_ns(input.b)
            t := json.unmarshal(input.b)
            u := regex.match(input.b, input.c)
            v := {k: w | some k, w in input; k < w}
            """);
        for (int round = 0; round < 2_000; round++)
        {
            RegoValue input = Value(random, 0);

            RegoEvaluation evaluation = program.Evaluate("data.test", input, limits: new RegoLimits(MaxSteps: 50_000));

            Assert.True(evaluation.Fault?.Code is null or RegoErrorCodes.Conflict or RegoErrorCodes.Limit, evaluation.Fault + "\n" + input);
        }
    }

    private static RegoValue Value(Xorshift random, int depth) => random.Next(depth > 4 ? 4 : 7) switch
    {
        0 => RegoValue.Null,
        1 => random.Next(2) == 0,
        2 => RegoNumber.Of(random.Next(1000) - 500, random.Next(60) - 30),
        3 => Words[random.Next(Words.Length)],
        4 => RegoArray.Of([.. Enumerable.Range(0, random.Next(4)).Select(_ => Value(random, depth + 1))]),
        5 => RegoSet.Of([.. Enumerable.Range(0, random.Next(4)).Select(_ => Value(random, depth + 1))]),
        _ => RegoObject.Of([.. Enumerable.Range(0, random.Next(5)).Select(i => ((RegoValue)"abcde"[i].ToString(), Value(random, depth + 1)))]),
    };

    private static string Mutate(string source, string[] corpus, Xorshift random)
    {
        for (int edits = 1 + random.Next(3); edits > 0; edits--)
        {
            int at = random.Next(source.Length + 1);
            int length = Math.Min(random.Next(12), source.Length - at);
            source = random.Next(5) switch
            {
                0 => source.Remove(at, length),
                1 => source.Insert(at, Words[random.Next(Words.Length)]),
                2 => source.Remove(at, length).Insert(at, Words[random.Next(Words.Length)]),
                3 => source.Insert(at, source.Substring(at, length)),
                _ => source + "\n" + Line(corpus[random.Next(corpus.Length)], random),
            };
        }

        return source;
    }

    private static string Line(string source, Xorshift random)
    {
        string[] lines = source.Split('\n');
        return lines[random.Next(lines.Length)];
    }

    // The same sequence on every run and machine.
    private sealed class Xorshift(ulong seed)
    {
        private ulong _state = (seed * 0x9E3779B97F4A7C15) | 1;

        internal int Next(int bound)
        {
            _state ^= _state << 13;
            _state ^= _state >> 7;
            _state ^= _state << 17;
            return bound <= 0 ? 0 : (int)(_state % (ulong)bound);
        }
    }
}
