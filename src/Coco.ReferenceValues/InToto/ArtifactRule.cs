// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;

namespace Coco.ReferenceValues.InToto;

/// <summary>An artifact rule (rvps.md 11).</summary>
internal sealed record ArtifactRule(ArtifactRuleKind Kind, string Pattern)
{
    public string SourcePrefix { get; init; } = string.Empty;

    public string DestinationPrefix { get; init; } = string.Empty;

    public bool DestinationIsProducts { get; init; }

    public string DestinationStep { get; init; } = string.Empty;

    /// <summary>The rule as it was written.</summary>
    public string Text { get; init; } = string.Empty;

    /// <summary>Reads one rule: an array of texts of the lengths that the grammar allows.</summary>
    public static Result<ArtifactRule> Parse(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Array || json.EnumerateArray().Any(e => e.ValueKind != JsonValueKind.String))
        {
            return new Refusal(RefusalCode.Malformed, "an artifact rule is an array of texts");
        }

        return Parse([.. json.EnumerateArray().Select(e => e.GetString()!)]);
    }

    /// <summary>The same for texts.</summary>
    public static Result<ArtifactRule> Parse(ImmutableArray<string> words)
    {
        string text = string.Join(' ', words);
        if (words.Length < 2)
        {
            return Wrong(text);
        }

        ArtifactRuleKind? kind = words[0].ToUpperInvariant() switch
        {
            "CREATE" => ArtifactRuleKind.Create,
            "DELETE" => ArtifactRuleKind.Delete,
            "MODIFY" => ArtifactRuleKind.Modify,
            "ALLOW" => ArtifactRuleKind.Allow,
            "DISALLOW" => ArtifactRuleKind.Disallow,
            "REQUIRE" => ArtifactRuleKind.Require,
            "MATCH" => ArtifactRuleKind.Match,
            _ => null,
        };
        if (kind is null)
        {
            return Wrong(text);
        }

        if (kind != ArtifactRuleKind.Match)
        {
            return words.Length == 2 ? new ArtifactRule(kind.Value, words[1]) { Text = text } : Wrong(text);
        }

        // MATCH pattern [IN prefix] WITH (MATERIALS|PRODUCTS) [IN prefix] FROM step
        var rule = new ArtifactRule(ArtifactRuleKind.Match, words[1]) { Text = text };
        int at = 2;
        if (Keyword(words, at, "IN") && words.Length > at + 1)
        {
            rule = rule with { SourcePrefix = words[at + 1] };
            at += 2;
        }

        if (!Keyword(words, at, "WITH") || !(Keyword(words, at + 1, "MATERIALS") || Keyword(words, at + 1, "PRODUCTS")))
        {
            return Wrong(text);
        }

        rule = rule with { DestinationIsProducts = Keyword(words, at + 1, "PRODUCTS") };
        at += 2;
        if (Keyword(words, at, "IN") && words.Length > at + 1)
        {
            rule = rule with { DestinationPrefix = words[at + 1] };
            at += 2;
        }

        return Keyword(words, at, "FROM") && words.Length == at + 2 ? rule with { DestinationStep = words[at + 1] } : Wrong(text);
    }

    private static bool Keyword(ImmutableArray<string> words, int at, string keyword) =>
        at < words.Length && words[at].Equals(keyword, StringComparison.OrdinalIgnoreCase);

    private static Refusal Wrong(string text) => new(RefusalCode.Malformed, $"'{text}' is not an artifact rule") { Check = "in-toto.format" };
}

/// <summary>The kinds of rule.</summary>
internal enum ArtifactRuleKind
{
    Create,
    Delete,
    Modify,
    Allow,
    Disallow,
    Require,
    Match,
}
