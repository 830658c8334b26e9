// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Xml.Linq;

namespace Coco.Verifiers.Nvidia.SignedXml;

/// <summary>Canonical XML 1.0/1.1 and Exclusive Canonical XML 1.0, both without comments, of an element and what is in it.</summary>
/// <remarks>
/// Source: W3C Canonical XML 1.1 section 2; Exclusive XML Canonicalization 1.0 section 3. Attributes of the namespace <c>xml</c> on ancestors are
/// not inherited: documents that have them are refused before.
/// </remarks>
internal static class CanonicalXml
{
    /// <summary>The canonical octets.</summary>
    /// <param name="element">The apex.</param>
    /// <param name="exclusive">Exclusive rather than inclusive.</param>
    /// <param name="omit">An element that is left out with all that is in it (the enveloped signature); null for none.</param>
    public static byte[] Write(XElement element, bool exclusive, XElement? omit)
    {
        var text = new StringBuilder();
        Write(text, element, exclusive, omit, new Dictionary<string, string>(StringComparer.Ordinal), apex: true);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Write(StringBuilder text, XElement element, bool exclusive, XElement? omit, Dictionary<string, string> rendered, bool apex)
    {
        var scope = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (exclusive)
        {
            Use(scope, element, element.Name, PrefixOf(element, element.Name));
            foreach (XAttribute attribute in element.Attributes().Where(a => !a.IsNamespaceDeclaration && a.Name.NamespaceName.Length > 0))
            {
                Use(scope, element, attribute.Name, PrefixOfAttribute(element, attribute));
            }
        }
        else
        {
            foreach (XAttribute declaration in apex ? InScope(element) : element.Attributes().Where(a => a.IsNamespaceDeclaration))
            {
                scope[PrefixDeclared(declaration)] = declaration.Value;
            }
        }

        string name = Qualified(PrefixOf(element, element.Name), element.Name.LocalName);
        text.Append('<').Append(name);
        var inner = new Dictionary<string, string>(rendered, StringComparer.Ordinal);
        foreach ((string prefix, string uri) in scope)
        {
            bool known = rendered.TryGetValue(prefix, out string? current);
            if (prefix == "xml" || (known && current == uri) || (!known && prefix.Length == 0 && uri.Length == 0))
            {
                continue;
            }

            text.Append(prefix.Length == 0 ? " xmlns=\"" : $" xmlns:{prefix}=\"");
            EscapeAttribute(text, uri);
            text.Append('"');
            inner[prefix] = uri;
        }

        foreach (XAttribute attribute in element.Attributes().Where(a => !a.IsNamespaceDeclaration)
            .OrderBy(a => a.Name.NamespaceName, StringComparer.Ordinal).ThenBy(a => a.Name.LocalName, StringComparer.Ordinal))
        {
            text.Append(' ').Append(Qualified(attribute.Name.NamespaceName.Length == 0 ? string.Empty : PrefixOfAttribute(element, attribute), attribute.Name.LocalName)).Append("=\"");
            EscapeAttribute(text, attribute.Value);
            text.Append('"');
        }

        text.Append('>');
        foreach (XNode node in element.Nodes())
        {
            switch (node)
            {
                case XElement child when !ReferenceEquals(child, omit):
                    Write(text, child, exclusive, omit, inner, apex: false);
                    break;
                case XText characters:
                    EscapeText(text, characters.Value);
                    break;
                case XProcessingInstruction instruction:
                    text.Append("<?").Append(instruction.Target).Append(instruction.Data.Length == 0 ? string.Empty : " " + instruction.Data).Append("?>");
                    break;
                default:
                    break;
            }
        }

        text.Append("</").Append(name).Append('>');
    }

    private static void Use(SortedDictionary<string, string> scope, XElement element, XName name, string prefix) =>
        scope[prefix] = prefix.Length == 0 ? element.GetDefaultNamespace().NamespaceName : name.NamespaceName;

    private static IEnumerable<XAttribute> InScope(XElement element)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (XElement? at = element; at is not null; at = at.Parent)
        {
            foreach (XAttribute declaration in at.Attributes().Where(a => a.IsNamespaceDeclaration))
            {
                if (seen.Add(PrefixDeclared(declaration)))
                {
                    yield return declaration;
                }
            }
        }
    }

    private static string PrefixDeclared(XAttribute declaration) => declaration.Name.NamespaceName.Length == 0 ? string.Empty : declaration.Name.LocalName;

    private static string PrefixOf(XElement element, XName name) =>
        name.Namespace == element.GetDefaultNamespace() ? string.Empty : element.GetPrefixOfNamespace(name.Namespace) ?? string.Empty;

    private static string PrefixOfAttribute(XElement element, XAttribute attribute) => element.GetPrefixOfNamespace(attribute.Name.Namespace) ?? string.Empty;

    private static string Qualified(string prefix, string local) => prefix.Length == 0 ? local : prefix + ":" + local;

    private static void EscapeText(StringBuilder text, string value)
    {
        foreach (char c in value)
        {
            _ = c switch
            {
                '&' => text.Append("&amp;"),
                '<' => text.Append("&lt;"),
                '>' => text.Append("&gt;"),
                '\r' => text.Append("&#xD;"),
                _ => text.Append(c),
            };
        }
    }

    private static void EscapeAttribute(StringBuilder text, string value)
    {
        foreach (char c in value)
        {
            _ = c switch
            {
                '&' => text.Append("&amp;"),
                '<' => text.Append("&lt;"),
                '"' => text.Append("&quot;"),
                '\t' => text.Append("&#x9;"),
                '\n' => text.Append("&#xA;"),
                '\r' => text.Append("&#xD;"),
                _ => text.Append(c),
            };
        }
    }
}
