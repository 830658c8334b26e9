// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace Coco.Trustee;

/// <summary>How many files and sockets this process may have open.</summary>
internal static class OpenFiles
{
    private const int Otherwise = 1024;
    private const int Most = 1 << 17;
    private const string Line = "Max open files";

    /// <summary>The soft limit, which the runtime raised to the hard one when it started; at most 131072, and 1024 where it cannot be read.</summary>
    public static int Limit()
    {
        try
        {
            string? line = File.ReadLines("/proc/self/limits").FirstOrDefault(l => l.StartsWith(Line, StringComparison.Ordinal));
            string soft = line?[Line.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() ?? string.Empty;
            return soft == "unlimited" ? Most : int.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out int limit) ? Math.Clamp(limit, Otherwise, Most) : Otherwise;
        }
        catch (IOException)
        {
            return Otherwise;
        }
    }
}
