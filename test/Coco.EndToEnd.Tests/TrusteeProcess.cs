// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography.X509Certificates;
using Coco.Client;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>The real server program, on a free port, with a home of its own.</summary>
public sealed class TrusteeProcess : IAsyncDisposable
{
    private readonly bool _ownsHome;

    private TrusteeProcess(ServerProcess server, string home, bool ownsHome, Uri url)
    {
        Server = server;
        Home = home;
        _ownsHome = ownsHome;
        Url = url;
    }

    /// <summary>The process.</summary>
    public ServerProcess Server { get; }

    /// <summary>Its state.</summary>
    public string Home { get; }

    /// <summary>Base address.</summary>
    public Uri Url { get; }

    /// <summary>The administrator's token.</summary>
    public string AdminToken => File.ReadAllText(Path.Combine(Home, "admin-token")).Trim();

    /// <summary>Path of the authority that signs its certificate.</summary>
    public string AuthorityPath => Path.Combine(Home, "tls", "ca.pem");

    /// <summary>How clients connect.</summary>
    public KbsConnectionOptions Connection => new()
    {
        TrustedCertificates = Url.Scheme == "https" ? [X509CertificateLoader.LoadCertificateFromFile(AuthorityPath)] : [],
    };

    /// <summary>A program that was built beside these tests.</summary>
    public static string Program(string project, string name) =>
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", project, new DirectoryInfo(AppContext.BaseDirectory).Name, name));

    /// <summary>Starts one and waits until it listens.</summary>
    public static async Task<TrusteeProcess> StartAsync(
        IEnumerable<string>? arguments = null, string? home = null, int? port = null, IReadOnlyDictionary<string, string>? environment = null, bool tls = true)
    {
        int at = port ?? FreePort.Next();
        string folder = home ?? Directory.CreateTempSubdirectory("coco-e2e").FullName;
        var variables = new Dictionary<string, string>(environment ?? new Dictionary<string, string>()) { ["COCO_LOG_FORMAT"] = "text" };
        ServerProcess server = ServerProcess.Start(
            Program("Coco.Trustee", "trustee"), ["run", "--home", folder, "--socket", "127.0.0.1:" + at, .. arguments ?? []], variables);
        await server.WaitForOutputAsync("listening on", TimeSpan.FromSeconds(90));
        return new TrusteeProcess(server, folder, home is null, new Uri((tls ? "https" : "http") + "://localhost:" + at));
    }

    /// <summary>An administrator's client.</summary>
    public KbsAdminClient Admin() => KbsAdminClient.Create(Url, AdminToken, Connection);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        if (_ownsHome)
        {
            Directory.Delete(Home, recursive: true);
        }
    }
}
