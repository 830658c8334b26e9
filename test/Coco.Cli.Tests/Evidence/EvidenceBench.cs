// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Sockets;
using Coco.Simulator.Amd;
using Coco.Tee.Snp;

namespace Coco.Cli.Tests.Evidence;

/// <summary>A simulated vendor, a guest on it, and their files in a folder of their own.</summary>
public sealed class EvidenceBench : IDisposable
{
    private readonly SimulatedAmd _vendor = new(SnpGeneration.Genoa);
    private readonly SimulatedSnpGuest _guest;
    private readonly string _folder = Directory.CreateTempSubdirectory("coco").FullName;

    public EvidenceBench()
    {
        _guest = _vendor.CreateGuest(new SimulatedSnpGuestOptions { HostData = [9, 9] });
        Root = Write("root.pem", System.Text.Encoding.ASCII.GetBytes(_vendor.GetChainPem(vlek: false)));
        Report = Write("report.bin", _guest.GetReport(Nonce));
        Vcek = Write("vcek.der", _guest.VekCertificate);
        Table = Write("auxblob.bin", _guest.GetCertificateTable());
        Evidence = Write("evidence.json", System.Text.Encoding.UTF8.GetBytes(_guest.GetEvidence(Nonce).ToJsonString()));
    }

    public static byte[] Nonce { get; } = [.. Enumerable.Range(1, 48).Select(i => (byte)i)];

    public string Folder => _folder;

    public SimulatedAmd Vendor => _vendor;

    public SimulatedSnpGuest Guest => _guest;

    public string Root { get; }

    public string Report { get; }

    public string Vcek { get; }

    public string Table { get; }

    public string Evidence { get; }

    public string Write(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public void Dispose()
    {
        _guest.Dispose();
        _vendor.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>The simulated key distribution service on a loopback port that the system chose.</summary>
public sealed class LoopbackKds : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly HttpMessageInvoker _kds;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public LoopbackKds(SimulatedAmd vendor)
    {
        _kds = new HttpMessageInvoker(vendor.CreateKdsHandler());
        _listener.Start();
        Address = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        _loop = Task.Run(RunAsync);
    }

    public string Address { get; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _kds.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            using TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
            using NetworkStream stream = client.GetStream();
            using var reader = new StreamReader(stream, leaveOpen: true);
            string[] words = (await reader.ReadLineAsync(_stop.Token) ?? string.Empty).Split(' ');
            while (!string.IsNullOrEmpty(await reader.ReadLineAsync(_stop.Token)))
            {
            }

            using var request = new HttpRequestMessage(HttpMethod.Get, Address + words.ElementAtOrDefault(1));
            using HttpResponseMessage response = await _kds.SendAsync(request, _stop.Token);
            byte[] body = await response.Content.ReadAsByteArrayAsync(_stop.Token);
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"HTTP/1.1 {(int)response.StatusCode} x\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n"), _stop.Token);
            await stream.WriteAsync(body, _stop.Token);
        }
    }
}
