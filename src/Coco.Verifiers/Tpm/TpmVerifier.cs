// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.Tpm;

namespace Coco.Verifiers.Tpm;

/// <summary>Verifies quotes of a plain TPM 2.0, and, where asked or offered, that the attestation key is a TPM's.</summary>
/// <remarks>Source: tee-evidence.md 6.1, 6.2; the endorsement is this project's own addition to the evidence.</remarks>
public sealed class TpmVerifier : IVerifier
{
    private const int NonceSize = 32;

    private readonly TpmEndorsementCheck _endorsement;
    private readonly TpmKeyCache _keys = new();

    /// <summary>Makes a verifier.</summary>
    public TpmVerifier(TpmVerifierOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _endorsement = new TpmEndorsementCheck(options);
    }

    /// <inheritdoc/>
    public TeeType Tee => TeeType.Tpm;

    /// <summary>
    /// A credential challenge when the guest names its endorsement key (<c>{"ek_certificates": […], "ak_tpm_public": …}</c>); else none, and
    /// the nonce alone is the challenge.
    /// </summary>
    /// <param name="teeParameters">The guest's parameters.</param>
    /// <param name="ct">Ends waiting for the key that seals challenges.</param>
    public ValueTask<Result<string>> CreateChallengeAsync(JsonElement teeParameters, CancellationToken ct) =>
        teeParameters.ValueKind == JsonValueKind.Object && teeParameters.TryGetProperty("ek_certificates", out _)
            ? _endorsement.CreateChallengeAsync(teeParameters, ct)
            : new((Result<string>)string.Empty);

    /// <inheritdoc/>
    public async ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        Result<TpmEvidence> parsed = TpmEvidence.Parse(evidence.Evidence.Body);
        if (record.Note("tpm.form", parsed.Refusal) is { } form || !parsed.TryGet(out TpmEvidence? tpm, out form))
        {
            return form;
        }

        Result<TpmQuote> verified = _keys.Verify("tpm", tpm.Quote, tpm.AkPublic.Span, () => TpmAttestationKey.FromSubjectPublicKeyInfo(tpm.AkPublic), record);
        if (!verified.TryGet(out TpmQuote? quote, out Refusal? refusal))
        {
            return refusal;
        }

        ReadOnlyMemory<byte> initData = TpmQuoteCheck.InitDataOf(tpm.Quote);
        refusal = record.Note("tpm.nonce", CheckNonce(evidence, quote.ExtraData.Span))
            ?? record.Note("tpm.init-data", TpmQuoteCheck.CheckInitData(evidence.InitDataHash, initData.Span));
        if (refusal is not null)
        {
            return refusal;
        }

        if (!(await _endorsement.CheckAsync(tpm, record, ct).ConfigureAwait(false)).TryGet(out TpmEndorser? endorser, out refusal))
        {
            return refusal;
        }

        var claims = new JsonObject();
        if (!tpm.EventLog.IsEmpty)
        {
            if (!TpmEventLogCheck.Check(tpm, record).TryGet(out JsonArray? events, out refusal))
            {
                return refusal;
            }

            claims["uefi_event_logs"] = events;
        }

        claims["ak_public"] = tpm.AkPublicText;
        claims["report_data"] = Convert.ToHexStringLower(quote.ExtraData.Span);
        claims["init_data"] = Convert.ToHexStringLower(initData.Span);
        TpmQuoteCheck.AddPcrs(claims, tpm.Quote);
        if (endorser.Root is { } root)
        {
            claims["ak_endorsed_by"] = endorser.Kind;
            if (root.IsSimulated)
            {
                claims["simulated"] = true;
            }
        }

        return ImmutableArray.Create(new VerifiedClaims(TeeType.Tpm, "cpu", claims));
    }

    /// <summary>The nonce is 32 bytes: longer expected values are cut to that, shorter ones filled up with zeros.</summary>
    private static Refusal? CheckNonce(BoundEvidence bound, ReadOnlySpan<byte> nonce) => bound.ReportData.IsNotChecked || nonce.Length == NonceSize
        ? bound.CheckReportData(nonce)
        : new Refusal(RefusalCode.Mismatch, $"the quote's nonce has {nonce.Length} bytes, {NonceSize} wanted");
}
