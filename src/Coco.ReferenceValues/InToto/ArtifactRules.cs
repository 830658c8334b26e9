// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.ReferenceValues.InToto;

/// <summary>Applies the rules of one step or inspection (rvps.md 11): each rule takes from the queue what it allows.</summary>
internal static class ArtifactRules
{
    /// <summary>Steps of pattern matching that one chain may take: more rules times artifacts than anybody writes, and still only seconds.</summary>
    public const long MaxSteps = 500_000_000;

    /// <summary>Null when the materials and the products of <paramref name="link"/> keep their rules.</summary>
    public static Refusal? Check(
        string name,
        InTotoLink link,
        ImmutableArray<ArtifactRule> materialRules,
        ImmutableArray<ArtifactRule> productRules,
        IReadOnlyDictionary<string, InTotoLink> links,
        ref long budget)
    {
        Refusal? broken = Check(name, "materials", link.Materials, link, materialRules, links, ref budget)
            ?? Check(name, "products", link.Products, link, productRules, links, ref budget);

        // What ran out matched nothing, so what it says of the artifacts means nothing.
        return budget < 0 ? new Refusal(RefusalCode.TooLarge, $"the rules of the chain take more than {MaxSteps} steps of matching") { Check = "in-toto.rule" } : broken;
    }

    private static Refusal? Check(
        string name,
        string side,
        ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> artifacts,
        InTotoLink link,
        ImmutableArray<ArtifactRule> rules,
        IReadOnlyDictionary<string, InTotoLink> links,
        ref long budget)
    {
        var queue = new SortedSet<string>(artifacts.Keys, StringComparer.Ordinal);
        foreach (ArtifactRule rule in rules)
        {
            if (--budget < 0)
            {
                return null;
            }

            switch (rule.Kind)
            {
                case ArtifactRuleKind.Disallow:
                    List<string> hit = Hits(rule.Pattern, queue, ref budget);
                    if (hit.Count > 0)
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
                    queue.ExceptWith(Matched(rule, queue, artifacts, links, ref budget));
                    break;
                default:
                    queue.ExceptWith(Hits(rule.Pattern, queue, ref budget).Where(p => Allows(rule.Kind, p, link)).ToArray());
                    break;
            }
        }

        return null;
    }

    private static List<string> Hits(string pattern, SortedSet<string> queue, ref long budget)
    {
        var hits = new List<string>();
        foreach (string path in queue)
        {
            if (budget < 0)
            {
                break;
            }

            if (Glob.Matches(pattern, path, ref budget))
            {
                hits.Add(path);
            }
        }

        return hits;
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
        IReadOnlyDictionary<string, InTotoLink> links,
        ref long budget)
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
            if (--budget < 0)
            {
                break;
            }

            if (!path.StartsWith(sourcePrefix, StringComparison.Ordinal))
            {
                continue;
            }

            string rest = path[sourcePrefix.Length..];
            if (Glob.Matches(rule.Pattern, rest, ref budget)
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
