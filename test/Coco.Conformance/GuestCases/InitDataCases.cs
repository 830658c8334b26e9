// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Conformance.GuestCases;

/// <summary>Init-data documents and the forms they travel in.</summary>
public sealed class InitDataCases : IGuestCaseJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["initdata"];

    /// <inheritdoc/>
    public Task<CaseVerdict> JudgeAsync(GuestCase one, CancellationToken ct) => Task.FromResult(Judge(one));

    private static CaseVerdict Judge(GuestCase one)
    {
        string? form = one.Param("form");
        Result<byte[]> unpacked = form switch
        {
            "toml" => one.Bytes("document"),
            "annotation" => InitDataPackage.FromAnnotation(one.Text("annotation")),
            "disk" or "disk-payload" => InitDataPackage.FromDisk(one.Bytes("disk")),
            _ => throw new FormatException("unknown form " + form),
        };
        if (!unpacked.TryGet(out byte[]? document, out Refusal? refusal))
        {
            return one.Refused(refusal);
        }

        if (form == "disk-payload")
        {
            return one.Accepted(one.Compare("payload_b64", StrictBase64.EncodeStandard(document)));
        }

        if (!InitData.Parse(document).TryGet(out InitData? data, out refusal))
        {
            return one.Refused(refusal);
        }

        bool kata = one.Param("consumer") switch
        {
            "kata" => true,
            "aa" => false,
            string other => throw new FormatException("unknown consumer " + other),
            null => throw new FormatException("no consumer"),
        };
        if (kata && data.CheckForAgent() is { } bad)
        {
            return one.Refused(bad);
        }

        return one.Accepted(Differences(one, data));
    }

    private static IEnumerable<string?> Differences(GuestCase one, InitData data)
    {
        byte[] digest = data.Digest();
        yield return one.Compare("version", data.Version);
        yield return one.Compare("algorithm", data.Algorithm.ToWireName());
        yield return one.Compare("digest", Hex.Encode(digest));
        yield return one.Compare("document_sha256", Hex.Encode(DigestAlgorithm.Sha256.Compute(data.Source.Span)));
        if (one.Expect("data_sha256") is not null)
        {
            var hashes = new JsonObject();
            foreach ((string key, string value) in data.Data)
            {
                hashes[key] = Hex.Encode(DigestAlgorithm.Sha256.Compute(System.Text.Encoding.UTF8.GetBytes(value)));
            }

            yield return one.CompareJson("data_sha256", hashes);
        }

        if (one.Expect("fields") is { } fields)
        {
            foreach (JsonProperty field in fields.EnumerateObject())
            {
                string actual = Hex.Encode(field.Name switch
                {
                    "snp_host_data" => InitData.Fit(digest, 32),
                    "tdx_mrconfigid" => InitData.Fit(digest, 48),
                    "sgx_configid" or "cca_personalization" => InitData.Fit(digest, 64),
                    "se_user_data" => InitData.Fit(digest, 256),
                    "tpm_pcr8" => ExtendPcr(digest),
                    _ => throw new FormatException("unknown register " + field.Name),
                });
                yield return field.Value.GetString() == actual ? null : $"{field.Name} is {actual}";
            }
        }

        if (one.Expect("tpm_pcr8") is not null)
        {
            yield return one.Compare("tpm_pcr8", Hex.Encode(ExtendPcr(digest)));
        }

        if (one.HasFile("claims") && !JsonNode.DeepEquals(JsonNode.Parse(one.Bytes("claims")), data.ToClaims()))
        {
            yield return "claims are " + data.ToClaims().ToJsonString();
        }
    }

    private static byte[] ExtendPcr(byte[] digest) => DigestAlgorithm.Sha256.Compute([.. new byte[32], .. digest]);
}
