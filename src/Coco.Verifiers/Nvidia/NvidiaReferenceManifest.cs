// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;
using Coco.Tee.Nvidia;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.Nvidia.SignedXml;

namespace Coco.Verifiers.Nvidia;

/// <summary>A reference integrity manifest (RIM) of NVIDIA: the measurements that a driver or VBIOS version must have.</summary>
/// <remarks>
/// Source: TCG Reference Integrity Manifest Information Model 1.01; ISO/IEC 19770-2:2015 (SWID). Measurement n of a manifest is block n + 1 of a
/// report; inactive ones and, where the decoder is off, that of the decoder are not compared.
/// </remarks>
public sealed class NvidiaReferenceManifest
{
    private const int MostMeasurements = 256;
    private const int MostAlternatives = 256;
    private const int DecoderMeasurement = 35;
    private const string DecoderOff = "U";

    private static readonly XNamespace Swid = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
    private static readonly XNamespace Sha384 = "http://www.w3.org/2001/04/xmldsig-more#sha384";

    private NvidiaReferenceManifest(NvidiaManifestKind kind, string name, string version, ImmutableDictionary<int, ImmutableArray<byte[]>> active)
    {
        Kind = kind;
        Name = name;
        Version = version;
        Active = active;
    }

    /// <summary>Driver or VBIOS.</summary>
    public NvidiaManifestKind Kind { get; }

    /// <summary>Name in the manifest.</summary>
    public string Name { get; }

    /// <summary>The version that it describes, as reports write it.</summary>
    public string Version { get; }

    /// <summary>Accepted values of the active measurements, by the manifest's index.</summary>
    internal ImmutableDictionary<int, ImmutableArray<byte[]>> Active { get; }

    /// <summary>Reads a manifest and verifies its signature and the signer's certificates.</summary>
    /// <param name="xml">The signed XML.</param>
    /// <param name="kind">What the caller takes it for; two manifests of different kinds look alike.</param>
    /// <param name="roots">Roots of manifest signers.</param>
    /// <param name="now">The time at which the certificates have to be valid (UTC).</param>
    public static Result<NvidiaReferenceManifest> Parse(ReadOnlyMemory<byte> xml, NvidiaManifestKind kind, IReadOnlyList<TrustedKey> roots, DateTimeOffset now)
    {
        if (!SignedDocument.Verify(xml, roots, now).TryGet(out XElement? root, out Refusal? refusal))
        {
            return refusal.Within("reference manifest");
        }

        return Read(root, kind);
    }

    /// <summary>Compares a report with the manifests of its driver and VBIOS; null when every active measurement has an accepted value.</summary>
    public static Refusal? Compare(SpdmReport report, IReadOnlyList<NvidiaReferenceManifest> manifests)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(manifests);
        bool decoderOff = report.Opaque.ToConfig()["nvdec0_status"]?.GetValue<string>() == DecoderOff;
        var seen = new HashSet<int>();
        foreach (NvidiaReferenceManifest manifest in manifests)
        {
            foreach ((int index, ImmutableArray<byte[]> accepted) in manifest.Active)
            {
                if (!seen.Add(index))
                {
                    return new Refusal(RefusalCode.Conflict, $"measurement {index} is active in both reference manifests");
                }

                if (index == DecoderMeasurement && decoderOff)
                {
                    continue;
                }

                SpdmMeasurement? measured = report.MeasurementBlocks.FirstOrDefault(m => m.Index == index + 1);
                if (measured is null || !accepted.Any(a => measured.Value.Span.SequenceEqual(a)))
                {
                    return new Refusal(RefusalCode.Mismatch, $"measurement {index + 1} is not one that the reference manifest of {manifest.Name} {manifest.Version} accepts");
                }
            }
        }

        return null;
    }

    private static Result<NvidiaReferenceManifest> Read(XElement root, NvidiaManifestKind kind)
    {
        if (root.Name != Swid + "SoftwareIdentity" || root.Element(Swid + "Payload") is not { } payload)
        {
            return Bad("not a SWID tag with a payload");
        }

        string version = root.Element(Swid + "Meta")?.Attribute("colloquialVersion")?.Value ?? root.Attribute("version")?.Value ?? string.Empty;
        if (version.Length == 0)
        {
            return Bad("no version");
        }

        var active = ImmutableDictionary.CreateBuilder<int, ImmutableArray<byte[]>>();
        int count = 0;
        foreach (XElement resource in payload.Elements(Swid + "Resource").Where(r => r.Attribute("type")?.Value == "Measurement"))
        {
            if (++count > MostMeasurements)
            {
                return new Refusal(RefusalCode.TooLarge, $"reference manifest: more than {MostMeasurements} measurements");
            }

            if (!int.TryParse(resource.Attribute("index")?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
                || !int.TryParse(resource.Attribute("alternatives")?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int alternatives)
                || alternatives is < 1 or > MostAlternatives)
            {
                return Bad("a measurement without index or alternatives");
            }

            if (!string.Equals(resource.Attribute("active")?.Value, "true", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            var values = ImmutableArray.CreateBuilder<byte[]>();
            for (int i = 0; i < alternatives; i++)
            {
                byte[] value = new byte[48];
                string? text = resource.Attribute(Sha384 + string.Create(CultureInfo.InvariantCulture, $"Hash{i}"))?.Value;
                if (text?.Length != 96 || Convert.FromHexString(text, value, out _, out _) != System.Buffers.OperationStatus.Done)
                {
                    return Bad($"measurement {index}: alternative {i} is no SHA-384 digest");
                }

                values.Add(value);
            }

            if (!active.TryAdd(index, values.ToImmutable()))
            {
                return Bad($"measurement {index} occurs twice");
            }
        }

        return active.Count == 0 ? Bad("no active measurement") : new NvidiaReferenceManifest(kind, root.Attribute("name")?.Value ?? string.Empty, version, active.ToImmutable());
    }

    private static Refusal Bad(string what) => new(RefusalCode.Malformed, "reference manifest: " + what) { Field = "reference manifest" };
}
