// SPDX-License-Identifier: Apache-2.0
namespace Coco.Testing;

/// <summary>HAProxy of Debian's package: spreads HTTP requests over replicas, and asks each for its readiness.</summary>
public sealed class HaproxyServer : IAsyncDisposable
{
    private const string Program = "/usr/sbin/haproxy";

    private readonly string _folder;
    private readonly ServerProcess _server;
    private readonly Uri _statistics;

    private HaproxyServer(string folder, ServerProcess server, int port, int statistics)
    {
        _folder = folder;
        _server = server;
        Url = new Uri("http://127.0.0.1:" + port);
        _statistics = new Uri($"http://127.0.0.1:{statistics}/;csv");
    }

    /// <summary>Why it cannot be started here; null when it can.</summary>
    public static string? Missing => File.Exists(Program) ? null : "HAProxy is not installed";

    /// <summary>Where it listens, without TLS.</summary>
    public Uri Url { get; }

    /// <summary>Starts one before replicas that speak plain HTTP.</summary>
    public static async Task<HaproxyServer> StartAsync(params IEnumerable<int> ports)
    {
        string folder = Directory.CreateTempSubdirectory("coco-haproxy").FullName;
        int port = FreePort.Next();
        int statistics = FreePort.Next();
        string servers = string.Join('\n', ports.Select(p => $"  server replica{p} 127.0.0.1:{p}"));
        string file = Path.Combine(folder, "haproxy.cfg");

        // What no replica has answered, because it went away, is asked of the other one; an answer is never asked for again.
        await File.WriteAllTextAsync(file, $"""
            defaults
              mode http
              timeout connect 5s
              timeout client 90s
              timeout server 90s
              option http-buffer-request
              option redispatch 1
              retries 5
              retry-on conn-failure empty-response
            frontend all
              bind 127.0.0.1:{port}
              default_backend replicas
            frontend statistics
              bind 127.0.0.1:{statistics}
              stats enable
              stats uri /
            backend replicas
              balance roundrobin
              option httpchk GET /readyz
              http-check expect status 200
              timeout check 10s
              default-server check inter 300ms fall 1 rise 1
            {servers}

            """);
        ServerProcess server = ServerProcess.Start(Program, ["-db", "-f", file]);
        await server.WaitForPortAsync(port, TimeSpan.FromSeconds(60));
        return new HaproxyServer(folder, server, port, statistics);
    }

    /// <summary>Whether it sends requests to the replica on a port.</summary>
    public async Task<bool> IsUpAsync(int port)
    {
        using var http = new HttpClient();
        string table = await http.GetStringAsync(_statistics);
        return table.Split('\n').Any(line => line.StartsWith($"replicas,replica{port},", StringComparison.Ordinal) && line.Split(',')[17] == "UP");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
