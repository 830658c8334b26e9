// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Coco.Rego.Builtins.Crypto;

/// <summary>Distinguished names and the values of DER that descriptions of certificates need.</summary>
internal static class DerNames
{
    private static readonly (string Oid, string Member)[] Lists =
    [
        ("2.5.4.6", "Country"), ("2.5.4.10", "Organization"), ("2.5.4.11", "OrganizationalUnit"), ("2.5.4.7", "Locality"),
        ("2.5.4.8", "Province"), ("2.5.4.9", "StreetAddress"), ("2.5.4.17", "PostalCode"),
    ];

    /// <summary>A name as the object that Go makes of it.</summary>
    public static RegoObject Describe(AsnReader name)
    {
        var lists = Lists.ToDictionary(static list => list.Oid, static _ => new List<RegoValue>(), StringComparer.Ordinal);
        var names = new List<RegoValue>();
        string commonName = "", serialNumber = "";
        while (name.HasData)
        {
            var relative = name.ReadSetOf(skipSortOrderValidation: true);
            while (relative.HasData)
            {
                var attribute = relative.ReadSequence();
                var oid = attribute.ReadObjectIdentifier();
                var value = ReadText(attribute);
                names.Add(RegoObject.Of(("Type", Oid(oid)), ("Value", value is null ? RegoValue.Null : value)));
                if (value is null)
                {
                    continue;
                }

                if (oid == "2.5.4.3")
                {
                    commonName = value;
                }
                else if (oid == "2.5.4.5")
                {
                    serialNumber = value;
                }
                else if (lists.TryGetValue(oid, out var list))
                {
                    list.Add(value);
                }
            }
        }

        var result = RegoObject.Of(
            ("CommonName", commonName), ("SerialNumber", serialNumber), ("Names", OrNull(names)), ("ExtraNames", RegoValue.Null));
        foreach (var (oid, member) in Lists)
        {
            result = result.With(member, OrNull(lists[oid]));
        }

        return result;
    }

    /// <summary>A list, or null where it is empty: a nil slice of Go.</summary>
    public static RegoValue OrNull(List<RegoValue> items) => items.Count == 0 ? RegoValue.Null : RegoArray.OfList(items);

    /// <summary>The parts of an object identifier as an array of numbers.</summary>
    public static RegoValue Oid(string oid) =>
        RegoArray.Of([.. oid.Split('.').Select(static part => (RegoValue)RegoNumber.Of(BigInteger.Parse(part, CultureInfo.InvariantCulture)))]);

    /// <summary>RFC 3339 in UTC.</summary>
    public static DateTimeOffset ReadTime(AsnReader reader) =>
        reader.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime) ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();

    private static string? ReadText(AsnReader reader)
    {
        var tag = reader.PeekTag();
        if (tag.TagClass == TagClass.Universal)
        {
            switch ((UniversalTagNumber)tag.TagValue)
            {
                case UniversalTagNumber.UTF8String or UniversalTagNumber.PrintableString or UniversalTagNumber.IA5String
                    or UniversalTagNumber.T61String or UniversalTagNumber.BMPString or UniversalTagNumber.NumericString
                    or UniversalTagNumber.VisibleString:
                    return reader.ReadCharacterString((UniversalTagNumber)tag.TagValue);
            }
        }

        reader.ReadEncodedValue();
        return null;
    }

    /// <summary>Bytes as standard base64, null where there are none.</summary>
    public static RegoValue Base64(ReadOnlySpan<byte> bytes) => bytes.IsEmpty ? RegoValue.Null : Convert.ToBase64String(bytes);

    /// <summary>Text of an IA5 value.</summary>
    public static string Ascii(ReadOnlySpan<byte> bytes) => Encoding.ASCII.GetString(bytes);
}
