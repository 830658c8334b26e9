// SPDX-License-Identifier: Apache-2.0
namespace Coco.Attestation.Policies;

internal sealed class RegoPolicyCompiler : IAppraisalPolicyCompiler
{
    public Result<CompiledPolicy> Compile(string source, string name) => new Refusal(RefusalCode.Unsupported, "no engine");
}
