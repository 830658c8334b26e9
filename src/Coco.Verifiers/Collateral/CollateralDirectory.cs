// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers;

/// <summary>
/// Collateral in a directory: read as a source, written by <c>coco collateral</c>. It also reads the reference's offline store of VCEKs
/// (<c>vcek/{hwid}/bl…_vcek.der</c>, then <c>vcek/{hwid}/vcek.der</c>). Thread-safe.
/// </summary>
/// <remarks>Our own layout: <c>{kind}/{id, its slashes as directories}.json</c>, each file one item (<see cref="CollateralItem.Encode"/>).</remarks>
/// <param name="path">The directory; it need not exist.</param>
public sealed class CollateralDirectory(string path) : ICollateralSource
{
    private const int MaximumFile = 32 * 1024 * 1024;

    private readonly string _path = Path.GetFullPath(path);

    /// <summary>Where the reference keeps its offline store.</summary>
    public static string ReferencePath => "/opt/confidential-containers/attestation-service/kds-store";

    /// <inheritdoc/>
    public string Name => "directory";

    /// <inheritdoc/>
    public bool Serves(string kind) => true;

    /// <inheritdoc/>
    public async ValueTask<Result<CollateralItem>> FetchAsync(CollateralKey key, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (FileOf(key) is not { } file)
        {
            return new Refusal(RefusalCode.Malformed, $"{key.Kind} {key.Id} is no name for a file");
        }

        if (await ReadAsync(file, key, ct).ConfigureAwait(false) is { } encoded)
        {
            return CollateralItem.Decode(encoded);
        }

        string[] parts = key.Id.Split('/');
        if (key.Kind == CollateralKinds.AmdVcek && parts.Length == 3)
        {
            string folder = Path.Combine(_path, "vcek", parts[1]);
            foreach (string name in (ReadOnlySpan<string>)[parts[2] + "_vcek.der", "vcek.der"])
            {
                string candidate = Path.Combine(folder, name);
                if (File.Exists(candidate))
                {
                    return new CollateralItem(await ReadAsync(candidate, key, ct).ConfigureAwait(false) ?? default);
                }
            }
        }

        return new Refusal(RefusalCode.NotFound, $"the directory has no {key.Kind} {key.Id}");
    }

    /// <summary>Writes an item; whole or not at all.</summary>
    public async ValueTask<Refusal?> PutAsync(CollateralKey key, CollateralItem item, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(item);
        if (FileOf(key) is not { } file)
        {
            return new Refusal(RefusalCode.Malformed, $"{key.Kind} {key.Id} is no name for a file");
        }

        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        string temporary = file + ".new";
        await File.WriteAllBytesAsync(temporary, item.Encode(), ct).ConfigureAwait(false);
        File.Move(temporary, file, overwrite: true);
        return null;
    }

    /// <summary>Everything in our own layout, in ordinal order of kind and id; files that cannot be read are left out.</summary>
    public async ValueTask<IReadOnlyList<(CollateralKey Key, CollateralItem Item)>> ListAsync(CancellationToken ct)
    {
        var found = new List<(CollateralKey, CollateralItem)>();
        if (!Directory.Exists(_path))
        {
            return found;
        }

        foreach (string file in Directory.EnumerateFiles(_path, "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string[] parts = Path.GetRelativePath(_path, file).Split(Path.DirectorySeparatorChar);
            if (parts.Length < 2)
            {
                continue;
            }

            var key = new CollateralKey(parts[0], string.Join('/', parts[1..])[..^".json".Length]);
            if (await ReadAsync(file, key, ct).ConfigureAwait(false) is { } encoded && CollateralItem.Decode(encoded).TryGet(out CollateralItem? item, out _))
            {
                found.Add((key, item));
            }
        }

        return found;
    }

    private static async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(string file, CollateralKey key, CancellationToken ct)
    {
        try
        {
            if (new FileInfo(file) is { Exists: true, Length: > MaximumFile })
            {
                throw new CollateralUnavailableException(key, $"the file of {key.Kind} is larger than {MaximumFile} bytes");
            }

            return await File.ReadAllBytesAsync(file, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CollateralUnavailableException(key, $"the file of {key.Kind} cannot be read: {e.Message}", e);
        }
    }

    private string? FileOf(CollateralKey key)
    {
        string[] parts = [key.Kind, .. key.Id.Split('/')];
        return Array.TrueForAll(parts, CollateralHttp.IsPlain) ? Path.Combine(_path, Path.Combine(parts)) + ".json" : null;
    }
}
