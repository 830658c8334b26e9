// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Coco.Client;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>Keys at rest change while requests go on.</summary>
public sealed class KeyRingRotationTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("coco-ring").FullName;
    private readonly Dictionary<string, string> _keys = new()
    {
        ["k1"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)),
        ["k2"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)),
    };

    private string Ring => Path.Combine(_folder, "ring.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Rotation_UnderLoad_FailsNoRequestAndLeavesNothingUnderTheFormerKey()
    {
        string[] arguments =
        [
            "--allow-all", "--set", "http_server.insecure_http=true", "--set", "storage_backend.storage_type=sqlite", "--set", $"storage_backend.encryption.key_ring={Ring}",
        ];
        string home = Path.Combine(_folder, "home");
        WriteRing("k1", "k1");
        await using (TrusteeProcess trustee = await TrusteeProcess.StartAsync(arguments, home: home, tls: false))
        {
            using KbsAdminClient admin = KbsAdminClient.Create(trustee.Url, null);
            Assert.Null(await admin.SetResourcePolicyAsync(SampleExchange.AllowResources));
            Assert.Null(await admin.SetResourceAsync("a/b/before", "sealed under k1"u8.ToArray()));
            var failures = new ConcurrentQueue<string>();
            using var stop = new CancellationTokenSource();
            Task readers = ReadAsync(trustee, failures, stop.Token);

            WriteRing("k1", "k1", "k2");
            await trustee.Server.WaitForOutputAsync("keys k1, k2, active k1", Limit);
            WriteRing("k2", "k1", "k2");
            await trustee.Server.WaitForOutputAsync("all are under key k2", Limit);
            File.WriteAllText(Ring, "not a ring");
            await trustee.Server.WaitForOutputAsync("the former one stays", Limit);
            WriteRing("k2", "k2");
            await trustee.Server.WaitForOutputAsync("keys k2, active k2", Limit);
            Assert.Null(await admin.SetResourceAsync("a/b/after", "sealed under k2"u8.ToArray()));
            await stop.CancelAsync();
            await readers;
            Assert.Empty(failures);
            await trustee.Server.TerminateAsync(Limit);
        }

        string stored = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(Path.Combine(home, "trustee.db")));
        Assert.DoesNotContain("sealed under", stored);
        await using TrusteeProcess again = await TrusteeProcess.StartAsync(arguments, home: home, tls: false);
        using KbsClient guest = KbsClient.Create(again.Url, new SampleEvidenceProvider());
        Assert.Equal("sealed under k1", await ReadAsync(guest, "a/b/before"));
        Assert.Equal("sealed under k2", await ReadAsync(guest, "a/b/after"));
    }

    [Fact]
    public async Task Ring_OverAStoreInUse_SealsItInTheBackground()
    {
        string home = Path.Combine(_folder, "home");
        string[] plain = ["--allow-all", "--set", "http_server.insecure_http=true", "--set", "storage_backend.storage_type=local_fs", "--set", $"storage_backend.backends.local_fs.dir_path={_folder}/files"];
        string secret = Path.Combine(_folder, @"files/repository/a\x2Fb\x2Fc");
        await using (TrusteeProcess first = await TrusteeProcess.StartAsync(plain, home: home, tls: false))
        {
            using KbsAdminClient admin = KbsAdminClient.Create(first.Url, null);
            Assert.Null(await admin.SetResourcePolicyAsync(SampleExchange.AllowResources));
            Assert.Null(await admin.SetResourceAsync("a/b/c", "was in the clear"u8.ToArray()));
            Assert.Equal("was in the clear", await File.ReadAllTextAsync(secret));
        }

        WriteRing("k1", "k1");
        string[] ring = [.. plain, "--set", $"storage_backend.encryption.key_ring={Ring}"];
        await using (TrusteeProcess second = await TrusteeProcess.StartAsync([.. ring, "--set", "storage_backend.encryption.accept_plain=true"], home: home, tls: false))
        {
            await second.Server.WaitForOutputAsync("all are under key k1", Limit);
        }

        Assert.DoesNotContain("clear", Encoding.Latin1.GetString(await File.ReadAllBytesAsync(secret)));
        await using TrusteeProcess third = await TrusteeProcess.StartAsync(ring, home: home, tls: false);
        using KbsClient guest = KbsClient.Create(third.Url, new SampleEvidenceProvider());
        Assert.Equal("was in the clear", await ReadAsync(guest, "a/b/c"));
    }

    private static async Task ReadAsync(TrusteeProcess trustee, ConcurrentQueue<string> failures, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            using KbsClient guest = KbsClient.Create(trustee.Url, new SampleEvidenceProvider());
            string read = await ReadAsync(guest, "a/b/before");
            if (read != "sealed under k1")
            {
                failures.Enqueue(read);
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }

    private static async Task<string> ReadAsync(KbsClient guest, string path)
    {
        if (!(await guest.GetResourceAsync(path)).TryGet(out Secret? secret, out Refusal? refusal))
        {
            return refusal.ToString();
        }

        using (secret)
        {
            return Encoding.UTF8.GetString(secret.Reveal());
        }
    }

    private void WriteRing(string active, params string[] ids) => File.WriteAllText(
        Ring, $$"""{"active":"{{active}}","keys":[{{string.Join(',', ids.Select(i => $$"""{"id":"{{i}}","key":"{{_keys[i]}}"}"""))}}]}""");
}
