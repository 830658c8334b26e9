// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using Coco.Tee.Snp;

namespace Coco.Verifiers.Snp;

/// <summary>Checks that the authority which signed a VCEK or VLEK is not revoked. Lists are signed by the ARK and name ASK and ASVK serial numbers.</summary>
internal sealed class SnpRevocation(SnpVerifierOptions options)
{
    private readonly BoundedCache<(string Root, string Digest), CertificateRevocationList> _verified = new(64);
    private readonly BoundedCache<CollateralKey, (CollateralItem Item, string Root, CertificateRevocationList List)> _current = new(64);
    private readonly BoundedCache<(string Root, CollateralKey Key), DateTimeOffset> _notBefore = new(64);

    /// <summary>Null when no list revokes it and the rule of the options is met.</summary>
    internal async ValueTask<Refusal?> CheckAsync(
        SnpChain chain, ImmutableArray<SnpCertificateEntry> certificates, DateTimeOffset now, VerificationRecord? record, CancellationToken ct)
    {
        bool satisfied = false;
        foreach (SnpCertificateEntry entry in certificates)
        {
            if (entry.Type != SnpCertificateType.Crl || entry.Data.IsEmpty)
            {
                continue;
            }

            if (!Read(entry.Data, chain.Anchor).TryGet(out CertificateRevocationList? list, out Refusal? refusal))
            {
                return record.Note(SnpCheck.CrlSignature, refusal.Within("the list that came with the evidence"));
            }

            if (CheckListed(list, chain) is { } revoked)
            {
                return record.Note(SnpCheck.Revocation, revoked);
            }

            // A host may keep an old list: its entries count, its silence does not.
            satisfied |= list.CheckDates(now) is null;
        }

        string missing;
        if (options.Revocation == RevocationRule.Off)
        {
            record?.Skipped(SnpCheck.Revocation, "revocation lists are switched off");
            return null;
        }

        ICollateralProvider? provider = chain.Anchor.IsSimulated ? chain.Anchor.Collateral : options.Collateral;
        CollateralKey key = AmdCollateral.CrlKey(chain.Anchor.Generation, chain.Vek.Kind == SnpCertificateType.Vlek);
        if (provider is null)
        {
            missing = "no source of revocation lists is configured";
        }
        else if (_notBefore.TryGet((chain.Anchor.Ark.SpkiSha256, key), out DateTimeOffset later) && now < later)
        {
            missing = "the revocation list could not be had a moment ago";
        }
        else
        {
            try
            {
                Result<CollateralItem> fetched = await provider.GetAsync(key, ct).ConfigureAwait(false);
                if (fetched.TryGet(out CollateralItem? item, out Refusal? refusal))
                {
                    return CheckFetched(item, key, chain, now, record);
                }

                missing = refusal.Detail;
            }
            catch (CollateralUnavailableException e) when (options.Revocation == RevocationRule.WhenAvailable || satisfied)
            {
                missing = e.Message;
            }

            _notBefore.Put((chain.Anchor.Ark.SpkiSha256, key), now + options.RevocationRetry);
        }

        if (satisfied)
        {
            record?.Passed(SnpCheck.Revocation, "by the list that came with the evidence");
            return null;
        }

        if (options.Revocation == RevocationRule.Required)
        {
            return record.Note(SnpCheck.Revocation, new Refusal(RefusalCode.Untrusted, "a revocation list is required: " + missing));
        }

        record?.Skipped(SnpCheck.Revocation, missing);
        return null;
    }

    private static Refusal? CheckListed(CertificateRevocationList list, SnpChain chain) =>
        list.FindRevocation(chain.Ca.SerialNumber.Span) is { } when
            ? new Refusal(RefusalCode.Revoked, $"{chain.Ca.Name} (serial {Convert.ToHexStringLower(chain.Ca.SerialNumber.Span)}) was revoked {when:u}")
            : null;

    private Refusal? CheckFetched(CollateralItem item, CollateralKey key, SnpChain chain, DateTimeOffset now, VerificationRecord? record)
    {
        string root = chain.Anchor.Ark.SpkiSha256;
        CertificateRevocationList? list;
        if (_current.TryGet(key, out (CollateralItem Item, string Root, CertificateRevocationList List) seen) && ReferenceEquals(seen.Item, item) && seen.Root == root)
        {
            list = seen.List;
        }
        else
        {
            if (!Read(item.Body, chain.Anchor).TryGet(out list, out Refusal? refusal))
            {
                return record.Note(SnpCheck.CrlSignature, refusal);
            }

            _current.Put(key, (item, root, list));
        }

        if (record is not null)
        {
            record.Passed(SnpCheck.CrlSignature, chain.Anchor.Ark.Name);
            record.Used(new CollateralUse(key.Kind, key.Id, list.ThisUpdate, list.NextUpdate, Convert.ToHexStringLower(SHA256.HashData(item.Body.Span))));
        }

        return record.Note(SnpCheck.CrlDates, list.CheckDates(now)) ?? record.Note(SnpCheck.Revocation, CheckListed(list, chain));
    }

    private Result<CertificateRevocationList> Read(ReadOnlyMemory<byte> bytes, AmdTrustAnchor anchor)
    {
        (string, string) id = (anchor.Ark.SpkiSha256, Convert.ToHexStringLower(SHA256.HashData(bytes.Span)));
        if (_verified.TryGet(id, out CertificateRevocationList? known))
        {
            return known;
        }

        if (!CertificateRevocationList.ParseAny(bytes).TryGet(out CertificateRevocationList? list, out Refusal? refusal))
        {
            return refusal;
        }

        if (list.IssuerCommonName != anchor.Ark.Name)
        {
            return new Refusal(RefusalCode.Untrusted, $"the list is of '{list.IssuerCommonName}', not of {anchor.Ark.Name}");
        }

        if (list.CheckSignature(anchor.Ark.SubjectPublicKeyInfo.Span, SnpChain.Algorithms) is { } unsigned)
        {
            return unsigned.Within("revocation list");
        }

        _verified.Put(id, list);
        return list;
    }
}
