// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Conformance.GuestCases;

/// <summary>What a guest hashes into its report, in every protocol version.</summary>
public sealed class RcarCases : IGuestCaseJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["rcar-report-data"];

    /// <inheritdoc/>
    public Task<CaseVerdict> JudgeAsync(GuestCase one, CancellationToken ct) => Task.FromResult(Judge(one));

    private static CaseVerdict Judge(GuestCase one)
    {
        ImmutableArray<DigestAlgorithm> offered =
        [
            .. one.Params.GetProperty("offered").EnumerateArray().Select(o =>
                Digests.TryParse(o.GetString(), ignoreCase: true, out DigestAlgorithm a) ? a : throw new FormatException("unknown hash " + o)),
        ];
        if (!HostileJson.ParseObject(one.Bytes("challenge")).TryGet(out JsonElement body, out Refusal? refusal)
            || !RcarChallenge.Parse(body, offered).TryGet(out RcarChallenge? challenge, out refusal))
        {
            return one.Refused(refusal);
        }

        JsonElement keyElement = HostileJson.ParseObject(one.Bytes("tee_pubkey")).Require();
        if (one.Param("protocol") == "0.1.0")
        {
            if (!RuntimeDataForms.Concatenated(challenge.Nonce, keyElement).TryGet(out string? text, out refusal))
            {
                return one.Refused(refusal);
            }

            byte[] hashed = Encoding.UTF8.GetBytes(text);
            byte[] digest = DigestAlgorithm.Sha384.Compute(hashed);
            return one.Accepted(
                one.Compare("hash", "sha384"),
                one.Compare("hashed_text_sha256", Hex.Encode(DigestAlgorithm.Sha256.Compute(hashed))),
                one.Compare("primary_digest", Hex.Encode(digest)),
                one.Compare("report_data_text", StrictBase64.EncodeStandard(digest)),
                one.Compare("report_data_64", Hex.Encode(InitData.Fit(digest, 64))));
        }

        Jwk key = Jwk.Parse(keyElement).Require();
        JsonObject device = RuntimeDataForms.Device(challenge.Nonce, key);
        JsonObject primary = one.Param("protocol") switch
        {
            "0.1.1" or "0.2.0" => device,
            "0.3.0" or "0.4.0" => RuntimeDataForms.Primary(challenge.Nonce, key, one.HasFile("additional_evidence") ? one.Text("additional_evidence") : string.Empty),
            string other => throw new FormatException("unknown protocol " + other),
            null => throw new FormatException("no protocol"),
        };
        byte[] deviceBytes = CanonicalJson.Write(device).Require();
        byte[] primaryBytes = CanonicalJson.Write(primary).Require();
        byte[] primaryDigest = challenge.Hash.Compute(primaryBytes);
        return one.Accepted(
            one.Compare("hash", challenge.Hash.ToWireName()),
            one.Compare("device_runtime_data", Encoding.UTF8.GetString(deviceBytes)),
            one.Compare("device_digest", Hex.Encode(challenge.Hash.Compute(deviceBytes))),
            one.Compare("primary_runtime_data", Encoding.UTF8.GetString(primaryBytes)),
            one.Compare("primary_digest", Hex.Encode(primaryDigest)),
            one.Compare("report_data_64", Hex.Encode(InitData.Fit(primaryDigest, 64))));
    }
}
