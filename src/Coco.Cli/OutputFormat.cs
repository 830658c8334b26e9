// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;

namespace Coco.Cli;

/// <summary>The option <c>--output text|json</c> that all commands share.</summary>
internal static class OutputFormat
{
    /// <summary>A fresh option; true when JSON is wanted.</summary>
    public static Option<string> Option()
    {
        var option = new Option<string>("--output", "-o")
        {
            Description = "text for people, json for programs",
            DefaultValueFactory = _ => "text",
        };
        option.AcceptOnlyFromAmong("text", "json");
        return option;
    }

    /// <summary>Whether JSON was asked for.</summary>
    public static bool IsJson(this ParseResult result, Option<string> option) => result.GetValue(option) == "json";
}
