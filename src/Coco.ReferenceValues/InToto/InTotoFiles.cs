// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.ReferenceValues.InToto;

/// <summary>The files of a chain: links, and what inspections look at.</summary>
internal abstract class InTotoFiles
{
    /// <summary>Limit for one file.</summary>
    protected const int MaxFileBytes = 64 << 20;

    /// <summary>Null when a relative path with <c>/</c> may be used: not absolute, no <c>..</c>.</summary>
    public static Refusal? Check(string path)
    {
        if (path.Length is 0 or > 1024 || path[0] is '/' or '\\' || path.Contains('\0', StringComparison.Ordinal) || (path.Length > 1 && path[1] == ':'))
        {
            return new Refusal(RefusalCode.Malformed, $"'{(path.Length > 64 ? path[..64] : path)}' is not a relative path") { Field = "files" };
        }

        return path.Split('/', '\\').Any(s => s is ".." or ".")
            ? new Refusal(RefusalCode.Malformed, $"'{path}' leaves its directory") { Field = "files" }
            : null;
    }

    /// <summary>The bytes of a file; null when there is none, or the path is not one that may be used.</summary>
    public abstract byte[]? Read(string path);

    /// <summary>Writes all files below a directory.</summary>
    public abstract void CopyTo(string directory);
}

/// <summary>Files that came in a message.</summary>
internal sealed class InTotoMemoryFiles(ImmutableSortedDictionary<string, byte[]> files) : InTotoFiles
{
    public override byte[]? Read(string path) => files.GetValueOrDefault(path);

    public override void CopyTo(string directory)
    {
        foreach ((string path, byte[] bytes) in files)
        {
            string target = Path.Combine(directory, path);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.WriteAllBytes(target, bytes);
        }
    }
}

/// <summary>Files below a directory.</summary>
/// <param name="links">Where links are read from.</param>
/// <param name="work">What inspections see.</param>
internal sealed class InTotoDirectory(string links, string work) : InTotoFiles
{
    private const int MaxFiles = 100_000;

    public override byte[]? Read(string path)
    {
        if (Check(path) is not null)
        {
            return null;
        }

        var file = new FileInfo(Path.Combine(links, path));
        return file.Exists && file.Length <= MaxFileBytes ? File.ReadAllBytes(file.FullName) : null;
    }

    public override void CopyTo(string directory)
    {
        int count = 0;
        foreach (string file in Directory.EnumerateFiles(work, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }))
        {
            if (++count > MaxFiles)
            {
                throw new IOException($"more than {MaxFiles} files below the directory that inspections should see");
            }

            string target = Path.Combine(directory, Path.GetRelativePath(work, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
