// SPDX-License-Identifier: Apache-2.0
using Coco.Testing;

namespace Coco.Storage.Tests;

public sealed class RedisStoreTests : StoreContract
{
    private RedisServer? _server;

    [Fact]
    public async Task Get_ValueOfAnotherImplementation_GivesIt()
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        await ServerProcess.RunAsync("redis-cli", ["-p", _server!.Port.ToString(), "SET", "repository:a/b/c", "theirs"]);
        IKeyValueStore store = await OpenAsync("repository");

        Assert.Equal("theirs"u8.ToArray(), (await store.GetAsync("a/b/c", ct))!.Value.Value.ToArray());
    }

    protected override async ValueTask<IStoreProvider> CreateAsync()
    {
        Assert.SkipWhen(RedisServer.Missing is not null, RedisServer.Missing ?? string.Empty);
        _server = await RedisServer.StartAsync();
        return new RedisStoreProvider(_server.Url, Time);
    }

    protected override async ValueTask DestroyAsync(IStoreProvider provider)
    {
        if (provider is RedisStoreProvider redis)
        {
            await redis.DisposeAsync();
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
