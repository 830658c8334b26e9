// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Coco.Load;

/// <summary>A server in a process of its own, ended with the measurement.</summary>
internal sealed class ServerUnderLoad : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _folder;

    private ServerUnderLoad(Process process, int port, string folder, int grpcPort = 0)
    {
        GrpcPort = grpcPort;
        _process = process;
        Port = port;
        _folder = folder;
    }

    public int Port { get; }

    /// <summary>Port of the gRPC face of an attestation service; its REST face is at <see cref="Port"/>.</summary>
    public int GrpcPort { get; }

    /// <summary>Folder of the server's state.</summary>
    public string Home => _folder;

    /// <summary>Resident memory in MiB.</summary>
    public double ResidentMebibytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64 / 1048576.0;
        }
    }

    /// <summary>User and system time that the process has used.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    private static string Program => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "Coco.Trustee", "release", "trustee"));

    /// <summary>The bare application.</summary>
    public static Task<ServerUnderLoad> BareAsync(bool plain)
    {
        int port = FreePort();
        return StartAsync(Environment.ProcessPath!, ["bare", plain ? port + ",plain" : port.ToString()], port, new Dictionary<string, string>());
    }

    /// <summary>The real server, with a temporary home.</summary>
    public static Task<ServerUnderLoad> TrusteeAsync(IEnumerable<string> more, IReadOnlyDictionary<string, string>? environment = null, string? home = null)
    {
        int port = FreePort();
        home ??= Directory.CreateTempSubdirectory("coco-load").FullName;
        var all = new Dictionary<string, string>(environment ?? new Dictionary<string, string>()) { ["COCO_LOG"] = "warn" };
        return StartAsync(Program, ["run", "--home", home, "--socket", "127.0.0.1:" + port, "--allow-all", .. more], port, all, home);
    }

    /// <summary>The attestation service alone with both faces, with SQLite in a temporary home.</summary>
    public static async Task<ServerUnderLoad> AttestationAsync(IEnumerable<string> more, string home)
    {
        int port = FreePort(), grpcPort = FreePort();
        string configuration = Path.Combine(home, "as.json");
        await File.WriteAllTextAsync(configuration, """{"storage_backend":{"storage_type":"Sqlite","backends":{"sqlite":{"path":"FOLDER/as.db"}}}}""".Replace("FOLDER", home));
        ServerUnderLoad server = await StartAsync(
            Program,
            ["as", "--home", home, "-c", configuration, "--grpc-socket", "127.0.0.1:" + grpcPort, "--rest-socket", "127.0.0.1:" + port, .. more],
            port,
            new Dictionary<string, string> { ["COCO_LOG"] = "warn" },
            home);
        return new ServerUnderLoad(server._process, port, home, grpcPort);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        if (_folder.Length > 0 && Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private static async Task<ServerUnderLoad> StartAsync(string program, string[] arguments, int port, IReadOnlyDictionary<string, string> environment, string folder = "")
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = false };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        Process process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        for (int i = 0; i < 600; i++)
        {
            if (process.HasExited)
            {
                throw new InvalidOperationException($"{program} ended with {process.ExitCode}");
            }

            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, port);
                return new ServerUnderLoad(process, port, folder);
            }
            catch (SocketException)
            {
                await Task.Delay(100);
            }
        }

        throw new TimeoutException(program + " did not listen");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
