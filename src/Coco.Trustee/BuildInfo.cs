// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Reflection;

namespace Coco.Trustee;

/// <summary>Which build of the program runs.</summary>
internal static class BuildInfo
{
    /// <summary>Version, three numbers.</summary>
    public static string Version => typeof(BuildInfo).Assembly.GetName().Version?.ToString(3) ?? "0";

    /// <summary>The commit that it was built from, hexadecimal; empty when it was not built from a repository.</summary>
    public static string Commit =>
        typeof(BuildInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+') is [_, var commit, ..] ? commit : string.Empty;

    /// <summary>Day (UTC) on which the program's file was written; empty when it has no file of its own. A build that wrote it inside would not be reproducible.</summary>
    public static string Date
    {
        get
        {
            string file = Path.Combine(AppContext.BaseDirectory, typeof(BuildInfo).Assembly.GetName().Name + ".dll");
            return File.Exists(file) ? File.GetLastWriteTimeUtc(file).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) : string.Empty;
        }
    }
}
