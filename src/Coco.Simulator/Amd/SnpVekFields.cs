// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using Coco.Tee.Snp;

namespace Coco.Simulator.Amd;

/// <summary>What a simulated VCEK or VLEK certificate says; every part to be set at will.</summary>
public sealed class SnpVekFields
{
    private const string Base = "1.3.6.1.4.1.3704.1";

    /// <summary>Common name of the subject: <c>SEV-VCEK</c> or <c>SEV-VLEK</c>.</summary>
    public string CommonName { get; set; } = "SEV-VCEK";

    /// <summary>Common name of the issuer; the authority's own when null.</summary>
    public string? IssuerCommonName { get; set; }

    /// <summary>Serial number, big-endian; 0 as in AMD's VCEKs.</summary>
    public byte[] SerialNumber { get; set; } = [0];

    /// <summary>Begin of validity (UTC).</summary>
    public DateTimeOffset NotBefore { get; set; }

    /// <summary>End of validity (UTC).</summary>
    public DateTimeOffset NotAfter { get; set; }

    /// <summary>structVersion.</summary>
    public int StructVersion { get; set; }

    /// <summary>productName.</summary>
    public string ProductName { get; set; } = string.Empty;

    /// <summary>The levels; fmcSPL is left out when <see cref="SnpTcb.Fmc"/> is null.</summary>
    public SnpTcb Tcb { get; set; }

    /// <summary>hwID, raw; left out when null.</summary>
    public byte[]? HardwareId { get; set; }

    /// <summary>cspID; left out when null.</summary>
    public string? CspId { get; set; }

    /// <summary>Further extensions, or (with the same identifier) replacements.</summary>
    public IList<X509Extension> OtherExtensions { get; } = [];

    internal IReadOnlyList<X509Extension> Extensions()
    {
        var list = new List<X509Extension>
        {
            Number(".1", StructVersion),
            new(Base + ".2", Ia5(ProductName), critical: false),
            Number(".3.1", Tcb.BootLoader),
            Number(".3.2", Tcb.Tee),
            Number(".3.3", Tcb.Snp),
            Number(".3.5", 0),
            Number(".3.6", 0),
            Number(".3.7", 0),
            Number(".3.8", Tcb.Microcode),
        };
        list.Add(Tcb.Fmc is { } fmc ? Number(".3.9", fmc) : Number(".3.4", 0));
        if (HardwareId is not null)
        {
            list.Add(new X509Extension(Base + ".4", HardwareId, critical: false));
        }

        if (CspId is not null)
        {
            list.Add(new X509Extension(Base + ".5", Ia5(CspId), critical: false));
        }

        list.RemoveAll(e => OtherExtensions.Any(o => o.Oid!.Value == e.Oid!.Value));
        list.AddRange(OtherExtensions);
        return list;
    }

    private static X509Extension Number(string suffix, int value)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteInteger(value);
        return new X509Extension(Base + suffix, writer.Encode(), critical: false);
    }

    private static byte[] Ia5(string text)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteCharacterString(UniversalTagNumber.IA5String, text);
        return writer.Encode();
    }
}
