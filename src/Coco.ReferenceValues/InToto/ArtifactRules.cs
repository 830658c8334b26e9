// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.ReferenceValues.InToto;

/// <summary>Applies the rules of one step or inspection (rvps.md 11): each rule takes from the queue what it allows.</summary>
internal static class ArtifactRules
{
    /// <summary>Null when the materials and the products of <paramref name="link"/> keep their rules.</summary>
    public static Refusal? Check(
        string name,
        InTotoLink link,
        ImmutableArray<ArtifactRule> materialRules,
        ImmutableArray<ArtifactRule> productRules,
        IReadOnlyDictionary<string, InTotoLink> links) =>
        Check(name, "materials", link.Materials, link, materialRules, links) ?? Check(name, "products", link.Products, link, productRules, links);

    private static Refusal? Check(
        string name,
        string side,
        ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> artifacts,
        InTotoLink link,
        ImmutableArray<ArtifactRule> rules,
        IReadOnlyDictionary<string, InTotoLink> links)
    {
        var queue = new SortedSet<string>(artifacts.Keys, StringComparer.Ordinal);
        foreach (ArtifactRule rule in rules)
        {
            switch (rule.Kind)
            {
                case ArtifactRuleKind.Disallow:
                    string[] hit = [.. queue.Where(p => Glob.Matches(rule.Pattern, p))];
                    if (hit.Length > 0)
                    {
                        return Broken(name, side, $"'{rule.Text}' matched the following artifacts: ['{string.Join("', '", hit.Take(20))}']");
                    }

                    break;
                case ArtifactRuleKind.Require:
                    if (!queue.Contains(rule.Pattern))
                    {
                        return Broken(name, side, $"'{rule.Text}' did not find the artifact");
                    }

                    break;
                case ArtifactRuleKind.Match:
                    queue.ExceptWith(Matched(rule, queue, artifacts, links));
                    break;
                default:
                    queue.ExceptWith([.. queue.Where(p => Glob.Matches(rule.Pattern, p) && Allows(rule.Kind, p, link))]);
                    break;
            }
        }

        return null;
    }

    private static bool Allows(ArtifactRuleKind kind, string path, InTotoLink link) => kind switch
    {
        ArtifactRuleKind.Create => link.Products.ContainsKey(path) && !link.Materials.ContainsKey(path),
        ArtifactRuleKind.Delete => link.Materials.ContainsKey(path) && !link.Products.ContainsKey(path),
        ArtifactRuleKind.Modify => link.Materials.TryGetValue(path, out ImmutableSortedDictionary<string, string>? before)
            && link.Products.TryGetValue(path, out ImmutableSortedDictionary<string, string>? after)
            && !InTotoLink.Same(before, after),
        _ => true,
    };

    private static List<string> Matched(
        ArtifactRule rule,
        SortedSet<string> queue,
        ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> artifacts,
        IReadOnlyDictionary<string, InTotoLink> links)
    {
        var consumed = new List<string>();
        if (!links.TryGetValue(rule.DestinationStep, out InTotoLink? destination))
        {
            return consumed;
        }

        string sourcePrefix = AsDirectory(rule.SourcePrefix);
        string destinationPrefix = AsDirectory(rule.DestinationPrefix);
        ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> side = rule.DestinationIsProducts ? destination.Products : destination.Materials;
        foreach (string path in queue)
        {
            if (!path.StartsWith(sourcePrefix, StringComparison.Ordinal))
            {
                continue;
            }

            string rest = path[sourcePrefix.Length..];
            if (Glob.Matches(rule.Pattern, rest)
                && side.TryGetValue(destinationPrefix + rest, out ImmutableSortedDictionary<string, string>? there)
                && InTotoLink.Same(artifacts[path], there))
            {
                consumed.Add(path);
            }
        }

        return consumed;
    }

    private static string AsDirectory(string prefix) => prefix.Length == 0 || prefix[^1] == '/' ? prefix : prefix + "/";

    private static Refusal Broken(string name, string side, string what) =>
        new(RefusalCode.PolicyDenied, $"{what} ({side} of '{name}')") { Check = "in-toto.rule", Field = name };
}
