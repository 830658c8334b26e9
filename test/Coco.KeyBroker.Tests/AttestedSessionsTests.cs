// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Storage;
using Microsoft.Extensions.Time.Testing;

namespace Coco.KeyBroker.Tests;

/// <summary>A token that one replica stores and another one reads.</summary>
public sealed class AttestedSessionsTests
{
    private readonly FakeTimeProvider _time = new(Example.Now);
    private readonly MemoryStoreProvider _stores;
    private readonly Session _session;

    public AttestedSessionsTests()
    {
        _stores = new MemoryStoreProvider(_time);
        _session = NewSession(new string('a', 32));
    }

    // What no verifier accepts by its signature.
    private static AttestationToken Unsigned => new(string.Join('.', Example.Text("1.token").Split('.')[..2]) + ".AAAA");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Find_AtAnotherReplica_KnowsThatAReplicaHadItFromItsService()
    {
        await NewReplica().Sessions.AddAsync(_session, Unsigned, Ct);
        Replica other = NewReplica();

        AttestationToken found = (await other.Sessions.FindAsync(_session.Id, Ct))!;

        Assert.True((await other.Tokens.VerifyAsync(found, Ct)).TryGet(out _, out _));
    }

    [Fact]
    public async Task Find_AtAReplicaThatDoesNotTrustTheService_VerifiesTheSignature()
    {
        await NewReplica().Sessions.AddAsync(_session, Unsigned, Ct);
        Replica other = NewReplica(trustsService: false);

        AttestationToken found = (await other.Sessions.FindAsync(_session.Id, Ct))!;

        Assert.Equal(RefusalCode.BadSignature, (await other.Tokens.VerifyAsync(found, Ct)).Refusal!.Code);
    }

    [Theory]
    [InlineData("no code")]
    [InlineData("another code")]
    [InlineData("short code")]
    [InlineData("not base64")]
    [InlineData("unknown key")]
    [InlineData("no key")]
    [InlineData("another token")]
    public async Task Find_OfARecordThatNoReplicaWrote_VerifiesTheSignature(string what)
    {
        await NewReplica().Sessions.AddAsync(_session, Unsigned, Ct);
        await ChangeAsync(attested =>
        {
            switch (what)
            {
                case "no code":
                    attested.Remove("mac");
                    break;
                case "another code":
                    attested["mac"] = Convert.ToBase64String(new byte[32]);
                    break;
                case "short code":
                    attested["mac"] = string.Empty;
                    break;
                case "not base64":
                    attested["mac"] = "!";
                    break;
                case "unknown key":
                    attested["key"] = "00000001";
                    break;
                case "no key":
                    attested.Remove("key");
                    break;
                default:
                    attested["token"] = Unsigned.Compact.Replace("AAAA", "AAAB", StringComparison.Ordinal);
                    break;
            }
        });
        Replica other = NewReplica();

        AttestationToken found = (await other.Sessions.FindAsync(_session.Id, Ct))!;

        Assert.Equal(RefusalCode.BadSignature, (await other.Tokens.VerifyAsync(found, Ct)).Refusal!.Code);
    }

    [Fact]
    public async Task Find_OfARecordOfAnotherSession_VerifiesTheSignature()
    {
        await NewReplica().Sessions.AddAsync(_session, Unsigned, Ct);
        IKeyValueStore store = await SessionsAsync();
        var stolen = NewSession(new string('b', 32));
        await store.PutAsync(stolen.Id, (await store.GetAsync(_session.Id, Ct))!.Value.Value, default, Ct);
        Replica other = NewReplica();

        AttestationToken found = (await other.Sessions.FindAsync(stolen.Id, Ct))!;

        Assert.Equal(RefusalCode.BadSignature, (await other.Tokens.VerifyAsync(found, Ct)).Refusal!.Code);
    }

    [Theory]
    [InlineData("key", 5)]
    [InlineData("mac", 5)]
    [InlineData("token", 5)]
    public async Task Find_OfADamagedRecord_FailsTyped(string member, int value)
    {
        await NewReplica().Sessions.AddAsync(_session, Unsigned, Ct);
        await ChangeAsync(attested => attested[member] = value);

        await Assert.ThrowsAsync<StoreUnavailableException>(() => NewReplica().Sessions.FindAsync(_session.Id, Ct).AsTask());
    }

    private Session NewSession(string id) => new(id, ProtocolVersion.V0_4_0, TeeType.Sample, "nonce", null, null, _time.GetUtcNow().AddMinutes(5));

    private Replica NewReplica(bool trustsService = true)
    {
        var options = new KeyBrokerOptions();
        options.TokenTrust.TrustAttestationService = trustsService;
        options.TokenTrust.TrustedCertificates = [System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(Example.Text("token-ca.pem"))];
        var stores = new KeyBrokerStores(_stores);
        var tokens = new TokenVerifier(options, new SampleAttestation(), _time);
        return new Replica(new AttestedSessions(stores, new SessionKeys(stores, _time), tokens), tokens);
    }

    private async Task ChangeAsync(Action<JsonObject> change)
    {
        IKeyValueStore store = await SessionsAsync();
        var record = (JsonObject)JsonNode.Parse((await store.GetAsync(_session.Id, Ct))!.Value.Value.Span)!;
        change((JsonObject)record["Attested"]!);
        await store.PutAsync(_session.Id, System.Text.Encoding.UTF8.GetBytes(record.ToJsonString()), default, Ct);
    }

    private ValueTask<IKeyValueStore> SessionsAsync() => _stores.OpenAsync(StoreNamespace.Parse("kbs_protocol_session").Require(), Ct);

    private sealed record Replica(AttestedSessions Sessions, TokenVerifier Tokens);
}
