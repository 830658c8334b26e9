// SPDX-License-Identifier: Apache-2.0
using Coco.Client;

namespace Coco.EndToEnd.Tests;

/// <summary>Guests of every protocol version against the real server: handshake, then a secret that was stored for them.</summary>
public sealed class FormerGuestTests(FormerGuestTests.Server server) : IClassFixture<FormerGuestTests.Server>
{
    [Theory]
    [InlineData("0.5", "0.1.0")]
    [InlineData("0.6", "0.1.0")]
    [InlineData("0.8", "0.1.0")]
    [InlineData("0.9", "0.1.0")]
    [InlineData("0.10", "0.1.1")]
    [InlineData("0.12", "0.2.0")]
    [InlineData("june-2025", "0.3.0")]
    [InlineData("0.14", "0.4.0")]
    public async Task Guest_OfARelease_GetsItsSecret(string release, string version)
    {
        using var guest = new GuestOfRelease(release, server.Url);

        string token = await guest.AttestAsync();

        Assert.Equal(version, guest.Version);
        Assert.Equal(3, token.Split('.').Length);
        Assert.Equal("for every release", await guest.GetAsync("default/key/1"));
        if (version is "0.1.0" or "0.1.1")
        {
            Assert.Equal("for every release", await guest.GetAsync("key/1"));
        }
    }

    /// <summary>One server for all.</summary>
    public sealed class Server : IAsyncLifetime
    {
        private TrusteeProcess _trustee = null!;

        public Uri Url => _trustee.Url;

        public async ValueTask InitializeAsync()
        {
            _trustee = await TrusteeProcess.StartAsync(["--allow-all", "--set", "http_server.insecure_http=true"], tls: false);
            using KbsAdminClient admin = KbsAdminClient.Create(_trustee.Url, null);
            Assert.Null(await admin.SetResourcePolicyAsync(SampleExchange.AllowResources));
            Assert.Null(await admin.SetResourceAsync("default/key/1", "for every release"u8.ToArray()));
        }

        public ValueTask DisposeAsync() => _trustee.DisposeAsync();
    }
}
