// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;

namespace Coco.ReferenceValues.InToto;

/// <summary>
/// Runs inspections: commands that the layout's owner chose. In a fresh directory with nothing but the given files, without a shell, with an
/// empty environment, without network where the kernel lets us, and not longer than a limit.
/// </summary>
internal sealed class InspectionRunner(TimeSpan timeout)
{
    private const string Unshare = "/usr/bin/unshare";
    private const int MaxFiles = 100_000;

    private static readonly ImmutableArray<string> Excluded = ["*.link*", ".git", "*.pyc", "*~"];

    // The strongest first: all namespaces of a user without rights, then those that root can have, then none.
    private static readonly ImmutableArray<ImmutableArray<string>> Isolations =
    [
        ["--user", "--map-root-user", "--net", "--ipc", "--pid", "--fork", "--kill-child"],
        ["--net", "--ipc", "--pid", "--fork", "--kill-child"],
    ];

    private readonly Lazy<ImmutableArray<string>?> _isolation = new(FindIsolation);

    /// <summary>Runs them in order and gives their links.</summary>
    public async ValueTask<Result<ImmutableArray<InTotoLink>>> RunAsync(ImmutableArray<InTotoInspection> inspections, InTotoFiles files, CancellationToken ct)
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("coco-inspect-");
        try
        {
            files.CopyTo(directory.FullName);
            var links = ImmutableArray.CreateBuilder<InTotoLink>(inspections.Length);
            foreach (InTotoInspection inspection in inspections)
            {
                ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> before = Record(directory.FullName);
                if (await RunAsync(inspection, directory.FullName, ct).ConfigureAwait(false) is { } failed)
                {
                    return failed;
                }

                links.Add(new InTotoLink(inspection.Name, before, Record(directory.FullName), inspection.Run));
            }

            return links.DrainToImmutable();
        }
        finally
        {
            directory.Delete(recursive: true);
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
                if (Excluded.Any(p => Glob.Matches(p, entry.Name)) || all.Count >= MaxFiles)
                {
                    continue;
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

    private static ImmutableArray<string>? FindIsolation()
    {
        if (File.Exists(Unshare))
        {
            foreach (ImmutableArray<string> isolation in Isolations)
            {
                try
                {
                    using Process probe = Process.Start(Info(Unshare, [.. isolation, "--", "/bin/true"], "/"))!;
                    probe.StandardInput.Close();
                    if (probe.WaitForExit(TimeSpan.FromSeconds(5)) && probe.ExitCode == 0)
                    {
                        return isolation;
                    }
                }
                catch (Win32Exception)
                {
                    return null;
                }
            }
        }

        return null;
    }

    private static ProcessStartInfo Info(string program, ImmutableArray<string> arguments, string directory)
    {
        var info = new ProcessStartInfo(program)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        info.Environment.Clear();
        info.Environment["PATH"] = "/usr/local/bin:/usr/bin:/bin";
        info.Environment["HOME"] = directory;
        info.Environment["TMPDIR"] = directory;
        info.Environment["LANG"] = "C.UTF-8";
        return info;
    }

    private async ValueTask<Refusal?> RunAsync(InTotoInspection inspection, string directory, CancellationToken ct)
    {
        if (inspection.Run.IsEmpty)
        {
            return Failed(inspection, "has no command");
        }

        ProcessStartInfo info = _isolation.Value is { } isolation
            ? Info(Unshare, [.. isolation, "--", .. inspection.Run], directory)
            : Info(inspection.Run[0], inspection.Run[1..], directory);
        Process process;
        try
        {
            process = Process.Start(info)!;
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
