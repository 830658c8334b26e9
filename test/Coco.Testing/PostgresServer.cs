// SPDX-License-Identifier: Apache-2.0
namespace Coco.Testing;

/// <summary>A PostgreSQL server of Debian's package on a free loopback port, with an empty database.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private readonly string _folder;
    private readonly string _binaries;
    private ServerProcess? _server;

    private PostgresServer(string folder, string binaries, int port)
    {
        _folder = folder;
        _binaries = binaries;
        Port = port;
    }

    /// <summary>Why it cannot be started here; null when it can.</summary>
    public static string? Missing => FindBinaries() is null ? "PostgreSQL is not installed" : null;

    /// <summary>Its port.</summary>
    public int Port { get; }

    /// <summary>For Npgsql.</summary>
    public string ConnectionString => $"Host=127.0.0.1;Port={Port};Username=postgres;Database=postgres";

    /// <summary>As a URL.</summary>
    public string Url => $"postgres://postgres@127.0.0.1:{Port}/postgres";

    /// <summary>Makes a cluster and starts it.</summary>
    public static async Task<PostgresServer> StartAsync()
    {
        string folder = Directory.CreateTempSubdirectory("coco-postgres").FullName;
        var server = new PostgresServer(folder, FindBinaries()!, FreePort.Next());
        await ServerProcess.RunAsync("chown", ["postgres", folder]);
        await ServerProcess.RunAsync("runuser", ["-u", "postgres", "--", server._binaries + "/initdb", "-A", "trust", "-U", "postgres", "-D", folder + "/data"], folder: "/");
        await server.ResumeAsync();
        return server;
    }

    /// <summary>Starts the server again after <see cref="StopAsync"/>.</summary>
    public async Task ResumeAsync()
    {
        string[] arguments =
        [
            "-u", "postgres", "--", _binaries + "/postgres", "-D", _folder + "/data", "-p", Port.ToString(),
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + _folder, "-c", "max_connections=100",
        ];
        _server = ServerProcess.Start("runuser", arguments, folder: "/");
        await _server.WaitForOutputAsync("database system is ready to accept connections", TimeSpan.FromSeconds(60));
    }

    /// <summary>Ends the server; its data stays.</summary>
    public async Task StopAsync()
    {
        await ServerProcess.RunAsync("runuser", ["-u", "postgres", "--", _binaries + "/pg_ctl", "stop", "-m", "immediate", "-D", _folder + "/data"], folder: "/");
        await _server!.DisposeAsync();
        _server = null;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await StopAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static string? FindBinaries() => Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => d + "/bin").LastOrDefault(b => File.Exists(b + "/initdb"))
        : null;
}
