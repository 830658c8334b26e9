// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Rego;

namespace Coco.KeyBroker;

/// <summary>Resource policies in Rego (kbs.md 5.4): version 1 syntax, a clock, no other reach outside.</summary>
internal sealed class RegoPolicyCompiler(TimeProvider time) : IResourcePolicyCompiler
{
    private static readonly RegoCompileOptions Options = new()
    {
        Version = RegoVersion.V1,
        Grants = RegoGrants.Clock,
        HostFunctions = ImmutableDictionary<string, int>.Empty,
    };

    private readonly RegoHost _host = new() { Clock = time };

    public Result<CompiledResourcePolicy> Compile(string source, string name) =>
        RegoProgram.Compile(source, name, Options).TryGet(out RegoProgram? program, out Refusal? refusal) ? new Policy(program, _host) : refusal;

    private sealed class Policy(RegoProgram program, RegoHost host) : CompiledResourcePolicy
    {
        private const string Rule = "data.policy.allow";
        private static readonly RegoValue PluginName = "plugin";
        private static readonly RegoValue PathName = "resource-path";
        private static readonly RegoValue QueryName = "query";

        public override string Sha384 => program.Sha384;

        public override PolicyDecision Evaluate(PolicyQuestion question)
        {
            RegoEvaluation evaluation;
            try
            {
                evaluation = program.Evaluate(Rule, Request(question));
            }
            catch (Exception e) when (e is RegoValueTooDeepException or RegoNumberTooLargeException)
            {
                return new PolicyDecision(PolicyOutcome.Fault, "the token's claims cannot be an input: " + e.Message);
            }

            return evaluation.Outcome switch
            {
                RegoOutcome.Value when evaluation.IsTrue => new PolicyDecision(PolicyOutcome.Allowed),
                RegoOutcome.Value when evaluation.Value is RegoBoolean => new PolicyDecision(PolicyOutcome.False),
                RegoOutcome.Value => new PolicyDecision(PolicyOutcome.NotBoolean, "it is of type " + evaluation.Value!.TypeName),
                RegoOutcome.Undefined => new PolicyDecision(PolicyOutcome.Undefined, "it is undefined"),
                _ => new PolicyDecision(PolicyOutcome.Fault, evaluation.Fault?.ToString() ?? "it needs data that there is not"),
            };
        }

        public override RegoExplanation? Explain(PolicyQuestion question)
        {
            try
            {
                return program.Evaluate(Rule, Request(question) with { Explain = true }).Explanation;
            }
            catch (Exception e) when (e is RegoValueTooDeepException or RegoNumberTooLargeException)
            {
                return null;
            }
        }

        private RegoRequest Request(PolicyQuestion question)
        {
            // Two threads may both convert; the values are equal.
            var input = (RegoValue)(question.Token.PolicyInput ??= RegoValue.FromJson(question.Token.Claims));
            return new RegoRequest { Input = input, Data = Data(question), Host = host, StrictBuiltinErrors = true };
        }

        private static RegoObject Data(PolicyQuestion question)
        {
            var path = new RegoValue[question.Path.Length];
            for (int i = 0; i < path.Length; i++)
            {
                path[i] = question.Path[i];
            }

            RegoObject query = RegoObject.Empty;
            if (!question.Query.IsEmpty)
            {
                query = RegoObject.Of([.. question.Query.Select(static m => ((RegoValue)m.Key, (RegoValue)m.Value))]);
            }

            return RegoObject.Of((PluginName, question.Plugin), (PathName, RegoArray.Of(path)), (QueryName, query));
        }
    }
}
