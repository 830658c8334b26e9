// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Simulator.Amd;
using Coco.Tee.Snp;
using Coco.Verifiers.Snp;
using Microsoft.Extensions.Time.Testing;

namespace Coco.Verifiers.Tests.Snp;

/// <summary>A simulated vendor for each generation, made once, and a verifier that trusts it.</summary>
internal static class SnpBench
{
    internal static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly Lazy<SimulatedAmd>[] Vendors =
    [
        .. Enum.GetValues<SnpGeneration>().Select(g => new Lazy<SimulatedAmd>(() => new SimulatedAmd(g, new SimulatedAmdOptions { Clock = new FakeTimeProvider(Start) }))),
    ];

    private static readonly Lazy<SimulatedAmd> Stranger = new(() => new SimulatedAmd(SnpGeneration.Milan, new SimulatedAmdOptions { Clock = new FakeTimeProvider(Start) }));

    internal static byte[] Nonce { get; } = [.. Enumerable.Range(1, 48).Select(i => (byte)i)];

    /// <summary>A vendor that the verifiers here do not trust, with the same names.</summary>
    internal static SimulatedAmd Other => Stranger.Value;

    internal static SimulatedAmd Vendor(SnpGeneration generation) => Vendors[(int)generation].Value;

    internal static AmdTrustAnchor Anchor(SimulatedAmd vendor, ICollateralProvider? collateral = null) =>
        AmdTrustAnchor.Simulated(vendor.Generation, vendor.Ark, vendor.Ask, vendor.Asvk, collateral).Require();

    internal static SnpVerifierOptions Options(TimeProvider? clock = null) => new()
    {
        Clock = clock ?? new FakeTimeProvider(Start),
        SimulatedRoots = [.. Enum.GetValues<SnpGeneration>().Select(g => Anchor(Vendor(g)))],
    };

    internal static BoundEvidence Bind(JsonNode evidence, Binding? reportData = null, Binding? initData = null)
    {
        using JsonDocument document = JsonDocument.Parse(evidence.ToJsonString());
        return new BoundEvidence(new Evidence(TeeType.Snp, document.RootElement.Clone()), reportData ?? Binding.ToDigest(Nonce), initData ?? Binding.NotChecked);
    }

    internal static async Task<Refusal?> RefusalAsync(JsonNode evidence, SnpVerifierOptions? options = null, VerificationRecord? record = null) =>
        (await VerifyAsync(evidence, options, record)).Refusal;

    internal static async Task<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(JsonNode evidence, SnpVerifierOptions? options = null, VerificationRecord? record = null) =>
        await new SnpVerifier(options ?? Options()).VerifyAsync(Bind(evidence), record, TestContext.Current.CancellationToken);

    /// <summary>Evidence of a new guest of the vendor.</summary>
    internal static JsonObject Evidence(SnpGeneration generation = SnpGeneration.Milan, SimulatedSnpGuestOptions? options = null, Action<SnpReportFields>? change = null)
    {
        using SimulatedSnpGuest guest = Vendor(generation).CreateGuest(options);
        return guest.GetEvidence(Nonce, change);
    }

    internal static void Refused(Refusal? refusal, RefusalCode code, string check)
    {
        Assert.NotNull(refusal);
        Assert.Equal(check, refusal.Check);
        Assert.Equal(code, refusal.Code);
    }
}
