// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;

namespace Coco.KeyBroker.Tests;

/// <summary>Knows three policies by heart; for tests of what stands around policies.</summary>
internal sealed class StandInPolicies : IResourcePolicyCompiler
{
    public Result<CompiledResourcePolicy> Compile(string source, string name) =>
        source.Contains("package policy", StringComparison.Ordinal) ? new Policy(source) : new Refusal(RefusalCode.Malformed, "no package");

    private sealed class Policy(string source) : CompiledResourcePolicy
    {
        public override string Sha384 { get; } = Convert.ToHexStringLower(SHA384.HashData(Encoding.UTF8.GetBytes(source)));

        public override PolicyDecision Evaluate(PolicyQuestion question) => source.Contains("allow if", StringComparison.Ordinal) && question.Plugin == "resource" && question.Path.Length == 3
            ? new PolicyDecision(PolicyOutcome.Allowed)
            : new PolicyDecision(PolicyOutcome.False);
    }
}
