// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Attestation.Decisions;
using Coco.Protocol;

namespace Coco.Attestation.Tests.OneBitWrong;

/// <summary>For each TEE: evidence with one bit wrong, genuinely signed, is explained by naming exactly the claim that changed.</summary>
public sealed class OneBitWrongTests
{
    [Theory]
    [InlineData(TeeType.Sample)]
    [InlineData(TeeType.SampleDevice)]
    [InlineData(TeeType.Snp)]
    [InlineData(TeeType.Tdx)]
    [InlineData(TeeType.Sgx)]
    [InlineData(TeeType.AzSnpVtpm)]
    [InlineData(TeeType.AzTdxVtpm)]
    [InlineData(TeeType.Tpm)]
    [InlineData(TeeType.Cca)]
    [InlineData(TeeType.Csv)]
    [InlineData(TeeType.HygonDcu)]
    [InlineData(TeeType.Se)]
    [InlineData(TeeType.Nvidia)]
    [InlineData(TeeType.Nvidia, "gpu")]
    [InlineData(TeeType.Nvidia, "switch")]
    [InlineData(TeeType.NvidiaDpu)]
    public async Task Explain_EachBit_NamesExactlyTheChangedClaim(TeeType tee, string? remote = null)
    {
        using EvidenceLab lab = Lab(tee, remote);
        await CheckAsync(lab);
    }

    private static EvidenceLab Lab(TeeType tee, string? remote) => tee switch
    {
        TeeType.Sample or TeeType.SampleDevice => new SampleLab(tee),
        TeeType.Snp => new SnpLab(),
        TeeType.Tdx => new TdxLab(),
        TeeType.Sgx => new SgxLab(),
        TeeType.AzSnpVtpm => new AzSnpLab(),
        TeeType.AzTdxVtpm => new AzTdxLab(),
        TeeType.Tpm => new TpmLab(),
        TeeType.Cca => new CcaLab(),
        TeeType.Csv => new CsvLab(),
        TeeType.HygonDcu => new DcuLab(),
        TeeType.Se => new SeLab(),
        TeeType.Nvidia => remote is null ? new GpuLab() : new RemoteNvidiaLab(remote),
        _ => new DpuLab(),
    };

    private static async Task CheckAsync(EvidenceLab lab)
    {
        await using var test = new TestAttestation(verifier: lab.Verifier.Tee is TeeType.Sample or TeeType.SampleDevice ? null : lab.Verifier);
        foreach ((string name, string json) in lab.References)
        {
            test.References.Set(name, json);
        }

        if (lab.Policy is { } policy)
        {
            await test.SetAsync("default_" + policy.TeeClass, policy.Text);
        }

        var wrong = new StringBuilder();
        IReadOnlyList<string> good = await SentencesAsync(test, lab, await lab.GoodAsync());
        if (good is not ["every trust claim that the policy sets is affirmed"])
        {
            wrong.AppendJoin("\n  ", good.Prepend("unchanged:")).Append('\n');
        }

        int cases = 0;
        foreach (WrongBit bit in lab.Bits())
        {
            cases++;
            IReadOnlyList<string> sentences = await SentencesAsync(test, lab, await bit.Evidence());
            bool named = bit.Claim.Length > 0
                ? sentences.All(s => s.StartsWith(bit.Claim + " ", StringComparison.Ordinal))
                : sentences.Count == 1 && sentences[0].Contains("did not pass", StringComparison.Ordinal);
            if (!named || !sentences[0].Contains(bit.Against, StringComparison.Ordinal))
            {
                wrong.AppendJoin("\n  ", sentences.Prepend($"{bit.Claim} ({bit.Against}):")).Append('\n');
            }
        }

        Assert.True(wrong.Length == 0, wrong.ToString());
        Assert.NotEqual(0, cases);
    }

    private static async Task<IReadOnlyList<string>> SentencesAsync(TestAttestation test, EvidenceLab lab, JsonNode evidence)
    {
        var input = new AttestationInput(
            new Evidence(lab.Verifier.Tee, JsonElement.Parse(evidence.ToJsonString())),
            RuntimeDataInput.Raw(lab.ReportData),
            lab.InitData is { } digest ? InitDataInput.Digest(digest) : InitDataInput.Absent);
        AttestationOutcome outcome = await test.Core.AttestAsync([input], [], CancellationToken.None);
        JsonObject explained = (await test.Get<DecisionExplainer>().ExplainAsync(outcome.DecisionId, CancellationToken.None))!;
        return [(string)explained["sentence"]!, .. explained["findings"]!.AsArray().Select(f => (string)f!)];
    }
}
