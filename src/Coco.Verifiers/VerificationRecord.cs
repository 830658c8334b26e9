// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers;

/// <summary>Writes down each check that a verifier makes, in order, and the collateral it used. For one verification; not thread-safe.</summary>
/// <remarks>Optional: a verifier that is given none spends nothing on it.</remarks>
public sealed class VerificationRecord
{
    private readonly List<CheckOutcome> _checks = [];
    private readonly List<CollateralUse> _collateral = [];

    /// <summary>The checks so far, in the order in which they were made; the last one is the failed one if any failed.</summary>
    public IReadOnlyList<CheckOutcome> Checks => _checks;

    /// <summary>The collateral that was used.</summary>
    public IReadOnlyList<CollateralUse> Collateral => _collateral;

    /// <summary>Notes that <paramref name="check"/> held.</summary>
    public void Passed(string check, string? detail = null) => _checks.Add(new CheckOutcome(check, true, detail));

    /// <summary>Notes that <paramref name="check"/> was not made, because the caller asked for that or it does not apply.</summary>
    public void Skipped(string check, string reason) => _checks.Add(new CheckOutcome(check, null, reason));

    /// <summary>Notes that <paramref name="check"/> refused.</summary>
    public void Failed(string check, string detail) => _checks.Add(new CheckOutcome(check, false, detail));

    /// <summary>Notes a piece of collateral.</summary>
    public void Used(CollateralUse use) => _collateral.Add(use);
}

/// <summary>One check of a verification.</summary>
/// <param name="Check">Its name, as the verifier's README lists it.</param>
/// <param name="Held">True: held. False: refused. Null: not made.</param>
/// <param name="Detail">What was compared, or why it was not made.</param>
public sealed record CheckOutcome(string Check, bool? Held, string? Detail);

/// <summary>Collateral that a verification rested on.</summary>
/// <param name="Kind">For example <c>amd-crl</c>, <c>intel-tcb-info</c>, <c>certificate</c>.</param>
/// <param name="Name">Which one: subject, FMSPC, URL.</param>
/// <param name="NotBefore">Issued or valid from (UTC); null when it does not say.</param>
/// <param name="NotAfter">Next update or end of validity (UTC); null when it does not say.</param>
/// <param name="Sha256">SHA-256 of its bytes, lower-case hexadecimal.</param>
public sealed record CollateralUse(string Kind, string Name, DateTimeOffset? NotBefore, DateTimeOffset? NotAfter, string? Sha256);

/// <summary>Helpers with which a verifier writes a check and returns its refusal in one expression.</summary>
public static class VerificationRecordExtensions
{
    /// <summary>Records the outcome of <paramref name="check"/> and returns its refusal with the check's name in it; null when it held.</summary>
    public static Refusal? Note(this VerificationRecord? record, string check, Refusal? refusal, string? passedDetail = null)
    {
        if (refusal is null)
        {
            record?.Passed(check, passedDetail);
            return null;
        }

        record?.Failed(check, refusal.Detail);
        return refusal with { Check = check };
    }
}
