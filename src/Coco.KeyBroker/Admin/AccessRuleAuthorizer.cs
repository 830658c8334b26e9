// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Coco.KeyBroker;

/// <summary>Allows what a rule of the role allows. Patterns are anchored at both ends and matched without backtracking (kbs.md 6.3).</summary>
internal sealed class AccessRuleAuthorizer : IAdminAuthorizer
{
    private readonly ImmutableArray<(string Role, Regex Pattern, ImmutableArray<string> Methods)> _rules;

    /// <exception cref="ArgumentException">A pattern does not compile, or needs backtracking.</exception>
    public AccessRuleAuthorizer(ImmutableArray<AccessRule> rules) =>
        _rules = [.. rules.Select(r => (r.Role, Compile(r.Pattern), r.Methods.Select(m => m.ToUpperInvariant()).ToImmutableArray()))];

    public string Type => "regex-acl";

    public Refusal? Authorize(AdminIdentity who, string method, string path)
    {
        foreach ((string role, Regex pattern, ImmutableArray<string> methods) in _rules)
        {
            if (role == who.Role && (methods.IsEmpty || methods.Contains(method, StringComparer.Ordinal)) && pattern.IsMatch(path))
            {
                return null;
            }
        }

        return new Refusal(RefusalCode.Forbidden, $"no rule allows {who.Role} to {method} {path}");
    }

    private static Regex Compile(string pattern)
    {
        try
        {
            return new Regex(@"\A(?:" + pattern + @")\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (NotSupportedException e)
        {
            throw new ArgumentException("an access rule uses look-around or back-references: " + pattern, e);
        }
    }
}
