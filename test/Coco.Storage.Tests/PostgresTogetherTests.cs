// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace Coco.Storage.Tests;

/// <summary>Statements of several callers that go to PostgreSQL in one transaction.</summary>
public sealed class PostgresTogetherTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2080, 8, 21, 9, 0, 0, TimeSpan.Zero));
    private PostgresStoreProvider _provider = null!;
    private IKeyValueStore _store = null!;
    private NpgsqlConnection? _holder;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private PutOptions Session => new() { OnlyIfAbsent = true, Relaxed = true, ExpiresAt = _time.GetUtcNow().AddMinutes(5) };

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(fixture.Server is null, Coco.Testing.PostgresServer.Missing ?? string.Empty);
        _provider = new PostgresStoreProvider(fixture.Server!.Url, _time);
        _store = await OpenAsync(_provider);
        await ExecuteAsync("delete from coco_kv");
    }

    public async ValueTask DisposeAsync()
    {
        await (_holder?.DisposeAsync() ?? default);
        await (_provider?.DisposeAsync() ?? default);
    }

    [Fact]
    public async Task Put_OfOneKeyByManyCallersOfTwoReplicas_OneWins()
    {
        await using var replica = new PostgresStoreProvider(fixture.Server!.Url, _time);
        IKeyValueStore[] stores = [_store, await OpenAsync(replica)];

        bool[] won = await Task.WhenAll(Enumerable.Range(0, 200).Select(i =>
            Task.Run(() => stores[i % 2].PutAsync("k/" + (i / 2 % 4), Text(i), Session, Ct).AsTask(), Ct)));

        int[] winners = [.. Enumerable.Range(0, 200).Where(i => won[i])];
        Assert.Equal([0, 1, 2, 3], winners.Select(static i => i / 2 % 4).Order());
        foreach (int i in winners)
        {
            Assert.Equal(i.ToString(), await ReadAsync(stores[(i + 1) % 2], "k/" + (i / 2 % 4)));
        }
    }

    [Fact]
    public async Task Put_OfOneKeyInOneTransaction_FirstWins()
    {
        await using NpgsqlTransaction hold = await HoldAsync();
        Task[] ahead = Fill();
        Task<bool>[] puts = [.. Enumerable.Range(0, 6).Select(i => _store.PutAsync(i == 3 ? "other" : "same", Text(i), Session, Ct).AsTask())];

        await hold.CommitAsync(Ct);

        bool[] won = await Task.WhenAll(puts);
        Assert.Equal([true, false, false, true, false, false], won);
        await Task.WhenAll(ahead);
        Assert.Equal("0", await ReadAsync(_store, "same"));
        Assert.Equal(1L, await ExecuteAsync("select count(distinct xmin::text) from coco_kv where key in ('same', 'other')"));
    }

    [Fact]
    public async Task Put_InOneTransaction_ReplacesOnlyWhatIsOverItsTime()
    {
        await _store.PutAsync("old", Text(1), Session, Ct);
        _time.Advance(TimeSpan.FromMinutes(5));
        await _store.PutAsync("live", Text(2), Session, Ct);
        await using NpgsqlTransaction hold = await HoldAsync();
        Task[] ahead = Fill();
        Task<bool> old = _store.PutAsync("old", Text(3), Session, Ct).AsTask();
        Task<bool> live = _store.PutAsync("live", Text(4), Session, Ct).AsTask();

        await hold.CommitAsync(Ct);

        Assert.True(await old);
        Assert.False(await live);
        await Task.WhenAll(ahead);
        Assert.Equal("3", await ReadAsync(_store, "old"));
        Assert.Equal("2", await ReadAsync(_store, "live"));
    }

    [Fact]
    public async Task GetAndPut_Mixed_EachGetsItsOwn()
    {
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(
            async () =>
            {
                string key = "m/" + i;
                Assert.Null(await _store.GetAsync(key, Ct));
                Assert.True(await _store.PutAsync(key, Text(i), Session, Ct));
                StoredValue stored = (await _store.GetAsync(key, Ct))!.Value;
                Assert.Equal(i.ToString(), Encoding.ASCII.GetString(stored.Value.Span));
                Assert.Equal(Session.ExpiresAt, stored.ExpiresAt);
                Assert.False(await _store.PutAsync(key, Text(-1), Session, Ct));
            },
            Ct)));
    }

    [Fact]
    public async Task Put_OneThatTheServerRefuses_DoesNotHarmTheOthers()
    {
        await ExecuteAsync("alter table coco_kv add constraint refused check (key <> 'refused')");
        try
        {
            await using NpgsqlTransaction hold = await HoldAsync();
            Task[] ahead = Fill();
            Task<bool> before = _store.PutAsync("before", Text(1), Session, Ct).AsTask();
            Task<bool> refused = _store.PutAsync("refused", Text(2), Session, Ct).AsTask();
            Task<bool> same = _store.PutAsync("before", Text(3), Session, Ct).AsTask();
            Task<StoredValue?> read = _store.GetAsync("nothing", Ct).AsTask();

            await hold.CommitAsync(Ct);

            Assert.True(await before);
            await Assert.ThrowsAsync<StoreUnavailableException>(() => refused);
            Assert.False(await same);
            Assert.Null(await read);
            await Task.WhenAll(ahead);
        }
        finally
        {
            await ExecuteAsync("alter table coco_kv drop constraint refused");
        }
    }

    [Fact]
    public async Task Put_CancelledWhileItWaits_IsNotWrittenAndOthersAre()
    {
        using var cancelled = new CancellationTokenSource();
        await using NpgsqlTransaction hold = await HoldAsync();
        Task[] ahead = Fill();
        Task<bool> gone = _store.PutAsync("gone", Text(1), Session, cancelled.Token).AsTask();
        Task<bool> stays = _store.PutAsync("stays", Text(2), Session, Ct).AsTask();

        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        await hold.CommitAsync(Ct);
        Assert.True(await stays);
        await Task.WhenAll(ahead);
        Assert.Null(await _store.GetAsync("gone", Ct));
    }

    [Fact]
    public async Task GetAndPut_WhenTheServerStops_AllFailTypedAndLaterWork()
    {
        await HoldAsync();
        Task[] ahead = Fill();
        Task[] all = [.. ahead, .. Enumerable.Range(0, 8).Select(i =>
            i % 2 == 0 ? (Task)_store.PutAsync("x/" + i, Text(i), Session, Ct).AsTask() : _store.GetAsync("x/" + i, Ct).AsTask())];

        await fixture.Server!.StopAsync();

        foreach (Task one in all)
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(() => one);
        }

        await fixture.Server.ResumeAsync();
        Assert.True(await _store.PutAsync("again", Text(1), Session, Ct));
        Assert.Equal("1", await ReadAsync(_store, "again"));
    }

    [Fact]
    public async Task GetAndPut_WhenTheServerHangs_ThoseThatWaitFailWithThoseUnderWay()
    {
        await using var impatient = new PostgresStoreProvider(fixture.Server!.ConnectionString + ";Command Timeout=1", _time);
        IKeyValueStore store = await OpenAsync(impatient);
        await using NpgsqlTransaction hold = await HoldAsync();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        Task[] all = [.. Enumerable.Range(0, 1000).Select(i =>
            i % 2 == 0 ? (Task)store.PutAsync("h/" + i, Text(i), Session, Ct).AsTask() : store.GetAsync("h/" + i, Ct).AsTask())];

        foreach (Task one in all)
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(() => one);
        }

        // In turn they would take 1000 / 32 / 2 times as long as one.
        Assert.InRange(watch.Elapsed, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(10));
        await hold.CommitAsync(Ct);
        Assert.True(await store.PutAsync("later", Text(1), Session, Ct));
    }

    private static async ValueTask<IKeyValueStore> OpenAsync(PostgresStoreProvider provider) =>
        await provider.OpenAsync(StoreNamespace.Parse("kbs_protocol_session").Require(), Ct);

    private static byte[] Text(int number) => Encoding.ASCII.GetBytes(number.ToString());

    private static async Task<string> ReadAsync(IKeyValueStore store, string key) =>
        Encoding.ASCII.GetString((await store.GetAsync(key, Ct))!.Value.Value.Span);

    /// <summary>Keeps everybody from the table until the transaction ends.</summary>
    private async Task<NpgsqlTransaction> HoldAsync()
    {
        _holder = new NpgsqlConnection(fixture.Server!.ConnectionString + ";Pooling=false");
        await _holder.OpenAsync(Ct);
        NpgsqlTransaction transaction = await _holder.BeginTransactionAsync(Ct);
        await using var command = new NpgsqlCommand("lock table coco_kv in access exclusive mode", _holder, transaction);
        await command.ExecuteNonQueryAsync(Ct);
        return transaction;
    }

    /// <summary>As many statements as may be under way, so that what comes next gathers behind them.</summary>
    private Task[] Fill() =>
        [.. Enumerable.Range(0, PostgresCalls.MostUnderWay).Select(i => _store.PutAsync("ahead/" + i, Text(i), Session, Ct).AsTask())];

    private async Task<object?> ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(fixture.Server!.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(Ct);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Ct);
    }
}
