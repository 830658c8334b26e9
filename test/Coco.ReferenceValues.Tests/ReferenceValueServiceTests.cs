// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Coco.Protocol;
using Coco.Storage;

namespace Coco.ReferenceValues.Tests;

/// <summary>Registering, keeping and answering.</summary>
public sealed class ReferenceValueServiceTests
{
    [Fact]
    public async Task Register_Sample_IsStoredToTheLetterAndAnswered()
    {
        var test = new TestService();

        Refusal? why = await test.RegisterAsync("sample", TestService.Base64("""{"svn":["1",2],"major_version":1}"""));

        Assert.Null(why);
        Assert.Equal("""["1",2]""", await test.QueryAsync("svn"));
        Assert.Equal("1", await test.QueryAsync("major_version"));
        Assert.Equal("""{"version":"0.1.0","name":"svn","expiration":"2027-03-05T12:30:15Z","value":["1",2]}""", await test.StoredAsync("svn"));
    }

    [Fact]
    public async Task Register_SameNameTwice_Overwrites()
    {
        var test = new TestService();

        await test.RegisterAsync("sample", TestService.Base64("""{"a":["1"]}"""));
        Assert.Equal("""["1"]""", await test.QueryAsync("a"));
        await test.RegisterAsync("sample", TestService.Base64("""{"a":["2"]}"""));

        Assert.Equal("""["2"]""", await test.QueryAsync("a"));
    }

    [Fact]
    public async Task Query_Expired_IsUnknownUnlessExpiryIsNotEnforced()
    {
        var strict = new TestService();
        var upstream = new TestService(new ReferenceValuesOptions { EnforceExpiry = false });
        foreach (TestService test in new[] { strict, upstream })
        {
            await test.RegisterAsync("sample", TestService.Base64("""{"a":["1"]}"""));
            test.Clock.Advance(TimeSpan.FromDays(366));
        }

        Assert.Null(await strict.QueryAsync("a"));
        Assert.Equal("{}", await strict.Service.QueryAllAsync(CancellationToken.None));
        Assert.Equal("""["1"]""", await upstream.QueryAsync("a"));
    }

    [Theory]
    [InlineData("""{"version":"0.1.0","name":"n","expired":"2030-01-01T00:00:00Z","hash-value":[{"alg":"sha384","value":"aa"}]}""", """["aa"]""")]
    [InlineData("""{"version":"0.1.0","name":"n","expiration":"2030-01-01T00:00:00Z","hash-value":[{"alg":"sha384","value":"aa"},{"alg":"sha256","value":"bb","artifact_version":"1"}]}""", """["aa","bb"]""")]
    [InlineData("""{"version":"0.1.0","name":"n","expiration":"2030-01-01T00:00:00Z","value":{"x":1},"hash-value":[]}""", """{"x":1}""")]
    public async Task Query_OlderRecordShapes_AreRead(string stored, string expected)
    {
        var test = new TestService();
        IKeyValueStore store = await test.Stores.OpenAsync(StoreNamespace.Parse(ReferenceValueService.Namespace).Require(), CancellationToken.None);
        await store.PutAsync("n", Encoding.UTF8.GetBytes(stored), default, CancellationToken.None);

        Assert.Equal(expected, await test.QueryAsync("n"));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("""{"name":"n"}""")]
    [InlineData("""{"name":"n","expiration":"2030-01-01T00:00:00.5Z","value":1}""")]
    [InlineData("""{"name":"n","expiration":"2030-01-01T00:00:00Z"}""")]
    public async Task Query_DamagedRecord_IsUnknown(string stored)
    {
        var test = new TestService();
        IKeyValueStore store = await test.Stores.OpenAsync(StoreNamespace.Parse(ReferenceValueService.Namespace).Require(), CancellationToken.None);
        await store.PutAsync("n", Encoding.UTF8.GetBytes(stored), default, CancellationToken.None);

        Assert.Null(await test.QueryAsync("n"));
        Assert.Empty(await test.ListAsync());
    }

    [Theory]
    [InlineData("rvps:///coco/kata/tdx/rtmr0:v1")]
    [InlineData("/usr/bin/x")]
    [InlineData("größe")]
    public async Task Register_NameThatNoStoreTakes_WorksAllTheSame(string name)
    {
        var test = new TestService();

        Refusal? why = await test.RegisterAsync("sample", TestService.Base64(JsonSerializer.Serialize(new Dictionary<string, string[]> { [name] = ["x"] })));

        Assert.Null(why);
        Assert.Equal("""["x"]""", await test.QueryAsync(name));
        Assert.Equal(name, Assert.Single(await test.ListAsync()).Name);
        Assert.Null(await test.Service.DeleteAsync(name, ReferenceValuePublisher.Anonymous, CancellationToken.None));
        Assert.Null(await test.QueryAsync(name));
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("a/./b")]
    [InlineData("a\nb")]
    [InlineData("")]
    public async Task Register_EscapingName_IsRefusedAndNothingStored(string name)
    {
        var test = new TestService();
        string payload = JsonSerializer.Serialize(new Dictionary<string, string[]> { ["good"] = ["x"], [name] = ["x"] });

        Refusal? why = await test.RegisterAsync("sample", TestService.Base64(payload));

        Assert.Equal(RefusalCode.Malformed, why?.Code);
        Assert.Empty(await test.ListAsync());
    }

    [Fact]
    public async Task Register_HugeName_IsRefused()
    {
        var test = new TestService();

        Refusal? why = await test.RegisterAsync("sample", TestService.Base64($$"""{"{{new string('a', 300)}}":1}"""));

        Assert.Equal(RefusalCode.Malformed, why?.Code);
    }

    [Theory]
    [InlineData("{", RefusalCode.Malformed)]
    [InlineData("[]", RefusalCode.Malformed)]
    [InlineData("""{"version":"0.2.0","type":"sample","payload":"e30="}""", RefusalCode.Unsupported)]
    [InlineData("""{"type":"sample"}""", RefusalCode.Malformed)]
    [InlineData("""{"type":"sample","provenance":"e30="}""", RefusalCode.Malformed)]
    [InlineData("""{"type":"nobody","payload":"e30="}""", RefusalCode.Unsupported)]
    [InlineData("""{"type":"sample","payload":"%%%"}""", RefusalCode.Malformed)]
    [InlineData("""{"type":"sample","payload":"W10="}""", RefusalCode.Malformed)]
    public async Task Register_BadMessage_IsRefused(string message, RefusalCode expected)
    {
        var test = new TestService();

        Refusal? why = await test.Service.RegisterAsync(message, ReferenceValuePublisher.Anonymous, CancellationToken.None);

        Assert.Equal(expected, why?.Code);
        Assert.Empty(await test.ListAsync());
    }

    [Fact]
    public async Task Register_WrongVersion_SaysBothVersions()
    {
        Refusal? why = await new TestService().Service.RegisterAsync(
            """{"version":"9","type":"sample","payload":"e30="}""", ReferenceValuePublisher.Anonymous, CancellationToken.None);

        Assert.StartsWith("Version unmatched! Need 0.1.0, given 9.", why!.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Register_TenThousandValues_AreFoundWithoutAnotherStoreRead()
    {
        var test = new TestService();
        string payload = "{" + string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"\"name{i}\":[\"{i}\"]")) + "}";

        Assert.Null(await test.RegisterAsync("sample", TestService.Base64(payload)));
        ImmutableDictionary<string, JsonElement> found = await test.Service.GetAsync(["name0", "name9999", "unknown"], CancellationToken.None);

        Assert.Equal(2, found.Count);
        Assert.Equal("""["9999"]""", found["name9999"].GetRawText());
    }

    [Fact]
    public async Task Get_AfterAnotherReplicaWrote_SeesTheNewValue()
    {
        var one = new TestService();
        var two = new TestService(stores: one.Stores);
        await one.RegisterAsync("sample", TestService.Base64("""{"a":["1"]}"""));
        Assert.Equal("""["1"]""", await two.QueryAsync("a"));

        await one.RegisterAsync("sample", TestService.Base64("""{"a":["2"]}"""));

        Assert.Equal("""["2"]""", await two.QueryAsync("a"));
    }

    [Fact]
    public async Task Register_TwoReplicasMergingAtOnce_LoseNothing()
    {
        var options = new ReferenceValuesOptions { MergeOnRegister = true };
        var one = new TestService(options);
        var two = new TestService(options, stores: one.Stores);
        string Slsa(int i) => """{"artifact_type":"x","artifacts_download_url":[],"slsa_provenance":[{"subject":[{"name":"image","digest":{"sha256":"VALUE"}}]}]}"""
            .Replace("VALUE", $"{i:x64}", StringComparison.Ordinal);

        Refusal?[] whys = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(() => (i % 2 == 0 ? one : two).RegisterAsync("slsa", Slsa(i)))));

        int conflicts = whys.Count(w => w?.Code == RefusalCode.Conflict);
        Assert.All(whys, w => Assert.True(w is null || w.Code == RefusalCode.Conflict));
        Assert.Equal(40 - conflicts, JsonDocument.Parse((await one.QueryAsync("image"))!).RootElement.GetArrayLength());
    }

    [Fact]
    public async Task Delete_Unknown_IsNotFound()
    {
        Refusal? why = await new TestService().Service.DeleteAsync("a", ReferenceValuePublisher.Anonymous, CancellationToken.None);

        Assert.Equal(RefusalCode.NotFound, why?.Code);
    }

    [Fact]
    public void Merge_HashLists_UnitesWithTheLaterExpiration()
    {
        DateTimeOffset early = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero), late = early.AddYears(1);
        ReferenceValueRecord old = ReferenceValueRecord.OfHashes("n", [new HashEntry("sha256", "aa")], late);
        ReferenceValueRecord fresh = ReferenceValueRecord.OfHashes("n", [new HashEntry("sha256", "bb"), new HashEntry("sha256", "aa")], early);

        ReferenceValueRecord merged = ReferenceValueRecord.Merge(old, fresh)!;

        Assert.Equal(["aa", "bb"], merged.Hashes.Select(h => h.Value));
        Assert.Equal(late, merged.Expiration);
        Assert.Null(ReferenceValueRecord.Merge(merged, old));
    }
}
