// SPDX-License-Identifier: Apache-2.0
using Coco.Client;
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

public sealed class SqliteKillTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Kill_UnderLoad_KeepsEveryAcknowledgedWrite()
    {
        string[] arguments = ["--allow-all", "--set", "http_server.insecure_http=true"];
        await using TrusteeProcess killed = await TrusteeProcess.StartAsync(arguments, tls: false);
        using (KbsAdminClient admin = KbsAdminClient.Create(killed.Url, null))
        {
            Assert.Null(await admin.SetResourcePolicyAsync(SampleExchange.AllowResources));
        }

        var writes = new AcknowledgedWrites(killed.Url, "load");
        Task load = writes.RunAsync(CancellationToken.None);
        await Poll.UntilAsync(() => Task.FromResult(writes.Count >= 40 || !writes.Failures.IsEmpty), "40 writes", Limit);
        Assert.Empty(writes.Failures);
        await killed.Server.KillAsync();
        await load;

        await using TrusteeProcess again = await TrusteeProcess.StartAsync(arguments, home: killed.Home, port: killed.Url.Port, tls: false);
        using KbsClient guest = KbsClient.Create(again.Url, new SampleEvidenceProvider());
        Assert.Empty(await writes.FindLostAsync(guest));
    }
}
