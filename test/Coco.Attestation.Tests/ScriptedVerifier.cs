// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Verifiers;

namespace Coco.Attestation.Tests;

/// <summary>Takes the evidence itself for the claims: <c>{"class": …, "claims": {…}}</c>.</summary>
internal sealed class ScriptedVerifier(TeeType tee) : IVerifier
{
    public TeeType Tee => tee;

    public ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        if (!evidence.Evidence.Body.TryGetProperty("claims", out _))
        {
            record?.Failed("scripted.claims", "none");
            return new(new Refusal(RefusalCode.Malformed, "no claims") { Check = "scripted.claims" });
        }

        record?.Passed("scripted.claims");
        record?.Used(new CollateralUse("certificate", "CN=scripted", DateTimeOffset.UnixEpoch, new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero), new string('a', 64)));
        JsonObject claims = JsonObject.Create(evidence.Evidence.Body.GetProperty("claims"))!;
        string teeClass = evidence.Evidence.Body.TryGetProperty("class", out System.Text.Json.JsonElement c) ? c.GetString()! : "cpu";
        return new((Result<ImmutableArray<VerifiedClaims>>)ImmutableArray.Create(new VerifiedClaims(tee, teeClass, claims)));
    }
}
