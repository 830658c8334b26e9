// SPDX-License-Identifier: Apache-2.0
namespace Coco.Storage;

/// <summary>Names and durable writes that the file stores share. Source: kbs.md 7.4.</summary>
internal static class FileNames
{
    private const string Slash = @"\x2F";

    /// <summary>The folder beside the namespaces in which versions and expiry are kept: the value files stay as other implementations know them.</summary>
    public const string MetadataFolder = ".coco";

    public static string FromKey(string key) => key.Replace("/", Slash, StringComparison.Ordinal);

    public static string ToKey(string fileName) => fileName.Replace(Slash, "/", StringComparison.Ordinal);

    public static void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>Writes to a temporary file in the same folder, flushes it to the disk, and renames it over the target.</summary>
    public static void WriteDurably(string path, ReadOnlySpan<byte> value)
    {
        string temporary = Path.Combine(Path.GetDirectoryName(path)!, ".tmp-" + Guid.NewGuid().ToString("N"));
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            using (var stream = new FileStream(temporary, options))
            {
                stream.Write(value);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
