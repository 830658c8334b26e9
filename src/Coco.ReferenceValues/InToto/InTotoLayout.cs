// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using Coco.ReferenceValues.Extractors;

namespace Coco.ReferenceValues.InToto;

/// <summary>A layout (rvps.md 9.2).</summary>
internal sealed partial record InTotoLayout(
    DateTimeOffset Expires,
    ImmutableDictionary<string, InTotoKey> Keys,
    ImmutableArray<InTotoStep> Steps,
    ImmutableArray<InTotoInspection> Inspections)
{
    private const int MaxSteps = 1000;
    private const int MaxKeys = 1000;

    /// <summary>Reads and checks the body; texts are substituted with <paramref name="parameters"/> where those are given.</summary>
    public static Result<InTotoLayout> Parse(JsonElement json, IReadOnlyDictionary<string, string>? parameters)
    {
        if (json.Text("_type") != "layout")
        {
            return Wrong("this is not a layout");
        }

        if (!ReferenceValueRecord.TryParseInstant(json.Text("expires"), out DateTimeOffset expires))
        {
            return Wrong("'expires' is not of the form YYYY-MM-DDTHH:MM:SSZ");
        }

        if (!ReadKeys(json).TryGet(out ImmutableDictionary<string, InTotoKey>? keys, out Refusal? why))
        {
            return why;
        }

        var substitution = new Substitution(parameters);
        var names = new HashSet<string>(StringComparer.Ordinal);
        var steps = ImmutableArray.CreateBuilder<InTotoStep>();
        foreach (JsonElement item in Items(json, "steps"))
        {
            if (!ReadStep(item, substitution).TryGet(out InTotoStep? step, out why))
            {
                return why;
            }

            if (!names.Add(step.Name) || steps.Count == MaxSteps)
            {
                return Wrong($"There is already a step with name '{step.Name}'. Step names must be unique within a layout.");
            }

            steps.Add(step);
        }

        var inspections = ImmutableArray.CreateBuilder<InTotoInspection>();
        foreach (JsonElement item in Items(json, "inspect"))
        {
            if (!ReadInspection(item, substitution).TryGet(out InTotoInspection? inspection, out why))
            {
                return why;
            }

            if (!names.Add(inspection.Name) || inspections.Count == MaxSteps)
            {
                return Wrong($"There is already a step or inspection with name '{inspection.Name}'.");
            }

            inspections.Add(inspection);
        }

        return substitution.Missing is { } missing
            ? new Refusal(RefusalCode.Malformed, $"parameter '{missing}' is used and not given") { Check = "in-toto.substitution" }
            : new InTotoLayout(expires, keys, steps.ToImmutable(), inspections.ToImmutable());
    }

    private static Result<ImmutableDictionary<string, InTotoKey>> ReadKeys(JsonElement json)
    {
        ImmutableDictionary<string, InTotoKey>.Builder keys = ImmutableDictionary.CreateBuilder<string, InTotoKey>(StringComparer.Ordinal);
        if (!json.TryGetProperty("keys", out JsonElement list))
        {
            return keys.ToImmutable();
        }

        if (list.ValueKind != JsonValueKind.Object)
        {
            return Wrong("'keys' is not an object");
        }

        foreach (JsonProperty one in list.EnumerateObject())
        {
            if (!IsHex(one.Name) || keys.Count == MaxKeys)
            {
                return Wrong($"'{one.Name}' is not a key id");
            }

            if (one.Value.Text("keyid") is { } label && label != one.Name)
            {
                return Wrong($"the key '{one.Name}' says its id is '{label}'");
            }

            if (!InTotoKey.Parse(one.Name, one.Value).TryGet(out InTotoKey? key, out Refusal? why))
            {
                return why with { Check = "in-toto.format" };
            }

            keys[one.Name] = key;
        }

        return keys.ToImmutable();
    }

    private static Result<InTotoStep> ReadStep(JsonElement item, Substitution substitution)
    {
        if (item.Text("_type") != "step" || item.Text("name") is not { Length: > 0 } name)
        {
            return Wrong("a step needs _type 'step' and a name");
        }

        int threshold = 1;
        if (item.TryGetProperty("threshold", out JsonElement t) && !(t.ValueKind == JsonValueKind.Number && t.TryGetInt32(out threshold) && threshold > 0))
        {
            return Wrong($"the threshold of step '{name}' is not a positive integer");
        }

        if (!Texts(item, "pubkeys").TryGet(out ImmutableArray<string> pubkeys, out Refusal? why)
            || !Texts(item, "expected_command").TryGet(out ImmutableArray<string> command, out why)
            || !Rules(item, "expected_materials", substitution).TryGet(out ImmutableArray<ArtifactRule> materials, out why)
            || !Rules(item, "expected_products", substitution).TryGet(out ImmutableArray<ArtifactRule> products, out why))
        {
            return why;
        }

        return pubkeys.All(IsHex)
            ? new InTotoStep(name, threshold, pubkeys, [.. command.Select(substitution.Apply)], materials, products)
            : Wrong($"a key id of step '{name}' is not hexadecimal");
    }

    private static Result<InTotoInspection> ReadInspection(JsonElement item, Substitution substitution)
    {
        if (item.Text("_type") != "inspection" || item.Text("name") is not { Length: > 0 } name)
        {
            return Wrong("an inspection needs _type 'inspection' and a name");
        }

        if (!Texts(item, "run").TryGet(out ImmutableArray<string> run, out Refusal? why)
            || !Rules(item, "expected_materials", substitution).TryGet(out ImmutableArray<ArtifactRule> materials, out why)
            || !Rules(item, "expected_products", substitution).TryGet(out ImmutableArray<ArtifactRule> products, out why))
        {
            return why;
        }

        return new InTotoInspection(name, [.. run.Select(substitution.Apply)], materials, products);
    }

    private static Result<ImmutableArray<ArtifactRule>> Rules(JsonElement item, string member, Substitution substitution)
    {
        var rules = ImmutableArray.CreateBuilder<ArtifactRule>();
        foreach (JsonElement one in Items(item, member))
        {
            // The form is checked as written; parameters cannot turn a rule into another.
            if (!ArtifactRule.Parse(one).TryGet(out _, out Refusal? why)
                || !ArtifactRule.Parse([.. one.EnumerateArray().Select(w => substitution.Apply(w.GetString()!))]).TryGet(out ArtifactRule? rule, out why))
            {
                return why;
            }

            rules.Add(rule);
        }

        return rules.ToImmutable();
    }

    private static Result<ImmutableArray<string>> Texts(JsonElement item, string member)
    {
        var texts = ImmutableArray.CreateBuilder<string>();
        foreach (JsonElement one in Items(item, member))
        {
            if (one.ValueKind != JsonValueKind.String)
            {
                return Wrong($"'{member}' holds something that is not a text");
            }

            texts.Add(one.GetString()!);
        }

        return texts.ToImmutable();
    }

    // A member of another type than array gives one item that no reader accepts.
    private static IEnumerable<JsonElement> Items(JsonElement owner, string member)
    {
        if (!owner.TryGetProperty(member, out JsonElement list))
        {
            return [];
        }

        return list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : [list];
    }

    private static bool IsHex(string text) => text.Length > 0 && text.All(char.IsAsciiHexDigit);

    private static Refusal Wrong(string detail) => new(RefusalCode.Malformed, detail) { Check = "in-toto.format" };

    // {name} in texts; {{ and }} stand for braces.
    private sealed partial class Substitution(IReadOnlyDictionary<string, string>? parameters)
    {
        public string? Missing { get; private set; }

        public string Apply(string text)
        {
            if (parameters is null || !text.AsSpan().ContainsAny('{', '}'))
            {
                return text;
            }

            return Pattern().Replace(text, m =>
            {
                if (m.Value is "{{" or "}}")
                {
                    return m.Value[..1];
                }

                if (parameters.TryGetValue(m.Groups[1].Value, out string? value))
                {
                    return value;
                }

                Missing ??= m.Groups[1].Value;
                return m.Value;
            });
        }

        [GeneratedRegex(@"\{\{|\}\}|\{([A-Za-z0-9_-]+)\}", RegexOptions.None, 1000)]
        private static partial Regex Pattern();
    }
}

/// <summary>A step of a layout.</summary>
internal sealed record InTotoStep(
    string Name,
    int Threshold,
    ImmutableArray<string> KeyIds,
    ImmutableArray<string> ExpectedCommand,
    ImmutableArray<ArtifactRule> Materials,
    ImmutableArray<ArtifactRule> Products);

/// <summary>An inspection of a layout.</summary>
internal sealed record InTotoInspection(string Name, ImmutableArray<string> Run, ImmutableArray<ArtifactRule> Materials, ImmutableArray<ArtifactRule> Products);
