// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Security.Cryptography;
using Coco.Tee.Intel;
using Coco.Tee.Snp;

namespace Coco.Cli.EvidenceCommands;

/// <summary>Certificates and revocation lists as fields.</summary>
internal static class CertificateView
{
    /// <summary>A certificate; AMD's extensions by their names.</summary>
    public static ShownNode Of(DerCertificate c)
    {
        ShownNode node = new ShownNode("certificate", c.SubjectCommonName)
            .Add("issuer", c.IssuerCommonName)
            .Add("serial", Convert.ToHexStringLower(c.SerialNumber.Span))
            .Add("notBefore", c.NotBefore.ToString("u", CultureInfo.InvariantCulture))
            .Add("notAfter", c.NotAfter.ToString("u", CultureInfo.InvariantCulture))
            .Add("signature", c.Signature.Algorithm.ToString())
            .Add("SPKI SHA-256", Convert.ToHexStringLower(SHA256.HashData(c.SubjectPublicKeyInfo.Span)))
            .Add("SHA-256", Convert.ToHexStringLower(SHA256.HashData(c.Raw.Span)));
        if (SnpVek.Parse(c).TryGet(out SnpVek? vek, out _))
        {
            node.Add("structVersion", vek.StructVersion?.ToString(CultureInfo.InvariantCulture))
                .Add("productName", vek.ProductName)
                .Add("SPL", vek.Tcb.ToString());
            if (vek.HardwareId is { } id)
            {
                node.Add("hwID", id);
            }

            if (vek.CspId is { } csp)
            {
                node.Add("cspID", csp);
            }

            return node;
        }

        bool isPck = false;
        if (c.FindExtension(PckExtension.Oid) is { } value && PckExtension.Parse(value).TryGet(out PckExtension? pck, out _))
        {
            isPck = true;
            ShownNode sgx = node.Open("SGX extensions")
                .Add("PPID", pck.Ppid)
                .Add("SGX TCB components", pck.Components)
                .Add("PCESVN", pck.PceSvn.ToString(CultureInfo.InvariantCulture))
                .Add("CPUSVN", pck.CpuSvn)
                .Add("PCE-ID", pck.PceId)
                .Add("FMSPC", pck.Fmspc)
                .Add("SGX Type", pck.SgxType.ToString(CultureInfo.InvariantCulture));
            if (pck.PlatformInstanceId is { } instance)
            {
                sgx.Add("Platform Instance ID", instance)
                    .Add("Dynamic Platform", pck.IsDynamicPlatform?.ToString())
                    .Add("Cached Keys", pck.HasCachedKeys?.ToString())
                    .Add("SMT Enabled", pck.IsSmtEnabled?.ToString());
            }
        }

        foreach (CertificateExtension e in c.Extensions.Where(e => !isPck || e.Oid != PckExtension.Oid))
        {
            node.Add($"extension {e.Oid}", (e.IsCritical ? "critical " : string.Empty) + Convert.ToHexStringLower(e.Value.Span));
        }

        return node;
    }

    /// <summary>A revocation list.</summary>
    public static ShownNode Of(CertificateRevocationList list)
    {
        ShownNode node = new ShownNode("revocation list", list.IssuerCommonName)
            .Add("thisUpdate", list.ThisUpdate.ToString("u", CultureInfo.InvariantCulture))
            .Add("nextUpdate", list.NextUpdate?.ToString("u", CultureInfo.InvariantCulture) ?? "(none)");
        ShownNode revoked = node.Open("revoked", list.Count.ToString(CultureInfo.InvariantCulture));
        foreach ((string serial, DateTimeOffset when) in list.Revoked.Take(1000))
        {
            revoked.Add(serial, when.ToString("u", CultureInfo.InvariantCulture));
        }

        return node;
    }
}
