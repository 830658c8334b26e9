// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.Azure;
using Coco.Tee.Intel;
using Coco.Verifiers.Intel;

namespace Coco.Verifiers.Azure;

/// <summary>Verifies Azure confidential VMs on TDX: the vTPM's quote, and the TD quote that vouches for its key.</summary>
/// <remarks>Source: tee-evidence.md 6.4. The quote's MRCONFIGID is the host's; init-data is in PCR 8.</remarks>
public sealed class AzTdxVtpmVerifier : IVerifier
{
    private readonly DcapVerifier _dcap;
    private readonly AzureGuestCheck _guest = new("az-tdx-vtpm", HclReportType.Tdx);

    /// <summary>Makes a verifier on top of one for Intel's quotes, whose roots and collateral it shares.</summary>
    public AzTdxVtpmVerifier(DcapVerifier dcap)
    {
        ArgumentNullException.ThrowIfNull(dcap);
        _dcap = dcap;
    }

    /// <inheritdoc/>
    public TeeType Tee => TeeType.AzTdxVtpm;

    /// <inheritdoc/>
    public async ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        Result<AzureEvidence> parsed = AzureEvidence.ParseTdx(evidence.Evidence.Body);
        if (record.Note("az-tdx-vtpm.form", parsed.Refusal) is { } form || !parsed.TryGet(out AzureEvidence? azure, out form))
        {
            return form;
        }

        if (!_guest.Check(azure, evidence, record).TryGet(out AzureGuest? guest, out Refusal? refusal)
            || !TdxVerifier.ParseQuote(azure.Endorsement, record).TryGet(out IntelQuote? quote, out refusal))
        {
            return refusal;
        }

        Result<DcapAppraisal> verified = await _dcap.VerifyAsync(quote, null, record, ct).ConfigureAwait(false);
        if (!verified.TryGet(out DcapAppraisal? appraisal, out refusal))
        {
            return refusal;
        }

        refusal = _guest.CheckVariableData(guest, quote.TrustDomain!.ReportData, record) ?? _guest.CheckInitData(azure, evidence, record);
        if (refusal is not null)
        {
            return refusal;
        }

        JsonObject claims = IntelClaims.OfTrustDomain(quote);
        appraisal.AddClaims(claims);
        AzureGuestCheck.AddClaims(claims, azure, guest);
        return ImmutableArray.Create(new VerifiedClaims(TeeType.AzTdxVtpm, "cpu", claims));
    }
}
