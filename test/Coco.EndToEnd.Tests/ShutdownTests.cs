// SPDX-License-Identifier: Apache-2.0
using Coco.Testing;

namespace Coco.EndToEnd.Tests;

/// <summary>What becomes of requests that are under way when the server is told to end.</summary>
public sealed class ShutdownTests
{
    [Fact]
    public async Task Terminate_WithARequestUnderWay_AnswersItAndEndsWell()
    {
        await using TrusteeProcess trustee = await TrusteeProcess.StartAsync(["--allow-all", "--set", "http_server.insecure_http=true", "--set", "http_server.min_data_rate=1"], tls: false);
        using RawConnection connection = await RawConnection.OpenAsync(trustee.Url);
        await connection.SendAsync($"POST /kbs/v0/resource/a/b/c HTTP/1.1\r\nHost: kbs\r\nContent-Length: {4000}\r\n\r\n{new string('x', 2000)}");
        await Poll.UntilAsync(async () => (await MetricsAsync(trustee)).Contains("kbs_http_active_connections 1", StringComparison.Ordinal), "the request", TimeSpan.FromSeconds(30));

        Task ended = trustee.Server.TerminateAsync(TimeSpan.FromSeconds(60));
        await trustee.Server.WaitForOutputAsync("shutting down", TimeSpan.FromSeconds(30));
        await connection.SendAsync(new string('x', 2000));

        Assert.StartsWith("HTTP/1.1 200", await connection.ReadToEndAsync());
        await ended;
        Assert.Equal(0, trustee.Server.Process.ExitCode);
    }

    private static async Task<string> MetricsAsync(TrusteeProcess trustee)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(new Uri(trustee.Url, "metrics"));
    }
}
