// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;

namespace Coco.Tee.Intel;

/// <summary>The SGX extension of a PCK certificate: which platform it is, and at which versions its key was made.</summary>
/// <remarks>Source: Intel SGX PCK certificate and CRL profile specification, section 2.3.6; tee-evidence.md 3.3.</remarks>
public sealed class PckExtension
{
    /// <summary>Object identifier of the extension.</summary>
    public const string Oid = "1.2.840.113741.1.13.1";

    /// <summary>Number of SGX TCB components.</summary>
    public const int ComponentCount = 16;

    private const int ElementsOfProcessorCa = 5;
    private const int ElementsOfPlatformCa = 7;

    private PckExtension()
    {
    }

    /// <summary>PPID (16 bytes).</summary>
    public ReadOnlyMemory<byte> Ppid { get; private init; }

    /// <summary>The SGX TCB component SVNs 1 to 16.</summary>
    public ReadOnlyMemory<byte> Components { get; private init; }

    /// <summary>PCESVN.</summary>
    public ushort PceSvn { get; private init; }

    /// <summary>CPUSVN (16 bytes).</summary>
    public ReadOnlyMemory<byte> CpuSvn { get; private init; }

    /// <summary>PCE-ID (2 bytes).</summary>
    public ReadOnlyMemory<byte> PceId { get; private init; }

    /// <summary>FMSPC (6 bytes).</summary>
    public ReadOnlyMemory<byte> Fmspc { get; private init; }

    /// <summary>SGX type: 0 Standard, 1 Scalable, 2 Scalable with Integrity.</summary>
    public int SgxType { get; private init; }

    /// <summary>Platform instance id (16 bytes, in the order of the certificate); null for leaves of the Processor CA.</summary>
    public ReadOnlyMemory<byte>? PlatformInstanceId { get; private init; }

    /// <summary>Whether the configuration says dynamic platform; null when it says nothing.</summary>
    public bool? IsDynamicPlatform { get; private init; }

    /// <summary>Whether the configuration says cached keys; null when it says nothing.</summary>
    public bool? HasCachedKeys { get; private init; }

    /// <summary>Whether the configuration says SMT enabled; null when it says nothing.</summary>
    public bool? IsSmtEnabled { get; private init; }

    /// <summary>Whether it has the two elements that only leaves of the Platform CA have.</summary>
    public bool HasPlatformElements => PlatformInstanceId is not null;

    /// <summary>Reads the extension's value: elements in their fixed order, 5 or 7 of them.</summary>
    public static Result<PckExtension> Parse(ReadOnlyMemory<byte> value)
    {
        try
        {
            return Read(value);
        }
        catch (AsnContentException e)
        {
            return new Refusal(RefusalCode.Malformed, $"SGX extension: not the DER it should be ({e.Message})") { Field = "SGX Extensions" };
        }
    }

    private static Result<PckExtension> Read(ReadOnlyMemory<byte> value)
    {
        var outer = new AsnReader(value, AsnEncodingRules.DER);
        AsnReader elements = outer.ReadSequence();
        outer.ThrowIfNotEmpty();

        ReadOnlyMemory<byte> ppid = ReadOctets(Element(elements, ".1"), 16);
        AsnReader tcb = Element(elements, ".2").ReadSequence();
        byte[] components = new byte[ComponentCount];
        for (int i = 0; i < ComponentCount; i++)
        {
            components[i] = (byte)ReadNumber(Element(tcb, $".2.{i + 1}"), byte.MaxValue);
        }

        int pceSvn = ReadNumber(Element(tcb, ".2.17"), ushort.MaxValue);
        ReadOnlyMemory<byte> cpuSvn = ReadOctets(Element(tcb, ".2.18"), 16);
        tcb.ThrowIfNotEmpty();
        ReadOnlyMemory<byte> pceId = ReadOctets(Element(elements, ".3"), 2);
        ReadOnlyMemory<byte> fmspc = ReadOctets(Element(elements, ".4"), 6);
        AsnReader typeReader = Element(elements, ".5");
        ReadOnlyMemory<byte> type = typeReader.ReadEnumeratedBytes();
        typeReader.ThrowIfNotEmpty();
        if (type.Length != 1 || type.Span[0] > 0x7F)
        {
            throw new AsnContentException("SGX type is out of range");
        }

        ReadOnlyMemory<byte>? instance = null;
        bool? dynamic = null, cached = null, smt = null;
        if (elements.HasData)
        {
            instance = ReadOctets(Element(elements, ".6"), 16);
            AsnReader configurationElement = Element(elements, ".7");
            AsnReader configuration = configurationElement.ReadSequence();
            configurationElement.ThrowIfNotEmpty();
            string before = string.Empty;
            while (configuration.HasData)
            {
                AsnReader one = configuration.ReadSequence();
                string oid = one.ReadObjectIdentifier();
                if (string.CompareOrdinal(oid, before) <= 0)
                {
                    throw new AsnContentException("configuration elements are out of order or occur twice");
                }

                before = oid;
                bool flag = one.ReadBoolean();
                one.ThrowIfNotEmpty();
                switch (oid)
                {
                    case Oid + ".7.1":
                        dynamic = flag;
                        break;
                    case Oid + ".7.2":
                        cached = flag;
                        break;
                    case Oid + ".7.3":
                        smt = flag;
                        break;
                    default:
                        throw new AsnContentException($"configuration element {oid} is not known");
                }
            }
        }

        if (elements.HasData)
        {
            return new Refusal(RefusalCode.Malformed, $"SGX extension has neither {ElementsOfProcessorCa} nor {ElementsOfPlatformCa} elements") { Field = "SGX Extensions" };
        }

        return new PckExtension
        {
            Ppid = ppid,
            Components = components,
            PceSvn = (ushort)pceSvn,
            CpuSvn = cpuSvn,
            PceId = pceId,
            Fmspc = fmspc,
            SgxType = type.Span[0],
            PlatformInstanceId = instance,
            IsDynamicPlatform = dynamic,
            HasCachedKeys = cached,
            IsSmtEnabled = smt,
        };
    }

    private static AsnReader Element(AsnReader reader, string suffix)
    {
        AsnReader pair = reader.ReadSequence();
        string oid = pair.ReadObjectIdentifier();
        return oid.Length == Oid.Length + suffix.Length && oid.StartsWith(Oid, StringComparison.Ordinal) && oid.EndsWith(suffix, StringComparison.Ordinal)
            ? pair
            : throw new AsnContentException($"element {oid} where {Oid}{suffix} is expected");
    }

    private static ReadOnlyMemory<byte> ReadOctets(AsnReader pair, int length)
    {
        if (!pair.TryReadPrimitiveOctetString(out ReadOnlyMemory<byte> octets) || octets.Length != length)
        {
            throw new AsnContentException($"an OCTET STRING of {length} bytes is expected");
        }

        pair.ThrowIfNotEmpty();
        return octets;
    }

    private static int ReadNumber(AsnReader pair, int most)
    {
        if (!pair.TryReadInt32(out int number) || number < 0 || number > most)
        {
            throw new AsnContentException($"an INTEGER from 0 to {most} is expected");
        }

        pair.ThrowIfNotEmpty();
        return number;
    }
}
