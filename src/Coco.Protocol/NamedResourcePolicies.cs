// SPDX-License-Identifier: Apache-2.0
namespace Coco.Protocol;

/// <summary>Resource policies that are known by name (kbs.md 5.4). Rego v1; decision <c>data.policy.allow</c>.</summary>
public static class NamedResourcePolicies
{
    /// <summary>Resources for every verified token whose CPU evidence is not of the sample TEE; a fresh server has this one.</summary>
    public const string Default = """
        package policy

        default allow := false

        # The status of the appraisal is not looked at here: use the affirming policy for that.
        allow if {
            data.plugin == "resource"
            not input.submods.cpu0["ear.veraison.annotated-evidence"].sample
        }
        """;

    /// <summary>Resources for every verified token, the sample TEE included.</summary>
    public const string AllowAll = """
        package policy

        default allow := false

        allow if data.plugin == "resource"
        """;

    /// <summary>Nothing for anybody.</summary>
    public const string DenyAll = """
        package policy

        default allow := false
        """;

    /// <summary>Any plugin, where there is an appraisal and every one of them affirms.</summary>
    public const string Affirming = """
        package policy

        default allow := false

        allow if {
            count(input.submods) > 0
            count(not_affirming) == 0
        }

        not_affirming contains name if {
            some name, appraisal in input.submods
            appraisal["ear.status"] != "affirming"
        }
        """;
}
