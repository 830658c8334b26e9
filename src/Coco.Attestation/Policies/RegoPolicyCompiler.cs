// SPDX-License-Identifier: Apache-2.0
using Coco.Rego;

namespace Coco.Attestation.Policies;

/// <summary>Compiles policies with the engine of this solution.</summary>
internal sealed class RegoPolicyCompiler : IAppraisalPolicyCompiler
{
    private const string Package = "data.policy.";

    public Result<CompiledPolicy> Compile(string source, string name)
    {
        if (!RegoProgram.Compile(source, name).TryGet(out RegoProgram? program, out Refusal? why))
        {
            return why;
        }

        return program.Rules.IsEmpty || program.Rules.Any(r => r.StartsWith(Package, StringComparison.Ordinal))
            ? new CompiledPolicy(new RegoAppraisalPolicy(program, source))
            : new Refusal(RefusalCode.Malformed, $"{name}: an appraisal policy is of package 'policy'");
    }
}
