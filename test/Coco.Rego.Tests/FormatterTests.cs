// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Coco.Rego.Syntax;

namespace Coco.Rego.Tests;

public sealed class FormatterTests
{
    [Fact]
    public void Format_CommentInsideAnExpression_DoesNotBecomeMetadata()
    {
        const string Source = "package p\n\na if input.x in # METADATA\n# not: [yaml\ninput.y\n";

        string formatted = RegoFormatter.Format(Source, "t.rego").Require();

        Assert.Contains("## METADATA\n", formatted, StringComparison.Ordinal);
        Assert.Equal(formatted, RegoFormatter.Format(formatted, "t.rego").Require());
    }

    [Fact]
    public void Format_ConditionThatBeginsWithAMinus_StaysOneOfItsOwn()
    {
        string formatted = RegoFormatter.Format("package p\n\na if { x := 2; -x < 1 }\n", "t.rego").Require();

        Assert.Equal("package p\n\na if {\n\tx := 2;\n\t-x < 1\n}\n", formatted);
        Assert.Equal(formatted, RegoFormatter.Format(formatted, "t.rego").Require());
    }

    [Fact]
    public void Format_UntidyModule_GivesTheOneForm()
    {
        const string Untidy =
            """
            # licence
            package   test
            import data.b   # last
            import   data.a
            import rego.v1
            p:=1
            # about q
            q   contains   x if   {
              some   x in   [1,2] # inline

              x>1;x<5
                not   x ==   4 with input as {"a":1}
              }
            f(a,b) := c if {c := a+b}
            else := 3
            o := {
              "a": [1,
              2], # first
              # own line
              "b": {x | some x in [1]}
            }
            """;

        string formatted = RegoFormatter.Format(Untidy, "t.rego").Require();

        Assert.Equal(
            """
            # licence
            package test

            import rego.v1
            import data.a
            import data.b # last

            p := 1

            # about q
            q contains x if {
            	some x in [1, 2] # inline

            	x > 1
            	x < 5
            	not x == 4 with input as {"a": 1}
            }

            f(a, b) := c if c := a + b
            else := 3

            o := {
            	"a": [1, 2], # first
            	# own line
            	"b": {x | some x in [1]},
            }

            """,
            formatted);
    }

    [Fact]
    public void Format_Broken_IsRefused() => Assert.Equal(RefusalCode.Malformed, RegoFormatter.Format("package", "t.rego").Refusal!.Code);

    [Fact]
    public void Format_AnyModule_KeepsMeaningAndCommentsAndIsStable()
    {
        foreach (string source in Corpus.Modules())
        {
            ParseOutcome before = Parser.ParseModule("m", source, RegoVersion.V1OrV0, int.MaxValue);
            if (before.Module is null)
            {
                continue;
            }

            string once = RegoFormatter.Format(source, "m").Require();
            ParseOutcome after = Parser.ParseModule("m", once, RegoVersion.V1OrV0, int.MaxValue);
            Assert.True(after.Module is not null, string.Join('\n', after.Errors) + "\n" + source + "\n---\n" + once);
            Assert.Equal(Shape(before.Module), Shape(after.Module));
            Assert.Equal(before.Module.Comments.Count, after.Module.Comments.Count);
            Assert.Equal(once, RegoFormatter.Format(once, "m").Require());
        }
    }

    private static string Shape(Module module)
    {
        RegoObject json = new ModuleJson(module.Source).Of(module);
        return RegoObject.Of(("package", json.Get("package")!), ("rules", json.Get("rules") ?? RegoValue.Null)).ToJson()
            .Replace("\"assign\":true,", string.Empty, StringComparison.Ordinal);
    }
}

/// <summary>Policies to try things on: those of these tests, and those of the vectors where they are.</summary>
internal static class Corpus
{
    internal static IEnumerable<string> Modules()
    {
        foreach (string own in Own)
        {
            yield return own;
        }

        string? folder = Environment.GetEnvironmentVariable("COCO_VECTORS");
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); folder is null && at is not null; at = at.Parent)
        {
            folder = File.Exists(Path.Combine(at.FullName, "Coco.slnx")) ? Path.Combine(at.FullName, "..", "shared", "vectors") : null;
        }

        if (folder is null || !Directory.Exists(Path.Combine(folder, "rego")))
        {
            yield break;
        }

        foreach (string file in Directory.GetFiles(Path.Combine(folder, "rego"), "*.json").Order(StringComparer.Ordinal))
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file), new JsonDocumentOptions { MaxDepth = 512 });
            foreach (JsonElement test in document.RootElement.GetProperty("cases").EnumerateArray())
            {
                if (test.TryGetProperty("modules", out JsonElement modules) && modules.ValueKind == JsonValueKind.Array)
                {
                    foreach (JsonElement module in modules.EnumerateArray())
                    {
                        yield return module.GetString()!;
                    }
                }
            }
        }
    }

    internal static readonly string[] Own =
    [
        "package a\n\nimport rego.v1\n\ndefault allow := false\n\nallow if {\n\tsome x, y in input.xs # c\n\tx[y].z == `raw`\n\tnot f(x) with input.a as {1, 2}\n} else := 3 if {\n\tevery k, v in {\"a\": [1.5e3]} { k != v }\n}\n\nf(x) := y if y := $\"a{x + 1}b\\{\"\n",
        "package b.c\n\np[x] { x := [1, 2][_]; x > 1 }\np[3] { true } { false }\nq[k] = v { v := input[k] }\ndefault r = {\"a\": {x | x := 1}}\n",
        "package d\n\np.q[x].r contains y if {\n\tx := {\"k\": v | some v in [1, 2] | {3}}\n\ty := -x.k / 2 % 3 & {1} - set()\n}\n\np := data.a[_][i] if walk(input, [i, _])\n",
        "# METADATA\n# title: t\n# authors:\n# - a <b@c>\npackage e\n\nx := {\n\t\"a\": 1, # one\n\t# two\n\t\"b\": [\n\t\t1,\n\t\t2,\n\t],\n}\n\ny contains z if {\n\tz := [a | some a in x; # why\n\t\ta]\n}\n",
    ];
}
