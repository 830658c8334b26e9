// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace Coco.ReferenceValues.Extractors;

/// <summary>Base64 of a SWID tag that carries a TCG reference integrity manifest (rvps.md 5.2). The format has no signature that is checked.</summary>
internal sealed class SwidExtractor(TimeProvider clock) : IReferenceValueExtractor
{
    private const int MaxBytes = 4 << 20;

    private static readonly XNamespace Swid = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
    private static readonly XNamespace Rim = "https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/";
    private static readonly XNamespace Sha384 = "http://www.w3.org/2001/04/xmlenc#sha384";

    public string ProvenanceType => "swid";

    public ValueTask<Result<ExtractedProvenance>> ExtractAsync(string payload, CancellationToken ct) => new(Extract(payload));

    private Result<ExtractedProvenance> Extract(string payload)
    {
        if (!Payloads.DecodeBase64(payload, "swid payload").TryGet(out byte[]? bytes, out Refusal? why))
        {
            return why;
        }

        if (bytes.Length > MaxBytes)
        {
            return new Refusal(RefusalCode.TooLarge, $"SWID tag has {bytes.Length} bytes, at most {MaxBytes} are read");
        }

        XDocument document;
        try
        {
            // No DTD, no resolver: entities cannot multiply and nothing is fetched.
            var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = MaxBytes };
            using var reader = XmlReader.Create(new MemoryStream(bytes), settings);
            document = XDocument.Load(reader, LoadOptions.None);
        }
        catch (XmlException e)
        {
            return new Refusal(RefusalCode.Malformed, $"SWID tag is not XML: {e.Message}");
        }

        XElement? meta = document.Descendants(Swid + "Meta").FirstOrDefault();
        if (meta?.Attribute(Rim + "PlatformManufacturerStr") is not { } manufacturer || meta.Attribute("edition") is not { } edition)
        {
            return new Refusal(RefusalCode.Malformed, "SWID tag has no Meta with PlatformManufacturerStr and edition") { Field = "Meta" };
        }

        if (document.Descendants(Swid + "Payload").FirstOrDefault() is not { } body)
        {
            return new Refusal(RefusalCode.Malformed, "SWID tag has no Payload") { Field = "Payload" };
        }

        string prefix = $"{manufacturer.Value.Replace(' ', '_')}.{edition.Value}.measurement_";
        DateTimeOffset until = ReferenceValueRecord.DefaultExpiration(clock.GetUtcNow());
        var records = ImmutableArray.CreateBuilder<ReferenceValueRecord>();
        foreach (XElement resource in body.Descendants(Swid + "Resource").Where(r => r.Attribute("type")?.Value == "Measurement"))
        {
            if (resource.Attribute("index") is not { } index)
            {
                return new Refusal(RefusalCode.Malformed, "a measurement of the SWID tag has no index") { Field = "index" };
            }

            // By name once: looking for each number among all attributes would take the square of their count.
            var byName = resource.Attributes().Where(a => a.Name.Namespace == Sha384).ToDictionary(a => a.Name.LocalName, a => a.Value, StringComparer.Ordinal);
            var hashes = new List<string>();
            for (int i = 0; byName.TryGetValue(string.Create(CultureInfo.InvariantCulture, $"Hash{i}"), out string? hash); i++)
            {
                if (hash.AsSpan().ContainsAnyExcept('0'))
                {
                    hashes.Add(hash);
                }
            }

            if (hashes.Count > 0)
            {
                records.Add(ReferenceValueRecord.OfStrings((prefix + index.Value).Replace('-', '_'), hashes, until));
            }
        }

        return new ExtractedProvenance(records.DrainToImmutable(), []);
    }
}
