// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;

namespace Coco.Verifiers.SecureExecution;

/// <summary>Where a certificate says that its revocation list is (RFC 5280 section 4.2.1.13).</summary>
internal static class DistributionPoints
{
    private const string Extension = "2.5.29.31";
    private const int Most = 8;

    /// <summary>Host and path of each HTTP address, without scheme: <c>host/path</c>. Empty when there is none, or the extension cannot be read.</summary>
    public static IReadOnlyList<string> Of(DerCertificate certificate)
    {
        var found = new List<string>();
        if (certificate.FindExtension(Extension) is not { } value)
        {
            return found;
        }

        try
        {
            AsnReader points = new AsnReader(value, AsnEncodingRules.DER).ReadSequence();
            while (points.HasData && found.Count < Most)
            {
                AsnReader point = points.ReadSequence();
                var name = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
                if (!point.HasData || point.PeekTag() != name)
                {
                    continue;
                }

                AsnReader full = point.ReadSequence(name);
                if (full.PeekTag() != name)
                {
                    continue;
                }

                AsnReader names = full.ReadSequence(name);
                while (names.HasData)
                {
                    var uri = new Asn1Tag(TagClass.ContextSpecific, 6);
                    if (names.PeekTag() == uri)
                    {
                        string text = names.ReadCharacterString(UniversalTagNumber.IA5String, uri);
                        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https")
                        {
                            found.Add(address.Authority + address.PathAndQuery);
                        }
                    }
                    else
                    {
                        names.ReadEncodedValue();
                    }
                }
            }
        }
        catch (AsnContentException)
        {
            return [];
        }

        return found;
    }
}
