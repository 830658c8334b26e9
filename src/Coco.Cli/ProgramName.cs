// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Cli;

/// <summary>The name under which the program was called.</summary>
internal static class ProgramName
{
    /// <summary>The first word of the command line; .NET itself only tells the file behind a link.</summary>
    public static string Get()
    {
        const string CommandLineFile = "/proc/self/cmdline";
        if (File.Exists(CommandLineFile))
        {
            byte[] words = File.ReadAllBytes(CommandLineFile);
            int end = Array.IndexOf(words, (byte)0);
            if (end > 0)
            {
                return Encoding.UTF8.GetString(words, 0, end);
            }
        }

        return Environment.ProcessPath ?? "coco";
    }
}
