// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace Coco.Verifiers.Tests;

/// <summary>Runs a verifier over evidence that is still JSON nodes.</summary>
internal static class VerifierRun
{
    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Report data that tests expect: 48 bytes, as a SHA-384 digest.</summary>
    public static readonly byte[] Nonce = [.. Enumerable.Range(1, 48).Select(i => (byte)i)];

    public static FakeTimeProvider Clock() => new(Now);

    public static JsonElement Element(JsonNode json) => JsonElement.Parse(json.ToJsonString());

    public static async Task<Result<ImmutableArray<VerifiedClaims>>> RunAsync(
        IVerifier verifier, JsonNode evidence, Binding? reportData = null, Binding? initData = null, VerificationRecord? record = null) =>
        await verifier.VerifyAsync(
            new BoundEvidence(new Evidence(verifier.Tee, Element(evidence)), reportData ?? Binding.ToDigest(Nonce), initData ?? Binding.NotChecked),
            record,
            TestContext.Current.CancellationToken);

    public static async Task<JsonObject> ClaimsAsync(IVerifier verifier, JsonNode evidence, Binding? reportData = null, Binding? initData = null, VerificationRecord? record = null) =>
        Assert.Single((await RunAsync(verifier, evidence, reportData, initData, record)).Require()).Claims;

    /// <summary>Demands a refusal by this check, and that the record ends with it.</summary>
    public static async Task AssertRefusedAsync(
        IVerifier verifier, JsonNode evidence, string check, RefusalCode? code = null, Binding? reportData = null, Binding? initData = null)
    {
        var record = new VerificationRecord();
        Refusal? refusal = (await RunAsync(verifier, evidence, reportData, initData, record)).Refusal;

        Assert.NotNull(refusal);
        Assert.True(refusal.Check == check, $"expected {check}, but: {refusal}");
        Assert.Equal(check, record.Checks[^1].Check);
        Assert.False(record.Checks[^1].Held);
        if (code is not null)
        {
            Assert.Equal(code, refusal.Code);
        }
    }
}
