// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;

namespace Coco.ReferenceValues.InToto;

/// <summary>
/// Runs inspections: commands that the layout's owner chose. In a fresh directory with nothing but the given files, in an
/// <see cref="InspectionSandbox"/>, without a shell, and not longer than a limit.
/// </summary>
internal sealed class InspectionRunner(TimeSpan timeout)
{
    private const int MaxFiles = 100_000;

    // Pipes, sockets and unreadable files would hold up the recording; links that an inspection made could lead out of the sandbox.
    private static readonly ImmutableArray<string> Tidy =
        ["/bin/sh", "-c", "chmod -R u+rwX . && find . ! -type f ! -type d ! -type l -delete && find . -type l -lname '*/*' -delete"];

    private static readonly ImmutableArray<string> Excluded = ["*.link*", ".git", "*.pyc", "*~"];

    /// <summary>Runs them in order and gives their links.</summary>
    public async ValueTask<Result<ImmutableArray<InTotoLink>>> RunAsync(ImmutableArray<InTotoInspection> inspections, InTotoFiles files, CancellationToken ct)
    {
        if (!InspectionSandbox.IsAvailable)
        {
            return new Refusal(RefusalCode.Unsupported, "inspections run in a sandbox only, and this machine does not allow one (util-linux's unshare, mount and setpriv)")
            {
                Check = "in-toto.inspection",
            };
        }

        DirectoryInfo directory = Directory.CreateTempSubdirectory("coco-inspect-"), root = Directory.CreateTempSubdirectory("coco-root-");
        try
        {
            files.CopyTo(directory.FullName);
            var links = ImmutableArray.CreateBuilder<InTotoLink>(inspections.Length);
            foreach (InTotoInspection inspection in inspections)
            {
                ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> before = Record(directory.FullName);
                Refusal? failed = await RunAsync(inspection, inspection.Run, root.FullName, directory.FullName, ct).ConfigureAwait(false)
                    ?? await RunAsync(inspection, Tidy, root.FullName, directory.FullName, ct).ConfigureAwait(false);
                if (failed is not null)
                {
                    return failed;
                }

                links.Add(new InTotoLink(inspection.Name, before, Record(directory.FullName), inspection.Run));
            }

            return links.DrainToImmutable();
        }
        finally
        {
            await RemoveAsync(root.FullName, directory.FullName).ConfigureAwait(false);
        }
    }

    /// <summary>Digests of the files below a directory, by path with <c>/</c>.</summary>
    internal static ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> Record(string directory)
    {
        ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>>.Builder all =
            ImmutableSortedDictionary.CreateBuilder<string, ImmutableSortedDictionary<string, string>>(StringComparer.Ordinal);
        var todo = new Stack<string>([directory]);
        while (todo.TryPop(out string? at))
        {
            foreach (FileSystemInfo entry in new DirectoryInfo(at).EnumerateFileSystemInfos())
            {
                if (Excluded.Any(p => Glob.Matches(p, entry.Name)))
                {
                    continue;
                }

                if (all.Count >= MaxFiles)
                {
                    throw new IOException($"more than {MaxFiles} files in the directory of an inspection");
                }

                if (entry is DirectoryInfo inner)
                {
                    if (inner.LinkTarget is null)
                    {
                        todo.Push(inner.FullName);
                    }
                }
                else if (File.Exists(entry.FullName))
                {
                    using FileStream stream = File.OpenRead(entry.FullName);
                    string path = Path.GetRelativePath(directory, entry.FullName).Replace('\\', '/');
                    all[path] = ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create("sha256", Convert.ToHexStringLower(SHA256.HashData(stream)))]);
                }
            }
        }

        return all.ToImmutable();
    }

    // Also what an inspection made unreadable goes.
    private static async ValueTask RemoveAsync(string root, string directory)
    {
        using (Process tidy = Process.Start(InspectionSandbox.Start(root, directory, ["/bin/chmod", "-R", "u+rwX", "."]))!)
        {
            tidy.StandardInput.Close();
            await tidy.WaitForExitAsync().ConfigureAwait(false);
        }

        Directory.Delete(directory, recursive: true);
        Directory.Delete(root, recursive: true);
    }

    private async ValueTask<Refusal?> RunAsync(InTotoInspection inspection, ImmutableArray<string> command, string root, string directory, CancellationToken ct)
    {
        if (command.IsEmpty)
        {
            return Failed(inspection, "has no command");
        }

        Process process;
        try
        {
            process = Process.Start(InspectionSandbox.Start(root, directory, command))!;
        }
        catch (Win32Exception e)
        {
            return Failed(inspection, $"could not be started: {e.Message}");
        }

        using (process)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            limit.CancelAfter(timeout);
            process.StandardInput.Close();

            // What it writes is drained and dropped, so that a full pipe does not stop it.
            Task drained = Task.WhenAll(
                process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, limit.Token),
                process.StandardError.BaseStream.CopyToAsync(Stream.Null, limit.Token));
            try
            {
                await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
                await drained.ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                ct.ThrowIfCancellationRequested();
                return Failed(inspection, $"did not end within {timeout.TotalSeconds} s");
            }

            return process.ExitCode == 0 ? null : Failed(inspection, $"ended with {process.ExitCode}");
        }
    }

    private static Refusal Failed(InTotoInspection inspection, string how) =>
        new(RefusalCode.PolicyDenied, $"inspection '{inspection.Name}' {how}") { Check = "in-toto.inspection", Field = inspection.Name };
}
