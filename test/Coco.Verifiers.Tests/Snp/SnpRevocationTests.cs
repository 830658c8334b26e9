// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Coco.Simulator.Amd;
using Coco.Tee.Snp;
using Coco.Verifiers.Snp;
using Microsoft.Extensions.Time.Testing;
using static Coco.Verifiers.Tests.Snp.SnpBench;

namespace Coco.Verifiers.Tests.Snp;

public sealed class SnpRevocationTests
{
    private readonly FakeTimeProvider _clock = new(Start);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Verify_RevokedAuthority_IsRefused(bool vlek)
    {
        using var vendor = new SimulatedAmd(SnpGeneration.Milan, new SimulatedAmdOptions { Clock = _clock });
        using SimulatedSnpGuest guest = vendor.CreateGuest(new SimulatedSnpGuestOptions { UseVlek = vlek });
        var source = new FixedCollateral { Body = vendor.MakeRevocationList() };
        var verifier = new SnpVerifier(Trusting(vendor, source));
        BoundEvidence evidence = Bind(guest.GetEvidence(Nonce));
        Assert.Null((await verifier.VerifyAsync(evidence, null, TestContext.Current.CancellationToken)).Refusal);

        vendor.Revoke(vlek);
        source.Body = vendor.MakeRevocationList();

        Refused((await verifier.VerifyAsync(evidence, null, TestContext.Current.CancellationToken)).Refusal, RefusalCode.Revoked, "snp.revocation");
        Assert.Equal((vlek ? "vlek" : "vcek") + "/Milan", source.Asked!.Id);
    }

    [Fact]
    public async Task Verify_OtherAuthorityRevoked_IsAccepted()
    {
        using var vendor = new SimulatedAmd(SnpGeneration.Milan, new SimulatedAmdOptions { Clock = _clock });
        using SimulatedSnpGuest guest = vendor.CreateGuest();
        vendor.Revoke(vlek: true);

        Assert.Null(await RefusalAsync(guest.GetEvidence(Nonce), Trusting(vendor, new FixedCollateral { Body = vendor.MakeRevocationList() })));
    }

    [Fact]
    public async Task Verify_RevocationListInTheEvidence_Counts()
    {
        using var vendor = new SimulatedAmd(SnpGeneration.Milan, new SimulatedAmdOptions { Clock = _clock });
        using SimulatedSnpGuest guest = vendor.CreateGuest();
        vendor.Revoke(vlek: false);
        JsonObject evidence = WithList(guest.GetEvidence(Nonce), vendor.MakeRevocationList());

        Refused(await RefusalAsync(evidence, Trusting(vendor, null)), RefusalCode.Revoked, "snp.revocation");
        Refused(await RefusalAsync(evidence, Trusting(vendor, null) with { Revocation = RevocationRule.Off }), RefusalCode.Revoked, "snp.revocation");
    }

    [Fact]
    public async Task Verify_ValidListInTheEvidence_MeetsTheRequirement()
    {
        SimulatedAmd vendor = Vendor(SnpGeneration.Milan);
        SnpVerifierOptions required = Options() with { Revocation = RevocationRule.Required };

        Assert.Null(await RefusalAsync(WithList(Evidence(), vendor.MakeRevocationList()), required));
        Refused(
            await RefusalAsync(WithList(Evidence(), vendor.MakeRevocationList(Start.AddDays(-60), Start.AddDays(-30))), required),
            RefusalCode.Untrusted,
            "snp.revocation");
    }

    [Fact]
    public async Task Verify_ListOfAnotherRoot_IsRefused()
    {
        SimulatedAmd vendor = Vendor(SnpGeneration.Milan);

        Refused(await RefusalAsync(Evidence(), Trusting(vendor, new FixedCollateral { Body = Other.MakeRevocationList() })), RefusalCode.BadSignature, "snp.crl-signature");
        Refused(await RefusalAsync(WithList(Evidence(), Other.MakeRevocationList()), Options()), RefusalCode.BadSignature, "snp.crl-signature");
        Refused(
            await RefusalAsync(Evidence(), Trusting(vendor, new FixedCollateral { Body = Vendor(SnpGeneration.Genoa).MakeRevocationList() })),
            RefusalCode.Untrusted,
            "snp.crl-signature");
        Refused(
            await RefusalAsync(Evidence(), Trusting(vendor, new FixedCollateral { Body = vendor.MakeRevocationList(issuer: "ARK-Genoa") })),
            RefusalCode.Untrusted,
            "snp.crl-signature");
    }

    [Theory]
    [InlineData(-60, 0)]
    [InlineData(1, 30)]
    public async Task Verify_ListOutsideItsTime_IsRefused(int fromDays, int toDays)
    {
        SimulatedAmd vendor = Vendor(SnpGeneration.Milan);
        byte[] list = vendor.MakeRevocationList(Start.AddDays(fromDays), Start.AddDays(toDays));

        Refused(await RefusalAsync(Evidence(), Trusting(vendor, new FixedCollateral { Body = list })), RefusalCode.Expired, "snp.crl-dates");
    }

    [Fact]
    public async Task Verify_NoListToBeHad_FollowsTheRule()
    {
        SimulatedAmd vendor = Vendor(SnpGeneration.Milan);
        SnpVerifierOptions options = Trusting(vendor, new FixedCollateral { Body = null });
        var record = new VerificationRecord();

        Assert.Null(await RefusalAsync(Evidence(), options, record));
        Refused(await RefusalAsync(Evidence(), options with { Revocation = RevocationRule.Required }), RefusalCode.Untrusted, "snp.revocation");

        Assert.Contains(record.Checks, c => c.Check == "snp.revocation" && c.Held is null);
    }

    [Fact]
    public async Task Verify_SourceDown_IsAskedAgainOnlyLater()
    {
        SimulatedAmd vendor = Vendor(SnpGeneration.Milan);
        var source = new FixedCollateral { Down = true };
        var verifier = new SnpVerifier(Trusting(vendor, source));
        BoundEvidence evidence = Bind(Evidence());

        Assert.Null((await verifier.VerifyAsync(evidence, null, TestContext.Current.CancellationToken)).Refusal);
        Assert.Null((await verifier.VerifyAsync(evidence, null, TestContext.Current.CancellationToken)).Refusal);
        Assert.Equal(1, source.Count);
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Null((await verifier.VerifyAsync(evidence, null, TestContext.Current.CancellationToken)).Refusal);

        Assert.Equal(2, source.Count);
    }

    [Fact]
    public async Task Verify_SourceDownAndListRequired_SaysThatItIsAnOutage()
    {
        SnpVerifierOptions options = Trusting(Vendor(SnpGeneration.Milan), new FixedCollateral { Down = true }) with { Revocation = RevocationRule.Required };

        await Assert.ThrowsAsync<CollateralUnavailableException>(() => RefusalAsync(Evidence(), options));
    }

    private static JsonObject WithList(JsonObject evidence, byte[] list)
    {
        evidence["cert_chain"]!.AsArray().Add((JsonNode)new JsonObject
        {
            ["cert_type"] = "CRL",
            ["data"] = new JsonArray([.. list.Select(b => (JsonNode)JsonValue.Create(b))]),
        });
        return evidence;
    }

    private SnpVerifierOptions Trusting(SimulatedAmd vendor, ICollateralProvider? collateral) =>
        new() { Clock = _clock, SimulatedRoots = [Anchor(vendor, collateral)] };

    private sealed class FixedCollateral : ICollateralProvider
    {
        public byte[]? Body { get; set; }

        public bool Down { get; init; }

        public CollateralKey? Asked { get; private set; }

        public int Count { get; private set; }

        public ValueTask<Result<CollateralItem>> GetAsync(CollateralKey key, CancellationToken ct)
        {
            Asked = key;
            Count++;
            if (Down)
            {
                throw new CollateralUnavailableException(key, "down");
            }

            return new(Body is null ? new Refusal(RefusalCode.NotFound, "none") : (Result<CollateralItem>)new CollateralItem(Body));
        }
    }
}
