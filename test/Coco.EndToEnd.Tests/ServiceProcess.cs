// SPDX-License-Identifier: Apache-2.0
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>A stand-alone service of the real server program (<c>trustee as</c>, <c>trustee rvps</c>), with a folder of its own for configuration and state.</summary>
public sealed class ServiceProcess : IAsyncDisposable
{
    private ServiceProcess(ServerProcess server, string folder)
    {
        Server = server;
        Folder = folder;
    }

    /// <summary>The process.</summary>
    public ServerProcess Server { get; }

    /// <summary>Its folder; the configuration is <c>config.json</c> in it.</summary>
    public string Folder { get; }

    /// <summary>The token of its administrator.</summary>
    public string AdminTokenPath => Path.Combine(Folder, "home", "admin-token");

    /// <summary>Starts one and waits until it listens on every address; the configuration is written first.</summary>
    /// <param name="folder">Where, ended with the process.</param>
    /// <param name="command"><c>as</c> or <c>rvps</c>, and its further arguments.</param>
    /// <param name="configuration">Text of the configuration file; FOLDER stands for the folder.</param>
    /// <param name="listeners">How many addresses it listens on.</param>
    /// <param name="environment">Environment variables.</param>
    public static async Task<ServiceProcess> StartAsync(
        string folder, string[] command, string configuration, int listeners = 1, IReadOnlyDictionary<string, string>? environment = null)
    {
        ServerProcess server = Start(folder, command, configuration, environment);
        for (int i = 0; i < listeners; i++)
        {
            await server.WaitForOutputAsync("listening on", TimeSpan.FromSeconds(90), i + 1);
        }

        return new ServiceProcess(server, folder);
    }

    /// <summary>Starts one that is expected to end by itself, and gives its exit code and output.</summary>
    public static async Task<(int Code, string Output)> RunAsync(string folder, string[] command, string configuration, IReadOnlyDictionary<string, string>? environment = null)
    {
        await using ServerProcess server = Start(folder, command, configuration, environment);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        await server.Process.WaitForExitAsync(limit.Token);
        return (server.Process.ExitCode, server.Output);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await Server.DisposeAsync();

    private static ServerProcess Start(string folder, string[] command, string configuration, IReadOnlyDictionary<string, string>? environment)
    {
        string path = Path.Combine(folder, "config.json");
        File.WriteAllText(path, configuration.Replace("FOLDER", folder, StringComparison.Ordinal));
        return ServerProcess.Start(
            TrusteeProcess.Program("Coco.Trustee", "trustee"),
            [command[0], "--home", Path.Combine(folder, "home"), "-c", path, .. command[1..]],
            new Dictionary<string, string>(environment ?? new Dictionary<string, string>()) { ["COCO_LOG_FORMAT"] = "text" });
    }
}
