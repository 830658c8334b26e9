// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace Coco.Storage;

/// <summary>
/// One namespace kept in files that other implementations read and write too. Versions and expiry lie in a folder beside; a value that
/// was changed from outside gets a new version when it is next seen.
/// </summary>
internal abstract class FileStore : IKeyValueStore
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly TimeProvider _time;
    private readonly string _metadata;
    private readonly string _lockPath;
    private readonly string _counterPath;

    protected FileStore(string root, string ns, TimeProvider time)
    {
        _time = time;
        string metadataRoot = Path.Combine(root, FileNames.MetadataFolder);
        _metadata = Path.Combine(metadataRoot, ns);
        _lockPath = Path.Combine(metadataRoot, ns + ".lock");
        _counterPath = Path.Combine(metadataRoot, ns + ".generation");
        FileNames.CreateFolder(root);
        FileNames.CreateFolder(metadataRoot);
        FileNames.CreateFolder(_metadata);
    }

    private readonly record struct Metadata(long Version, long? ExpiresAt, string Digest);

    /// <inheritdoc/>
    public ValueTask<StoredValue?> GetAsync(string key, CancellationToken ct)
    {
        StoreKeys.Require(key);
        return LockedAsync(() => Find(key), ct);
    }

    /// <inheritdoc/>
    public ValueTask<bool> PutAsync(string key, ReadOnlyMemory<byte> value, PutOptions options, CancellationToken ct)
    {
        StoreKeys.Require(key);
        StoreKeys.RequireValue(value);
        return LockedAsync(
            () =>
            {
                if (options.OnlyIfAbsent || options.IfVersion is not null)
                {
                    StoredValue? present = Find(key);
                    if ((options.OnlyIfAbsent && present is not null) || (options.IfVersion is { } wanted && present?.Version != wanted))
                    {
                        return false;
                    }
                }

                long version = NextVersion();

                // The metadata names the digest of the value, so that a kill between the two writes leaves a value with a stale entry,
                // which reads as changed from outside, and never an old expiry on a new value.
                WriteValue(key, value.Span);
                WriteMetadata(key, new Metadata(version, options.ExpiresAt?.ToUnixTimeMilliseconds(), DigestOf(value.Span)));
                return true;
            },
            ct);
    }

    /// <inheritdoc/>
    public ValueTask<StoredValue?> DeleteAsync(string key, CancellationToken ct)
    {
        StoreKeys.Require(key);
        return LockedAsync(
            () =>
            {
                StoredValue? present = Find(key);
                if (present is not null)
                {
                    NextVersion();
                    RemoveValue(key);
                    File.Delete(MetadataPath(key));
                }

                return present;
            },
            ct);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken ct)
    {
        List<string> keys = await LockedAsync(
            () =>
            {
                var found = new List<string>();
                foreach (string key in Keys())
                {
                    if (key.StartsWith(prefix, StringComparison.Ordinal) && StoreKeys.Check(key) is null && !IsExpired(key))
                    {
                        found.Add(key);
                    }
                }

                found.Sort(StringComparer.Ordinal);
                return found;
            },
            ct).ConfigureAwait(false);
        foreach (string key in keys)
        {
            ct.ThrowIfCancellationRequested();
            yield return key;
        }
    }

    /// <inheritdoc/>
    public ValueTask<long> GetGenerationAsync(CancellationToken ct) => LockedAsync(() => ReadCounter() + ChangesFromOutside(), ct);

    /// <summary>The value as it lies in the files; null when there is none.</summary>
    protected abstract byte[]? ReadValue(string key);

    protected abstract void WriteValue(string key, ReadOnlySpan<byte> value);

    protected abstract void RemoveValue(string key);

    protected abstract IEnumerable<string> Keys();

    /// <summary>A number that moves when somebody else wrote the files.</summary>
    protected abstract long ChangesFromOutside();

    private static string DigestOf(ReadOnlySpan<byte> value) => Convert.ToHexStringLower(SHA256.HashData(value));

    private StoredValue? Find(string key)
    {
        if (ReadValue(key) is not { } value)
        {
            return null;
        }

        string digest = DigestOf(value);
        if (ReadMetadata(key) is not { } metadata || metadata.Digest != digest)
        {
            metadata = new Metadata(NextVersion(), null, digest);
            WriteMetadata(key, metadata);
        }

        if (metadata.ExpiresAt <= _time.GetUtcNow().ToUnixTimeMilliseconds())
        {
            RemoveValue(key);
            File.Delete(MetadataPath(key));
            return null;
        }

        return new StoredValue(value, metadata.Version)
        {
            ExpiresAt = metadata.ExpiresAt is { } e ? DateTimeOffset.FromUnixTimeMilliseconds(e) : null,
        };
    }

    private bool IsExpired(string key) => ReadMetadata(key)?.ExpiresAt <= _time.GetUtcNow().ToUnixTimeMilliseconds();

    private string MetadataPath(string key) => Path.Combine(_metadata, FileNames.FromKey(key));

    private Metadata? ReadMetadata(string key)
    {
        string path = MetadataPath(key);
        if (!File.Exists(path))
        {
            return null;
        }

        string[] parts = File.ReadAllText(path).Split(' ');
        return parts.Length == 3
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out long version)
            && long.TryParse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long expiry)
                ? new Metadata(version, expiry < 0 ? null : expiry, parts[2])
                : null;
    }

    private void WriteMetadata(string key, Metadata metadata) => FileNames.WriteDurably(
        MetadataPath(key),
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{metadata.Version} {metadata.ExpiresAt ?? -1} {metadata.Digest}")));

    private long ReadCounter() =>
        File.Exists(_counterPath) && long.TryParse(File.ReadAllText(_counterPath), NumberStyles.None, CultureInfo.InvariantCulture, out long n) ? n : 0;

    private long NextVersion()
    {
        long next = ReadCounter() + 1;
        FileNames.WriteDurably(_counterPath, Encoding.ASCII.GetBytes(next.ToString(CultureInfo.InvariantCulture)));
        return next;
    }

    private async ValueTask<T> LockedAsync<T>(Func<T> action, CancellationToken ct)
    {
        await _gate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            using FileStream held = await HoldFileLockAsync(ct).ConfigureAwait(false);
            return action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException("the file store cannot be read or written: " + e.GetType().Name, e);
        }
        finally
        {
            _gate.Release();
        }
    }

    // FileShare.None is an advisory lock on Unix: it orders the processes of ours that share the folder.
    private async ValueTask<FileStream> HoldFileLockAsync(CancellationToken ct)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                return new FileStream(_lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (attempt < 2000)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(5), ct).ConfigureAwait(false);
            }
        }
    }
}
