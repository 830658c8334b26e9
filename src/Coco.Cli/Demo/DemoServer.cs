// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Coco.Client;

namespace Coco.Cli.Demo;

/// <summary>A real server process with a temporary home.</summary>
internal sealed class DemoServer : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _log;
    private readonly X509Certificate2 _authority;

    private DemoServer(Process process, StringBuilder log, string home, Uri url, X509Certificate2 authority)
    {
        _process = process;
        _log = log;
        Home = home;
        Url = url;
        _authority = authority;
    }

    public string Home { get; }

    public Uri Url { get; }

    public int ProcessId => _process.Id;

    /// <summary>SHA-256 of the authority's certificate that the server made for itself.</summary>
    public string Fingerprint => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(_authority.RawData));

    public KbsConnectionOptions Connection => new() { TrustedCertificates = [_authority] };

    public static async Task<DemoServer> StartAsync(string home, string roots, CancellationToken ct)
    {
        int port;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        var start = new ProcessStartInfo(FindProgram()) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["run", "--home", home, "--socket", "127.0.0.1:" + port, "--insecure-simulated-tee", roots])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["COCO_LOG_FORMAT"] = "text";
        var log = new StringBuilder();
        Process process = Process.Start(start) ?? throw new CommandFailedException("the server did not start");
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Line(string? line)
        {
            if (line is null)
            {
                return;
            }

            lock (log)
            {
                log.AppendLine(line);
            }

            if (line.Contains("listening on", StringComparison.Ordinal))
            {
                ready.TrySetResult();
            }
        }

        process.OutputDataReceived += (_, e) => Line(e.Data);
        process.ErrorDataReceived += (_, e) => Line(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        Task ended = process.WaitForExitAsync(ct);
        if (await Task.WhenAny(ready.Task, ended, Task.Delay(TimeSpan.FromMinutes(1), ct)).ConfigureAwait(false) != ready.Task)
        {
            string said;
            lock (log)
            {
                said = log.ToString();
            }

            if (!process.HasExited)
            {
                process.Kill();
            }

            throw new CommandFailedException("the server did not start listening; it said:\n" + said);
        }

        string authority = Path.Combine(home, "tls", "ca.pem");
        return new DemoServer(process, log, home, new Uri("https://localhost:" + port), X509CertificateLoader.LoadCertificateFromFile(authority));
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync().ConfigureAwait(false);
        }

        _process.Dispose();
        _authority.Dispose();
    }

    private static string FindProgram()
    {
        string here = AppContext.BaseDirectory;
        string[] places =
        [
            Path.Combine(here, "trustee"),
            Path.Combine(here, "..", "..", "Coco.Trustee", new DirectoryInfo(here).Name, "trustee"),
            Path.Combine(here, "..", "..", "Coco.Trustee", "release", "trustee"),
        ];
        return places.FirstOrDefault(File.Exists) is { } found
            ? Path.GetFullPath(found)
            : throw new CommandFailedException("the server program 'trustee' is not beside this one; build src/Coco.Trustee in Release, or start the demo by ./coco demo");
    }
}
