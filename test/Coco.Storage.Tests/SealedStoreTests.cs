// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Storage.Tests;

public sealed class SealedStoreTests : StoreContract
{
    private readonly KeyRing _ring = KeyRing.Generate("one");
    private MemoryStoreProvider _inner = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Put_LeavesNothingReadableInTheStore()
    {
        IKeyValueStore store = await OpenAsync("kbs");

        await store.PutAsync("k", "plain text"u8.ToArray(), default, Ct);

        IKeyValueStore raw = await _inner.OpenAsync(StoreNamespace.Parse("kbs").Require(), Ct);
        Assert.DoesNotContain("plain", Encoding.Latin1.GetString((await raw.GetAsync("k", Ct))!.Value.Value.Span));
    }

    [Fact]
    public async Task Get_RecordMovedToAnotherKey_IsRefused()
    {
        IKeyValueStore store = await OpenAsync("kbs");
        await store.PutAsync("mine", "secret"u8.ToArray(), default, Ct);
        IKeyValueStore raw = await _inner.OpenAsync(StoreNamespace.Parse("kbs").Require(), Ct);

        await raw.PutAsync("theirs", (await raw.GetAsync("mine", Ct))!.Value.Value, default, Ct);

        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.GetAsync("theirs", Ct));
    }

    [Fact]
    public async Task Get_PlainRecord_IsRefusedUnlessAccepted()
    {
        IKeyValueStore raw = await _inner.OpenAsync(StoreNamespace.Parse("kbs").Require(), Ct);
        await raw.PutAsync("k", "plain"u8.ToArray(), default, Ct);

        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await (await OpenAsync("kbs")).GetAsync("k", Ct));
        IKeyValueStore lenient = await new SealedStoreProvider(_inner, _ring, acceptPlain: true).OpenAsync(StoreNamespace.Parse("kbs").Require(), Ct);
        Assert.Equal("plain"u8.ToArray(), (await lenient.GetAsync("k", Ct))!.Value.Value.ToArray());
    }

    [Fact]
    public async Task Reseal_WithANewActiveKey_ChangesEveryRecordAndKeepsTheValues()
    {
        IKeyValueStore store = await OpenAsync("kbs");
        for (int i = 0; i < 5; i++)
        {
            await store.PutAsync($"k{i}", Encoding.ASCII.GetBytes($"v{i}"), default, Ct);
        }

        byte[] old = _ring.Export();
        string both = Encoding.UTF8.GetString(old).Replace("\"active\":\"one\"", "\"active\":\"two\"").Replace("\"keys\":[", "\"keys\":[{\"id\":\"two\",\"key\":\"" + Convert.ToBase64String(new byte[32]) + "\"},");
        KeyRing ring = KeyRing.Parse(Encoding.UTF8.GetBytes(both)).Require();
        var provider = new SealedStoreProvider(_inner, ring, acceptPlain: false);
        StoreNamespace ns = StoreNamespace.Parse("kbs").Require();

        Assert.Equal(5, await provider.ResealAsync(ns, null, Ct));
        Assert.Equal(0, await provider.ResealAsync(ns, null, Ct));

        KeyRing onlyNew = KeyRing.Parse(Encoding.UTF8.GetBytes("{\"active\":\"two\",\"keys\":[{\"id\":\"two\",\"key\":\"" + Convert.ToBase64String(new byte[32]) + "\"}]}")).Require();
        IKeyValueStore reopened = await new SealedStoreProvider(_inner, onlyNew, acceptPlain: false).OpenAsync(ns, Ct);
        Assert.Equal("v3"u8.ToArray(), (await reopened.GetAsync("k3", Ct))!.Value.Value.ToArray());
    }

    [Fact]
    public void Open_AnyBitFlipped_IsRefused()
    {
        byte[] record = _ring.Seal("secret"u8, "about"u8);
        Assert.Null(_ring.Open(record, "about"u8).Refusal);

        for (int bit = 0; bit < record.Length * 8; bit++)
        {
            byte[] changed = (byte[])record.Clone();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));

            Assert.NotNull(_ring.Open(changed, "about"u8).Refusal);
        }

        Assert.NotNull(_ring.Open(record, "other"u8).Refusal);
        for (int length = 0; length < record.Length; length++)
        {
            Assert.NotNull(_ring.Open(record.AsSpan(0, length), "about"u8).Refusal);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"active\":\"a\",\"keys\":[]}")]
    [InlineData("{\"active\":\"a\",\"keys\":[{\"id\":\"a\",\"key\":\"AAAA\"}]}")]
    [InlineData("{\"active\":\"a\",\"keys\":[{\"id\":\"a b\",\"key\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}]}")]
    [InlineData("{\"active\":\"a\",\"keys\":7}")]
    public void Parse_BadRing_IsRefused(string json) =>
        Assert.Equal(RefusalCode.Malformed, KeyRing.Parse(Encoding.UTF8.GetBytes(json)).Refusal!.Code);

    [Fact]
    public async Task LoadOrCreate_ByManyAtOnce_GivesOneRing()
    {
        KeyRing[] rings = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () => await StoredKeyRing.LoadOrCreateAsync(_inner, Ct), Ct)));

        Assert.Single(rings.Select(r => r.ActiveKeyId).Distinct());
    }

    protected override ValueTask<IStoreProvider> CreateAsync()
    {
        _inner = new MemoryStoreProvider(Time);
        return new(new SealedStoreProvider(_inner, _ring, acceptPlain: false));
    }

    protected override ValueTask DestroyAsync(IStoreProvider provider)
    {
        _ring.Dispose();
        return default;
    }
}
