// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco.Cli.EvidenceCommands;

/// <summary>EC keys in PEM files.</summary>
internal static class KeyFiles
{
    /// <summary>Public keys (or private ones, of which only the public part is used).</summary>
    public static async Task<IReadOnlyList<ECDsa>> ReadPublicAsync(IReadOnlyList<string> paths, CancellationToken ct)
    {
        var keys = new List<ECDsa>();
        foreach (string path in paths)
        {
            keys.Add(await ReadAsync(path, ct).ConfigureAwait(false));
        }

        return keys;
    }

    /// <summary>A key of either kind.</summary>
    /// <exception cref="CommandFailedException">It cannot be read, or is none.</exception>
    public static async Task<ECDsa> ReadAsync(string path, CancellationToken ct)
    {
        ECDsa key = ECDsa.Create();
        try
        {
            key.ImportFromPem(await File.ReadAllTextAsync(path, ct).ConfigureAwait(false));
            return key;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            key.Dispose();
            throw new CommandFailedException($"cannot read an EC key from {path}: {e.Message}");
        }
    }
}
