// SPDX-License-Identifier: Apache-2.0
using System.Formats.Cbor;
using System.Text;
using System.Text.Json;
using Coco.ReferenceValues;
using Coco.ReferenceValues.Cbor;
using Coco.ReferenceValues.Extractors;
using Coco.ReferenceValues.InToto;
using Coco.ReferenceValues.Signatures;

namespace Coco.Fuzz.Targets;

/// <summary>What publishers send to the reference value provider.</summary>
public sealed class ProvenanceTargets : IFuzzTargetGroup
{
    private static readonly ReferenceValuesOptions Options = new();

    /// <inheritdoc/>
    public IEnumerable<IFuzzTarget> Targets =>
    [
        new ParserTarget("reference-message", Texts("""{"version":"0.1.0","type":"sample","payload":"e30="}"""), b => ReferenceValueMessage.Parse(Encoding.UTF8.GetString(b))),
        new ParserTarget("reference-record", Texts("""{"version":"0.1.0","name":"a","expiration":"2030-01-01T00:00:00Z","value":["b"]}"""), b => ReferenceValueRecord.Parse(b)),
        new ParserTarget("reference-sample", Texts("""{"launch_digest":["abcde"],"tcb":{"snp":3}}"""), b => Extract(new SampleExtractor(TimeProvider.System), b)),
        new ParserTarget("reference-swid", Swid, b => Extract(new SwidExtractor(TimeProvider.System), b)),
        new ParserTarget("reference-corim", Corims, b => Extract(new CorimExtractor(TimeProvider.System, Options), b)),
        new ParserTarget("reference-slsa", Statements, b => Extract(new SlsaExtractor(TimeProvider.System, Options), b)),
        new ParserTarget("cose-sign1", Corims, b =>
        {
            if (CborNode.Parse(b, "fuzz").TryGet(out CborNode? node, out _))
            {
                _ = CoseSign1.Parse(node);
            }
        }),
        new ParserTarget("in-toto-metadata", InToto, b =>
        {
            _ = InTotoMetadata.Parse(b);
            if (HostileJson.Parse(b).TryGet(out JsonElement json, out _) && json.ValueKind == JsonValueKind.Object)
            {
                _ = DsseEnvelope.Parse(json);
                JsonElement signed = json.TryGetProperty("signed", out JsonElement inner) ? inner : json;
                _ = InTotoLayout.Parse(signed, null);
                _ = InTotoLink.Parse(signed);
            }
        }),
        new ParserTarget("in-toto-key", EvidenceSeeds.OfVectors(".pub", "in-toto"), b => InTotoKey.ParseFile(b)),
    ];

    private static Func<IReadOnlyList<byte[]>> Texts(params string[] texts) => () => [.. texts.Select(Encoding.UTF8.GetBytes)];

    /// <summary>Mutates what is inside the base64, which a mutation of the text itself would hardly reach.</summary>
    private static void Extract(IReferenceValueExtractor extractor, byte[] payload)
    {
        foreach (string text in (string[])[Convert.ToBase64String(payload), Encoding.UTF8.GetString(payload)])
        {
            _ = extractor.ExtractAsync(text, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        }
    }

    private static IReadOnlyList<byte[]> Swid() =>
    [
        """
        <SoftwareIdentity xmlns="http://standards.iso.org/iso/19770/-2/2015/schema.xsd" xmlns:SHA384="http://www.w3.org/2001/04/xmlenc#sha384" name="a" tagId="b" version="1">
        <Meta colloquialVersion="1"/><Payload><Directory name="d"><File name="f" SHA384:hash="00"/></Directory></Payload></SoftwareIdentity>
        """u8.ToArray(),
    ];

    private static IReadOnlyList<byte[]> Corims()
    {
        var map = new CborWriter(allowMultipleRootLevelValues: true);
        map.WriteTag((CborTag)501);
        map.WriteStartMap(2);
        map.WriteInt32(0);
        map.WriteTextString("corim");
        map.WriteInt32(1);
        map.WriteStartArray(1);
        map.WriteByteString([0xD9, 0x01, 0xFA, 0xA0]);
        map.WriteEndArray();
        map.WriteEndMap();
        byte[] unsigned = map.Encode();
        var cose = new CborWriter();
        cose.WriteTag((CborTag)18);
        cose.WriteStartArray(4);
        cose.WriteByteString([0xA1, 0x01, 0x26]);
        cose.WriteStartMap(0);
        cose.WriteEndMap();
        cose.WriteByteString(unsigned);
        cose.WriteByteString(new byte[64]);
        cose.WriteEndArray();
        return [unsigned, cose.Encode()];
    }

    private static IReadOnlyList<byte[]> Statements()
    {
        string statement = Convert.ToBase64String("""{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"00"}}],"predicateType":"https://slsa.dev/provenance/v1","predicate":{}}"""u8);
        return [Encoding.UTF8.GetBytes($$"""{"payloadType":"application/vnd.in-toto+json","payload":"{{statement}}","signatures":[{"keyid":"","sig":"AA=="}]}""")];
    }

    private static IReadOnlyList<byte[]> InToto() =>
    [
        """{"signatures":[{"keyid":"a","sig":"00"}],"signed":{"_type":"layout","expires":"2030-01-01T00:00:00Z","keys":{},"steps":[{"_type":"step","name":"s","expected_materials":[],"expected_products":[["CREATE","*"]],"pubkeys":["a"],"expected_command":["x"],"threshold":1}],"inspect":[],"readme":""}}"""u8.ToArray(),
        """{"signatures":[],"signed":{"_type":"link","name":"s","materials":{},"products":{"a":{"sha256":"00"}},"byproducts":{},"command":[],"environment":{}}}"""u8.ToArray(),
        .. Statements(),
    ];
}
