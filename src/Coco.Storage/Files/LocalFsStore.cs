// SPDX-License-Identifier: Apache-2.0
namespace Coco.Storage;

/// <summary>A file per key; also reads the nested folders of releases 0.5 to 0.15 (<c>repo/type/tag</c> as real folders).</summary>
internal sealed class LocalFsStore : FileStore
{
    private readonly string _folder;

    public LocalFsStore(string root, string ns, TimeProvider time)
        : base(root, ns, time)
    {
        _folder = Path.Combine(root, ns);
        FileNames.CreateFolder(_folder);
    }

    protected override byte[]? ReadValue(string key)
    {
        string flat = FlatPath(key);
        if (File.Exists(flat))
        {
            return File.ReadAllBytes(flat);
        }

        string nested = NestedPath(key);
        return key.Contains('/', StringComparison.Ordinal) && File.Exists(nested) ? File.ReadAllBytes(nested) : null;
    }

    protected override void WriteValue(string key, ReadOnlySpan<byte> value) => FileNames.WriteDurably(FlatPath(key), value);

    protected override void RemoveValue(string key)
    {
        File.Delete(FlatPath(key));
        string nested = NestedPath(key);
        if (key.Contains('/', StringComparison.Ordinal) && File.Exists(nested))
        {
            File.Delete(nested);
        }
    }

    protected override IEnumerable<string> Keys()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string file in Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories))
        {
            string relative = Path.GetRelativePath(_folder, file);
            if (!Path.GetFileName(file).StartsWith(".tmp-", StringComparison.Ordinal))
            {
                string key = relative.Contains('/', StringComparison.Ordinal) ? relative : FileNames.ToKey(relative);
                if (seen.Add(key))
                {
                    yield return key;
                }
            }
        }
    }

    protected override long ChangesFromOutside() => Directory.GetLastWriteTimeUtc(_folder).Ticks;

    private string FlatPath(string key) => Path.Combine(_folder, FileNames.FromKey(key));

    private string NestedPath(string key) => Path.Combine(_folder, key);
}
