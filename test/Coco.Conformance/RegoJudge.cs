// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Text.Json;
using Coco.Rego;

namespace Coco.Conformance;

/// <summary>The reference engine's own cases: results equal as bindings, or an error with the wanted code.</summary>
public sealed class RegoJudge : IConformanceJudge
{
    // The cases call one function that only their test driver has.
    private const string Sleep = "test.sleep";

    private static readonly RegoCompileOptions Options = new()
    {
        Grants = RegoGrants.All,
        HostFunctions = RegoCompileOptions.Default.HostFunctions.Add(Sleep, 1),
    };

    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds { get; } = ["rego"];

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        foreach (string file in Directory.GetFiles(Path.Combine(root, kind), "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file), new JsonDocumentOptions { MaxDepth = 512 });
            if (!document.RootElement.TryGetProperty("cases", out JsonElement cases))
            {
                continue;
            }

            int number = 0;
            foreach (JsonElement one in cases.EnumerateArray())
            {
                JsonElement test = one.Clone();
                yield return new ConformanceCase(
                    $"{Path.GetFileNameWithoutExtension(file)}#{++number} {test.GetProperty("note").GetString()}",
                    ct => Task.FromResult(Judge(test, ct)));
            }
        }
    }

    private static CaseVerdict Judge(JsonElement test, CancellationToken ct)
    {
        RegoValue? data = Member(test, "data") is { } d ? RegoValue.FromJson(d) : null;
        var compiler = new RegoCompiler(Options);
        int number = 0;
        if (Member(test, "modules") is { } modules)
        {
            foreach (JsonElement module in modules.EnumerateArray())
            {
                compiler.Add($"test-{number++}.rego", module.GetString()!);
            }
        }

        RegoCompilation compilation = compiler.Compile();
        if (compilation.Program is null)
        {
            return Error(test, compilation.Errors[0].Code, string.Join("; ", compilation.Errors));
        }

        RegoValue? input = Member(test, "input") is { } i ? RegoValue.FromJson(i) : null;
        if (Member(test, "input_term") is { } term)
        {
            RegoEvaluation parsed = compilation.Program.EvaluateQuery("x = " + term.GetString(), new RegoRequest());
            input = ((RegoArray?)parsed.Value)?.Items[0] is RegoObject bindings ? bindings.Get("x") : null;
            if (input is null)
            {
                return CaseVerdict.Failed("input_term: " + parsed.Fault);
            }
        }

        var clock = new SteppedClock();
        var request = new RegoRequest
        {
            Host = new RegoHost
            {
                Clock = clock,
                LookupAddresses = static name => name == "localhost" ? [.. Dns.GetHostAddresses(name).Select(static a => a.ToString())] : null,
            },
            Functions = new Dictionary<string, RegoHostFunction> { [Sleep] = _ => clock.Advance() },
            Input = input,
            Data = data,
            StrictBuiltinErrors = Member(test, "strict_error") is { ValueKind: JsonValueKind.True },
            Cancellation = ct,
            Limits = new RegoLimits(MaxSteps: 20_000_000, MaxValues: 20_000_000),
        };
        RegoEvaluation evaluation = compilation.Program.EvaluateQuery(test.GetProperty("query").GetString()!, request);
        if (evaluation.Outcome == RegoOutcome.Fault)
        {
            return Error(test, evaluation.Fault!.Code, evaluation.Fault.ToString());
        }

        if (Member(test, "want_error_code") is not null || Member(test, "want_error") is not null)
        {
            return CaseVerdict.Failed("wanted an error, got " + Show(evaluation.Value));
        }

        return Member(test, "want_result") is { } wanted ? Compare(test, RegoValue.FromJson(wanted), evaluation.Value) : CaseVerdict.Passed;
    }

    private static CaseVerdict Error(JsonElement test, string code, string message)
    {
        string? wanted = Member(test, "want_error_code")?.GetString();
        return wanted is null
            ? Member(test, "want_error") is null ? CaseVerdict.Failed(message) : CaseVerdict.Passed
            : wanted == code ? CaseVerdict.Passed : CaseVerdict.Failed($"wanted {wanted}, got {message}");
    }

    private static CaseVerdict Compare(JsonElement test, RegoValue wanted, RegoValue? got)
    {
        bool sort = Member(test, "sort_bindings") is { ValueKind: JsonValueKind.True };
        bool withoutGenerated = Member(test, "ignore_generated_vars") is { ValueKind: JsonValueKind.True };
        var remaining = Bindings(wanted, sort, withoutGenerated);
        List<RegoValue> actual = Bindings(got ?? RegoArray.Empty, sort, withoutGenerated);
        if (remaining.Count == actual.Count)
        {
            foreach (RegoValue one in actual)
            {
                int at = remaining.FindIndex(w => Same(w, one));
                if (at < 0)
                {
                    break;
                }

                remaining.RemoveAt(at);
            }

            if (remaining.Count == 0)
            {
                return CaseVerdict.Passed;
            }
        }

        return CaseVerdict.Failed($"wanted {Show(wanted)}, got {Show(got)}");
    }

    private static List<RegoValue> Bindings(RegoValue results, bool sort, bool withoutGenerated)
    {
        var bindings = new List<RegoValue>();
        foreach (RegoValue result in ((RegoArray)results).Items)
        {
            // Through JSON, as a client of the reference engine sees it: sets become arrays, keys become text.
            var members = (RegoObject)RegoValue.ParseJson(result.ToJsonUtf8()).Require();
            var kept = new List<(RegoValue, RegoValue)>();
            for (int i = 0; i < members.Count; i++)
            {
                if (!(withoutGenerated && members.Keys[i] is RegoString { Value: var name } && name.StartsWith("__", StringComparison.Ordinal)))
                {
                    kept.Add((members.Keys[i], sort && members.Values[i] is RegoArray a ? Sorted(a) : members.Values[i]));
                }
            }

            bindings.Add(RegoObject.Of([.. kept]));
        }

        return bindings;
    }

    private static RegoArray Sorted(RegoArray array) => RegoArray.Of([.. array.Items.ToArray().Order()]);

    // Fractions may differ behind the precision of a double.
    private static bool Same(RegoValue a, RegoValue b)
    {
        switch (a, b)
        {
            case (RegoNumber x, RegoNumber y):
                return x.Equals(y) || ((!x.IsInteger || !y.IsInteger) && Math.Abs(x.ToDouble() - y.ToDouble()) <= 1e-14 * Math.Max(Math.Abs(x.ToDouble()), Math.Abs(y.ToDouble())));
            case (RegoArray x, RegoArray y):
                if (x.Count != y.Count)
                {
                    return false;
                }

                for (int i = 0; i < x.Count; i++)
                {
                    if (!Same(x[i], y[i]))
                    {
                        return false;
                    }
                }

                return true;
            case (RegoObject x, RegoObject y):
                if (x.Count != y.Count)
                {
                    return false;
                }

                for (int i = 0; i < x.Count; i++)
                {
                    if (!x.Keys[i].Equals(y.Keys[i]) || !Same(x.Values[i], y.Values[i]))
                    {
                        return false;
                    }
                }

                return true;
            default:
                return a.Equals(b);
        }
    }

    private static string Show(RegoValue? value)
    {
        string text = value?.ToJson() ?? "undefined";
        return text.Length <= 600 ? text : text[..600] + "…";
    }

    private static JsonElement? Member(JsonElement test, string name) =>
        test.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private sealed class SteppedClock : TimeProvider
    {
        private TimeSpan _slept;

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + _slept;

        internal RegoValue Advance()
        {
            _slept += TimeSpan.FromSeconds(1);
            return RegoValue.True;
        }
    }
}
