// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;

namespace Coco.Storage;

/// <summary>The <c>LocalFs</c> layout: <c>dir/namespace/key</c>, with <c>/</c> of the key written as <c>\x2F</c> (kbs.md 7.4).</summary>
/// <param name="folder">The directory; created with mode 0700 where it does not exist.</param>
/// <param name="time">The clock for expiry.</param>
public sealed class LocalFsStoreProvider(string folder, TimeProvider time) : IStoreProvider
{
    private readonly ConcurrentDictionary<StoreNamespace, LocalFsStore> _stores = new();

    /// <inheritdoc/>
    public ValueTask<IKeyValueStore> OpenAsync(StoreNamespace name, CancellationToken ct) =>
        new(_stores.GetOrAdd(name, static (n, a) => new LocalFsStore(a.folder, n.Value, a.time), (folder, time)));

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoreNamespace>> ListNamespacesAsync(CancellationToken ct) => new(FileNamespaces.In(
        folder,
        Directory.Exists(folder) ? Directory.EnumerateDirectories(folder).Where(d => Directory.EnumerateFiles(d, "*", SearchOption.AllDirectories).Any()) : []));
}

/// <summary>The <c>LocalJson</c> layout: <c>dir/namespace</c> is one JSON object (kbs.md 7.4). A write rewrites the whole file.</summary>
/// <param name="folder">The directory; created with mode 0700 where it does not exist.</param>
/// <param name="time">The clock for expiry.</param>
public sealed class LocalJsonStoreProvider(string folder, TimeProvider time) : IStoreProvider
{
    private readonly ConcurrentDictionary<StoreNamespace, LocalJsonStore> _stores = new();

    /// <inheritdoc/>
    public ValueTask<IKeyValueStore> OpenAsync(StoreNamespace name, CancellationToken ct) =>
        new(_stores.GetOrAdd(name, static (n, a) => new LocalJsonStore(a.folder, n.Value, a.time), (folder, time)));

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoreNamespace>> ListNamespacesAsync(CancellationToken ct) =>
        new(FileNamespaces.In(folder, Directory.Exists(folder) ? Directory.EnumerateFiles(folder).Where(f => new FileInfo(f).Length > 2) : []));
}

/// <summary>Turns folder entries into namespaces.</summary>
internal static class FileNamespaces
{
    public static IReadOnlyList<StoreNamespace> In(string folder, IEnumerable<string> paths)
    {
        var names = new List<StoreNamespace>();
        foreach (string name in paths.Select(p => Path.GetRelativePath(folder, p)).Order(StringComparer.Ordinal))
        {
            if (StoreNamespace.Parse(name).TryGet(out StoreNamespace parsed, out _))
            {
                names.Add(parsed);
            }
        }

        return names;
    }
}
