// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.ReferenceValues;

/// <summary>Applies the publication rules.</summary>
internal sealed class PublicationPolicy
{
    private readonly ImmutableArray<PublicationRule> _longestFirst;

    public PublicationPolicy(ImmutableArray<PublicationRule> rules) =>
        _longestFirst = [.. rules.OrderByDescending(r => r.Prefix.Length).ThenBy(r => r.Prefix, StringComparer.Ordinal)];

    /// <summary>Null when one of <paramref name="identities"/> may publish <paramref name="name"/>.</summary>
    public Refusal? Check(string name, IReadOnlyCollection<string> identities)
    {
        if (_longestFirst.IsEmpty)
        {
            return null;
        }

        foreach (PublicationRule rule in _longestFirst)
        {
            if (!name.StartsWith(rule.Prefix, StringComparison.Ordinal))
            {
                continue;
            }

            if (rule.AllowUnsigned || rule.Signers.Any(s => identities.Contains(s, StringComparer.OrdinalIgnoreCase)))
            {
                return null;
            }

            return new Refusal(
                RefusalCode.Forbidden,
                identities.Count == 0
                    ? $"'{name}' may only be published signed: the rule for '{rule.Prefix}*' names {rule.Signers.Length} signers and nobody signed"
                    : $"'{name}' may not be published by {string.Join(", ", identities)}: the rule for '{rule.Prefix}*' names others")
            { Field = "name" };
        }

        return new Refusal(RefusalCode.Forbidden, $"no publication rule covers '{name}'") { Field = "name" };
    }
}
