// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Coco.Attestation;
using Coco.KeyBroker;

namespace Coco.Trustee;

/// <summary>Keeps the key broker's releases beside the appraisals of the attestation service in this process.</summary>
internal sealed class ReleaseJournal(ReleaseLog log) : IReleaseJournal
{
    /// <inheritdoc/>
    public string Record(ReleaseRecord release) => log.Record(new ReleaseDecision
    {
        Time = release.Time,
        Request = release.Request,
        RequestId = release.RequestId,
        Refusal = release.Refusal,
        Tee = release.Tee,
        TokenSha256 = release.Token?.Digest,
        TokenIssuedAt = release.Token is { } token ? IssuedAt(token.Claims) : null,
        PolicyId = release.PolicyId,
        PolicySha384 = release.PolicySha384,
        Elapsed = release.Elapsed,
        Explain = release.Explain,
    });

    private static DateTimeOffset? IssuedAt(JsonElement claims) =>
        claims.TryGetProperty("iat", out JsonElement iat) && iat.ValueKind == JsonValueKind.Number && iat.TryGetInt64(out long seconds) && seconds is > 0 and < 253_402_300_800
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;
}
