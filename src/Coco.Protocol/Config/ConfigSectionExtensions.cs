// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;

namespace Coco.Protocol;

/// <summary>Readings that several documents share.</summary>
internal static class ConfigSectionExtensions
{
    /// <summary>A text, or what stands for it when absent.</summary>
    public static string TextOr(this ConfigSection section, string key, string fallback) => section.Text(key) ?? fallback;

    /// <summary>A text that must be there when <paramref name="required"/>.</summary>
    public static string? TextIf(this ConfigSection section, bool required, string key) => required ? section.RequireText(key) : section.Text(key);

    /// <summary>A secret; null when absent.</summary>
    public static ConfigSecret? Secret(this ConfigSection section, string key, bool required = false) =>
        section.TextIf(required, key) is { } text ? new ConfigSecret(text) : null;

    /// <summary>A truth value, or what stands for it when absent.</summary>
    public static bool FlagOr(this ConfigSection section, string key, bool fallback) => section.Flag(key) ?? fallback;

    /// <summary>A whole number, or what stands for it when absent.</summary>
    public static int NumberOr(this ConfigSection section, string key, int fallback, int min, int max) => (int)(section.Number(key, min, max) ?? fallback);

    /// <summary>One of some words, each with what it stands for.</summary>
    public static T ChoiceOr<T>(this ConfigSection section, string key, T fallback, params (string Name, T Value)[] choices)
    {
        string? text = section.Choice(key, [.. choices.Select(c => c.Name)]);
        foreach ((string name, T value) in choices)
        {
            if (name == text)
            {
                return value;
            }
        }

        return fallback;
    }

    /// <summary>A table; an empty one when absent.</summary>
    public static ConfigSection SectionOrEmpty(this ConfigSection section, string key, ConfigProblems problems) =>
        section.Section(key) ?? new ConfigSection([], section.Path.Length == 0 ? key : section.Path + "." + key, problems);

    /// <summary>A table that somebody else reads; null when absent.</summary>
    public static JsonObject? RawTable(this ConfigSection section, string key)
    {
        switch (section.Raw(key))
        {
            case null:
                return null;
            case JsonObject table:
                return (JsonObject)table.DeepClone();
            default:
                section.Error(key, "another value", "a table");
                return null;
        }
    }
}
