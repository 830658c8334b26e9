// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Trustee;

/// <summary>The name under which the program was called: a familiar one selects that program's flags.</summary>
internal static class ProgramName
{
    /// <summary>The last part of the first word of the command line; .NET itself only tells the file behind a link.</summary>
    public static string Get()
    {
        const string CommandLineFile = "/proc/self/cmdline";
        if (!File.Exists(CommandLineFile))
        {
            return "trustee";
        }

        byte[] words = File.ReadAllBytes(CommandLineFile);
        int end = Array.IndexOf(words, (byte)0);
        return Path.GetFileName(Encoding.UTF8.GetString(words, 0, end < 0 ? words.Length : end));
    }
}
