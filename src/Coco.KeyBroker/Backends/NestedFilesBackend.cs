// SPDX-License-Identifier: Apache-2.0
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>Resources in folders, <c>DIR/repository/type/tag</c>, as releases 0.5 to 0.15 kept them (kbs.md 7.4).</summary>
public sealed class NestedFilesBackend : ISecretBackend
{
    private const int MaxBytes = 8 << 20;
    private readonly string _root;

    /// <param name="root">The folder; made when it does not exist.</param>
    public NestedFilesBackend(string root)
    {
        _root = Path.GetFullPath(root);
        CreateFolder(_root);
    }

    /// <inheritdoc/>
    public string Type => "LocalFs";

    /// <inheritdoc/>
    public async ValueTask<Result<Secret>> ReadAsync(ResourcePath path, CancellationToken ct)
    {
        try
        {
            using var file = new FileStream(PathOf(path), new FileStreamOptions { Options = FileOptions.Asynchronous });
            if (file.Length > MaxBytes)
            {
                return new Refusal(RefusalCode.TooLarge, "the file is too large for a resource");
            }

            byte[] bytes = new byte[file.Length];
            await file.ReadExactlyAsync(bytes, ct);
            var secret = Secret.CopyOf(bytes);
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(bytes);
            return secret;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            return Missing(path);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Refusal?> WriteAsync(ResourcePath path, Secret value, CancellationToken ct)
    {
        string target = PathOf(path);
        string folder = Path.GetDirectoryName(target)!;
        CreateFolder(folder);
        string temporary = Path.Combine(folder, "." + Path.GetRandomFileName());
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.Asynchronous };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            using (var file = new FileStream(temporary, options))
            {
                await file.WriteAsync(value.RevealMemory(), ct);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, target, overwrite: true);
            return null;
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<Refusal?> DeleteAsync(ResourcePath path, CancellationToken ct)
    {
        string target = PathOf(path);
        if (!File.Exists(target))
        {
            return new(Missing(path));
        }

        File.Delete(target);
        return new((Refusal?)null);
    }

    // The segments of a path hold no slash and do not begin with a dot, so none leads out; a link might.
    private string PathOf(ResourcePath path)
    {
        string target = Path.Combine(_root, path.Repository, path.Type, path.Tag);
        foreach (string part in new[] { Path.Combine(_root, path.Repository), Path.Combine(_root, path.Repository, path.Type), target })
        {
            if (new FileInfo(part).LinkTarget is not null)
            {
                throw new IOException("a part of a resource's path is a link");
            }
        }

        return target;
    }

    private static void CreateFolder(string path)
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

    private static Refusal Missing(ResourcePath path) => new(RefusalCode.NotFound, $"there is no resource {path}");
}
