// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>The resource policies that ship with the broker; they decide as the reference's of the same name do (kbs.md 5.4).</summary>
public static class BuiltInPolicies
{
    /// <summary>The <c>resource</c> plugin for every attested guest but the sample TEE. Installed when there is no policy.</summary>
    public const string Default = """
        package policy

        import rego.v1

        # Resources for every guest whose token was verified, except where the evidence came from the sample TEE, which proves nothing.
        # The status of the appraisal is not looked at: see the policy "affirming" for that.

        default allow := false

        allow if {
        	data.plugin == "resource"
        	not sample_tee
        }

        sample_tee if input.submods.cpu0["ear.veraison.annotated-evidence"].sample
        """;

    /// <summary>The <c>resource</c> plugin for every verified token, the sample TEE included.</summary>
    public const string AllowAll = """
        package policy

        import rego.v1

        default allow := false

        allow if data.plugin == "resource"
        """;

    /// <summary>Nothing.</summary>
    public const string DenyAll = """
        package policy

        import rego.v1

        default allow := false
        """;

    /// <summary>Every plugin, for guests of which all parts were appraised as affirming.</summary>
    public const string Affirming = """
        package policy

        import rego.v1

        # Everything, for guests of which every part was appraised and found affirming.

        default allow := false

        allow if {
        	count(input.submods) > 0
        	not not_affirming
        }

        not_affirming if {
        	some submod in input.submods
        	submod["ear.status"] != "affirming"
        }
        """;

    /// <summary>A policy by its name: <c>default</c>, <c>allow-all</c>, <c>deny-all</c>, <c>affirming</c>; null for others.</summary>
    public static string? Find(string name) => name switch
    {
        "default" => Default,
        "allow-all" or "allow_all" => AllowAll,
        "deny-all" or "deny_all" => DenyAll,
        "affirming" => Affirming,
        _ => null,
    };
}
