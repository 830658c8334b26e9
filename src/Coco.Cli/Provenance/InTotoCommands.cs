// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Coco.ReferenceValues.InToto;

namespace Coco.Cli.Provenance;

/// <summary><c>coco in-toto verify</c>: options and exit codes are those of Debian's <c>in-toto-verify</c>, so its words go through as they are.</summary>
internal static class InTotoCommands
{
    public static Command Build()
    {
        var group = new Command("in-toto", "Supply chains described by in-toto layouts");
        var verify = new Command("verify", "Verify a chain; exit 0 it holds, 1 it does not, 2 wrong usage. " + InTotoVerifyCommand.Usage) { TreatUnmatchedTokensAsErrors = false };
        verify.SetAction((parsed, ct) => RunAsync(parsed.UnmatchedTokens, ct));
        group.Add(verify);
        return group;
    }

    /// <summary>Runs it with the words behind <c>in-toto verify</c>.</summary>
    public static Task<int> RunAsync(IReadOnlyList<string> words, CancellationToken ct) =>
        InTotoVerifyCommand.RunAsync(words, Directory.GetCurrentDirectory(), TimeProvider.System, Console.Out, Console.Error, ct);
}
