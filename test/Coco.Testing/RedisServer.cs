// SPDX-License-Identifier: Apache-2.0
namespace Coco.Testing;

/// <summary>A Redis server of Debian's package on a free loopback port.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private readonly string _folder;
    private readonly ServerProcess _server;

    private RedisServer(string folder, int port, ServerProcess server)
    {
        _folder = folder;
        Port = port;
        _server = server;
    }

    /// <summary>Why it cannot be started here; null when it can.</summary>
    public static string? Missing => File.Exists("/usr/bin/redis-server") ? null : "redis-server is not installed";

    /// <summary>Its port.</summary>
    public int Port { get; }

    /// <summary>As a URL.</summary>
    public string Url => $"redis://127.0.0.1:{Port}";

    /// <summary>Starts one.</summary>
    public static async Task<RedisServer> StartAsync()
    {
        string folder = Directory.CreateTempSubdirectory("coco-redis").FullName;
        int port = FreePort.Next();
        ServerProcess server = ServerProcess.Start("/usr/bin/redis-server", ["--port", port.ToString(), "--bind", "127.0.0.1", "--save", "", "--dir", folder]);
        await server.WaitForPortAsync(port, TimeSpan.FromSeconds(30));
        return new RedisServer(folder, port, server);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
