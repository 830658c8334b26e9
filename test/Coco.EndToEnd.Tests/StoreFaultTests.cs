// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Text;
using Coco.Client;
using Coco.Protocol;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>A full disk and a damaged database under the real server.</summary>
public sealed class StoreFaultTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);
    private static readonly string[] Plain = ["--allow-all", "--set", "http_server.insecure_http=true"];

    private readonly string _folder = Directory.CreateTempSubdirectory("coco-faults").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task FullDisk_Answers503AndGoesOnWhenThereIsSpace()
    {
        Assert.SkipWhen(Environment.UserName != "root" || !OperatingSystem.IsLinux(), "only root can mount a small file system");
        await ServerProcess.RunAsync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", _folder]);
        try
        {
            await using TrusteeProcess trustee = await TrusteeProcess.StartAsync(Plain, home: Path.Combine(_folder, "home"), tls: false);
            using var http = new HttpClient { BaseAddress = trustee.Url };
            using KbsAdminClient admin = KbsAdminClient.Create(trustee.Url, null);
            Assert.Null(await admin.SetResourcePolicyAsync(SampleExchange.AllowResources));
            var writes = new AcknowledgedWrites(trustee.Url, "full");
            Task load = writes.RunAsync(CancellationToken.None);
            await Poll.UntilAsync(() => Task.FromResult(writes.Count >= 20), "20 writes", Limit);

            string ballast = Path.Combine(_folder, "ballast");
            await FillAsync(ballast);
            await load;

            using (HttpResponseMessage refused = await http.PostAsync("kbs/v0/resource/full/probe/1", new StringContent(new string('x', 1 << 20))))
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
                Assert.NotNull(refused.Headers.RetryAfter);
                Assert.Contains("PluginInternalError", await refused.Content.ReadAsStringAsync());
            }

            await Poll.UntilAsync(async () => await StatusAsync(http, "readyz") == HttpStatusCode.ServiceUnavailable, "not ready", Limit);
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(http, "healthz"));
            Assert.Contains("no space is left", trustee.Server.Output);

            File.Delete(ballast);
            await Poll.UntilAsync(async () => await StatusAsync(http, "readyz") == HttpStatusCode.OK, "ready", Limit);
            Assert.Null(await admin.SetResourceAsync("full/probe/2", "stored"u8.ToArray()));
            using KbsClient guest = KbsClient.Create(trustee.Url, new SampleEvidenceProvider());
            Assert.Empty(await writes.FindLostAsync(guest));
        }
        finally
        {
            await ServerProcess.RunAsync("umount", [_folder]);
        }
    }

    [Fact]
    public async Task DamagedDatabase_WhileRunningAndAtStart_IsNamedAndLeftAsItIs()
    {
        string home = Path.Combine(_folder, "home");
        string file = Path.Combine(home, "trustee.db");
        await using (TrusteeProcess first = await TrusteeProcess.StartAsync(Plain, home: home, tls: false))
        {
            using KbsAdminClient admin = KbsAdminClient.Create(first.Url, null);
            Assert.Null(await admin.SetResourcePolicyAsync(SampleExchange.AllowResources));
            for (int i = 0; i < 60; i++)
            {
                Assert.Null(await admin.SetResourceAsync($"large/value/{i}", new byte[60_000]));
            }

            await first.Server.TerminateAsync(Limit);
        }

        await using (TrusteeProcess running = await TrusteeProcess.StartAsync(Plain, home: home, tls: false))
        {
            using var http = new HttpClient { BaseAddress = running.Url };
            using KbsClient guest = KbsClient.Create(running.Url, new SampleEvidenceProvider());
            Assert.True((await guest.AttestAsync()).TryGet(out _, out _));
            await OverwriteAsync(file);

            await Poll.UntilAsync(
                async () =>
                {
                    for (int i = 0; i < 60; i++)
                    {
                        (await guest.GetResourceAsync($"large/value/{i}")).TryGet(out Secret? secret, out _);
                        secret?.Dispose();
                    }

                    return await StatusAsync(http, "readyz") == HttpStatusCode.ServiceUnavailable;
                },
                "the damage",
                Limit);

            Assert.Contains($"the SQLite file {file} is damaged", running.Server.Output);
            Assert.Contains(".recover", running.Server.Output);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(http, "kbs/v0/resources"));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(http, "healthz"));
        }

        byte[] left = await File.ReadAllBytesAsync(file);
        InvalidOperationException start = await Assert.ThrowsAsync<InvalidOperationException>(() => TrusteeProcess.StartAsync(Plain, home: home, tls: false));

        Assert.Contains($"trustee: the SQLite file {file} is damaged", start.Message);
        Assert.Equal(left, await File.ReadAllBytesAsync(file));
    }

    private static async Task FillAsync(string path)
    {
        byte[] block = new byte[4096];
        await using FileStream stream = File.Create(path, 4096, FileOptions.WriteThrough);
        try
        {
            while (true)
            {
                await stream.WriteAsync(block);
                await stream.FlushAsync();
            }
        }
        catch (IOException)
        {
            // Full now.
        }
    }

    private static async Task OverwriteAsync(string path)
    {
        await using FileStream stream = File.OpenWrite(path);
        byte[] rubbish = new byte[stream.Length - 4096];
        Array.Fill(rubbish, (byte)0xEE);
        stream.Position = 4096;
        await stream.WriteAsync(rubbish);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, string path)
    {
        using HttpResponseMessage answer = await http.GetAsync(path);
        return answer.StatusCode;
    }
}
