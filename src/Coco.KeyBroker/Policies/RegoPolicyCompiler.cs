// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>Compiles nothing: without an engine every policy is refused, and a policy that is refused denies.</summary>
internal sealed class RegoPolicyCompiler : IResourcePolicyCompiler
{
    public Result<CompiledResourcePolicy> Compile(string source, string name) => new Refusal(RefusalCode.Unsupported, "there is no policy engine in this build");
}
