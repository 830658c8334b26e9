// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;

namespace Coco.ReferenceValues.InToto;

/// <summary>
/// Where inspections run: namespaces of their own (mounts, processes, network, IPC), a root that holds the system's programs read-only and one writable
/// directory, no capabilities, an empty environment. Built with util-linux's programs; where the kernel does not allow it, nothing runs.
/// </summary>
internal sealed class InspectionSandbox
{
    private const string Unshare = "/usr/bin/unshare";

    // $0 is the new root, $1 the writable directory, the rest is the command. The command's words are never parsed by the shell.
    private const string Setup = """
        set -eu
        r=$0; d=$1; shift
        ulimit -c 0
        mount --make-rprivate /
        mount -t tmpfs -o mode=755,size=64m none "$r"
        for p in /usr /bin /sbin /lib /lib32 /lib64 /libx32; do
          if [ -L "$p" ]; then ln -s "$(readlink "$p")" "$r$p"
          elif [ -d "$p" ]; then mkdir -p "$r$p"; mount --rbind "$p" "$r$p"; mount -o remount,bind,ro,nosuid,nodev "$r$p"; fi
        done
        mkdir "$r/etc" "$r/dev" "$r/proc" "$r/tmp"
        mount -t tmpfs -o mode=1777,size=64m none "$r/tmp"
        for p in /etc/ld.so.cache /etc/alternatives; do if [ -e "$p" ]; then cp -a "$p" "$r$p"; fi; done
        for p in null zero full random urandom; do : > "$r/dev/$p"; mount --bind "/dev/$p" "$r/dev/$p"; done
        mount -t proc -o nosuid,nodev,noexec proc "$r/proc"
        mkdir -p "$r$d"
        mount --bind "$d" "$r$d"
        mount -o remount,bind,ro,nosuid,nodev "$r"
        exec chroot "$r" /usr/bin/setpriv --no-new-privs --inh-caps=-all --bounding-set=-all -- /bin/sh -c 'cd "$0" && exec "$@"' "$d" "$@"
        """;

    // A user namespace needs no rights; without one, root can still make the others.
    private static readonly ImmutableArray<ImmutableArray<string>> Ways =
    [
        ["--user", "--map-root-user", "--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child"],
        ["--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child"],
    ];

    private static readonly Lazy<ImmutableArray<string>?> Way = new(FindWay);

    /// <summary>Whether this machine lets inspections be locked up.</summary>
    public static bool IsAvailable => Way.Value is not null;

    /// <summary>How a command is started in it.</summary>
    /// <param name="root">An empty directory; the new root is mounted over it.</param>
    /// <param name="directory">The command's working directory, and all that it can write to.</param>
    /// <param name="command">Program and arguments.</param>
    public static ProcessStartInfo Start(string root, string directory, ImmutableArray<string> command) => Info(Way.Value!.Value, root, directory, command);

    private static ProcessStartInfo Info(ImmutableArray<string> way, string root, string directory, ImmutableArray<string> command)
    {
        var info = new ProcessStartInfo(Unshare)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string argument in (string[])[.. way, "--", "/bin/sh", "-c", Setup, root, directory, .. command])
        {
            info.ArgumentList.Add(argument);
        }

        info.Environment.Clear();
        info.Environment["PATH"] = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
        info.Environment["HOME"] = directory;
        info.Environment["TMPDIR"] = directory;
        info.Environment["LANG"] = "C.UTF-8";
        return info;
    }

    private static ImmutableArray<string>? FindWay()
    {
        if (!File.Exists(Unshare))
        {
            return null;
        }

        DirectoryInfo root = Directory.CreateTempSubdirectory("coco-root-"), directory = Directory.CreateTempSubdirectory("coco-inspect-");
        try
        {
            foreach (ImmutableArray<string> way in Ways)
            {
                using Process probe = Process.Start(Info(way, root.FullName, directory.FullName, ["/bin/true"]))!;
                probe.StandardInput.Close();
                if (probe.WaitForExit(TimeSpan.FromSeconds(20)) && probe.ExitCode == 0)
                {
                    return way;
                }
            }

            return null;
        }
        catch (Win32Exception)
        {
            return null;
        }
        finally
        {
            root.Delete(recursive: true);
            directory.Delete(recursive: true);
        }
    }
}
