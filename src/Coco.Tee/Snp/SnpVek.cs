// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;

namespace Coco.Tee.Snp;

/// <summary>A VCEK or VLEK certificate with AMD's extensions read; nothing is verified. Immutable, thread-safe.</summary>
/// <remarks>Source: "Versioned Chip Endorsement Key (VCEK) Certificate and KDS Interface Specification" (publication 57230), tables of X.509v3 extensions.</remarks>
public sealed class SnpVek
{
    private const string Base = "1.3.6.1.4.1.3704.1";

    private SnpVek(DerCertificate certificate, SnpCertificateType kind)
    {
        Certificate = certificate;
        Kind = kind;
    }

    /// <summary>The certificate.</summary>
    public DerCertificate Certificate { get; }

    /// <summary><see cref="SnpCertificateType.Vcek"/> or <see cref="SnpCertificateType.Vlek"/>, by the subject's common name.</summary>
    public SnpCertificateType Kind { get; }

    /// <summary>structVersion (.1): 0 Milan and Genoa, 1 Turin; null when absent.</summary>
    public int? StructVersion { get; private init; }

    /// <summary>productName (.2), for example <c>Milan-B0</c>; null when absent.</summary>
    public string? ProductName { get; private init; }

    /// <summary>blSPL (.3.1).</summary>
    public byte BootLoaderSpl { get; private init; }

    /// <summary>teeSPL (.3.2).</summary>
    public byte TeeSpl { get; private init; }

    /// <summary>snpSPL (.3.3).</summary>
    public byte SnpSpl { get; private init; }

    /// <summary>ucodeSPL (.3.8).</summary>
    public byte MicrocodeSpl { get; private init; }

    /// <summary>fmcSPL (.3.9); null when absent (Milan, Genoa).</summary>
    public byte? FmcSpl { get; private init; }

    /// <summary>The spare levels that the certificate has (.3.4 to .3.7), by their number.</summary>
    public IReadOnlyDictionary<int, byte> SpareSpl { get; private init; } = new Dictionary<int, byte>();

    /// <summary>hwID (.4): the chip id, 64 bytes (Milan, Genoa) or 8 (Turin); null when absent (VLEK).</summary>
    public ReadOnlyMemory<byte>? HardwareId { get; private init; }

    /// <summary>cspID (.5): the cloud provider of a VLEK; null when absent (VCEK).</summary>
    public string? CspId { get; private init; }

    /// <summary>The levels as a TCB value.</summary>
    public SnpTcb Tcb => new(FmcSpl, BootLoaderSpl, TeeSpl, SnpSpl, MicrocodeSpl);

    /// <summary>Reads the extensions; refused when the common name is neither SEV-VCEK nor SEV-VLEK, a level is missing or over 255, or the forms do not fit.</summary>
    public static Result<SnpVek> Parse(DerCertificate certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        SnpCertificateType kind;
        switch (certificate.SubjectCommonName)
        {
            case "SEV-VCEK":
                kind = SnpCertificateType.Vcek;
                break;
            case "SEV-VLEK":
                kind = SnpCertificateType.Vlek;
                break;
            default:
                return Bad("subject", $"common name '{certificate.SubjectCommonName}' is neither SEV-VCEK nor SEV-VLEK");
        }

        try
        {
            var spare = new Dictionary<int, byte>();
            for (int n = 4; n <= 7; n++)
            {
                if (Level(certificate, $".3.{n}") is { } level)
                {
                    spare.Add(n, level);
                }
            }

            if (Level(certificate, ".3.1") is not { } bootLoader
                || Level(certificate, ".3.2") is not { } tee
                || Level(certificate, ".3.3") is not { } snp
                || Level(certificate, ".3.8") is not { } microcode)
            {
                return Bad(Base + ".3", "one of the levels blSPL, teeSPL, snpSPL, ucodeSPL is missing");
            }

            ReadOnlyMemory<byte>? hardwareId = null;
            if (certificate.FindExtension(Base + ".4") is { } hw)
            {
                hardwareId = HardwareIdOf(hw);
                if (hardwareId is null)
                {
                    return Bad("hwID", $"{hw.Length} bytes, 64 or 8 wanted");
                }
            }

            string? csp = Text(certificate, ".5");
            if (kind == SnpCertificateType.Vcek ? hardwareId is null || csp is not null : hardwareId is not null)
            {
                return Bad(kind == SnpCertificateType.Vcek && hardwareId is not null ? "cspID" : "hwID", "a VCEK has hwID and no cspID, a VLEK has no hwID");
            }

            return new SnpVek(certificate, kind)
            {
                StructVersion = Level(certificate, ".1"),
                ProductName = Text(certificate, ".2"),
                BootLoaderSpl = bootLoader,
                TeeSpl = tee,
                SnpSpl = snp,
                MicrocodeSpl = microcode,
                FmcSpl = Level(certificate, ".3.9"),
                SpareSpl = spare,
                HardwareId = hardwareId,
                CspId = csp,
            };
        }
        catch (AsnContentException e)
        {
            return Bad(Base, "an extension is not DER: " + e.Message);
        }
    }

    /// <summary>hwID is raw bytes in the certificates that exist; a DER OCTET STRING of the same length is taken too.</summary>
    private static ReadOnlyMemory<byte>? HardwareIdOf(ReadOnlyMemory<byte> value) => value.Length switch
    {
        64 or 8 => value,
        66 when value.Span[0] == 4 && value.Span[1] == 64 => value[2..],
        10 when value.Span[0] == 4 && value.Span[1] == 8 => value[2..],
        _ => null,
    };

    private static byte? Level(DerCertificate certificate, string suffix)
    {
        if (certificate.FindExtension(Base + suffix) is not { } value)
        {
            return null;
        }

        var reader = new AsnReader(value, AsnEncodingRules.DER);
        if (!reader.TryReadInt32(out int level) || level is < 0 or > 255)
        {
            throw new AsnContentException($"level {suffix} is outside 0 to 255");
        }

        reader.ThrowIfNotEmpty();
        return (byte)level;
    }

    private static string? Text(DerCertificate certificate, string suffix)
    {
        if (certificate.FindExtension(Base + suffix) is not { } value)
        {
            return null;
        }

        var reader = new AsnReader(value, AsnEncodingRules.DER);
        string text = reader.ReadCharacterString(UniversalTagNumber.IA5String);
        reader.ThrowIfNotEmpty();
        return text;
    }

    private static Refusal Bad(string field, string detail) => new(RefusalCode.Malformed, $"VCEK/VLEK certificate, {field}: {detail}") { Field = field };
}
