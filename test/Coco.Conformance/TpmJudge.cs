// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using Coco.Protocol;
using Coco.Tee.Tpm;
using Coco.Verifiers;
using Coco.Verifiers.Tpm;

namespace Coco.Conformance;

/// <summary>Judges evidence of plain TPMs.</summary>
public sealed class TpmJudge : IConformanceJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["tpm"];

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        VectorManifest manifest = VectorManifest.TryRead(Path.Combine(root, kind)) ?? throw new FormatException("no manifest lists " + kind);
        return manifest.Entries.Select(e => new ConformanceCase(e.File, ct => JudgeAsync(e, ct)));
    }

    private static async Task<CaseVerdict> JudgeAsync(VectorEntry entry, CancellationToken ct)
    {
        using JsonDocument document = JsonDocument.Parse(entry.Bytes());
        var verifier = new TpmVerifier(new TpmVerifierOptions());

        // What must be refused is evaluated in full, bound to its own nonce: the one capture with a nonce of 64 bytes fails the 32-byte rule
        // and nothing else. What must hold without a given value is judged on signature and registers.
        Binding binding = entry.Text("expected_report_data") is { } hex ? Binding.ToDigest(Convert.FromHexString(hex))
            : entry.IsNegative && NonceOf(document.RootElement) is { } own ? Binding.ToDigest(own)
            : Binding.NotChecked;
        var record = new VerificationRecord();
        Result<ImmutableArray<VerifiedClaims>> result = await verifier.VerifyAsync(
            new BoundEvidence(new Evidence(TeeType.Tpm, document.RootElement), binding, Binding.NotChecked), record, ct).ConfigureAwait(false);
        if (entry.IsNegative)
        {
            return result.Refusal is null ? CaseVerdict.Failed("accepted") : CaseVerdict.Passed;
        }

        if (!result.TryGet(out ImmutableArray<VerifiedClaims> claims, out Refusal? refusal))
        {
            return CaseVerdict.Failed(refusal.ToString());
        }

        if (entry.Member("expected") is { ValueKind: JsonValueKind.Object } expected && expected.TryGetProperty("nonce_in_quote", out JsonElement nonce)
            && claims[0].Claims["report_data"]!.GetValue<string>() != nonce.GetString())
        {
            return CaseVerdict.Failed("the quoted nonce is " + claims[0].Claims["report_data"]);
        }

        return CaseVerdict.Passed;
    }

    private static ReadOnlyMemory<byte>? NonceOf(JsonElement json) =>
        TpmEvidence.Parse(json).TryGet(out TpmEvidence? evidence, out _) && TpmQuote.Parse(evidence.Quote.Message).TryGet(out TpmQuote? quote, out _) ? quote.ExtraData : null;
}
