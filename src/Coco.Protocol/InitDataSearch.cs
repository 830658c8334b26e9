// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Coco.Protocol;

/// <summary>
/// Explains a register that does not hold the digest of the expected init-data: tries documents near the given one (other ends of lines, other hashes,
/// other files) and says which of them give the value.
/// </summary>
public static class InitDataSearch
{
    private const int MostChanges = 2;

    /// <summary>The matches with the fewest changes, each as what differs in words; an inner list is empty where the given document matches.</summary>
    /// <param name="register">What the evidence holds.</param>
    /// <param name="documents">The document that was expected, and others that might have been given instead, each with a name to say it by.</param>
    /// <param name="toRegister">How a digest gets into the register: cut or padded (<see cref="InitData.Fit"/>), or extended into a PCR; null where it does not fit.</param>
    public static IReadOnlyList<IReadOnlyList<string>> Find(
        ReadOnlySpan<byte> register, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Document)> documents, Func<byte[], byte[]?> toRegister)
    {
        ArgumentNullException.ThrowIfNull(documents);
        ArgumentNullException.ThrowIfNull(toRegister);
        if (!register.ContainsAnyExcept((byte)0))
        {
            return [["when the guest got no init-data: the register is zero"]];
        }

        byte[] wanted = register.ToArray();
        var found = new List<string[]>();
        for (int i = 0; i < documents.Count; i++)
        {
            string? otherDocument = i == 0 ? null : $"with the init-data {documents[i].Name}";
            DigestAlgorithm? named = InitData.Parse(documents[i].Document.Span).TryGet(out InitData? parsed, out _) ? parsed.Algorithm : null;
            foreach ((byte[] bytes, string? change) in Variants(documents[i].Document.ToArray()))
            {
                foreach (DigestAlgorithm algorithm in Enum.GetValues<DigestAlgorithm>())
                {
                    string? otherHash = algorithm == named ? null : $"when it is hashed with {algorithm.ToString().ToLowerInvariant()}";
                    string[] changes = [.. new[] { otherDocument, change, otherHash }.OfType<string>()];
                    if (changes.Length <= MostChanges && toRegister(algorithm.Compute(bytes)) is { } value && value.AsSpan().SequenceEqual(wanted))
                    {
                        found.Add(changes);
                    }
                }
            }
        }

        return found.Count == 0 ? [] : [.. found.GroupBy(c => c.Length).MinBy(g => g.Key)!];
    }

    private static IEnumerable<(byte[] Bytes, string? Change)> Variants(byte[] document)
    {
        yield return (document, null);
        string text = Encoding.UTF8.GetString(document);
        var seen = new HashSet<string>(StringComparer.Ordinal) { text };
        foreach ((string variant, string change) in ((string, string)[])
        [
            (text + "\n", "when the document ends in one more newline"),
            (text.EndsWith('\n') ? text[..^1] : text, "when the document does not end in a newline"),
            (text.TrimEnd(), "when white space at the end of the document is removed"),
            (text.Trim(), "when white space around the document is removed"),
            (text.TrimStart(), "when white space at the beginning of the document is removed"),
            ("\n" + text, "when the document begins with a newline"),
            (text.Replace("\r\n", "\n", StringComparison.Ordinal), "when the document's lines end in a newline alone"),
            (text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace("\n", "\r\n", StringComparison.Ordinal), "when the document's lines end in carriage return and newline"),
            ("\uFEFF" + text, "when the document begins with a byte order mark"),
            (text.TrimStart('\uFEFF'), "when the document's byte order mark is removed"),
            (text.Replace("\t", "    ", StringComparison.Ordinal), "when the document's tabs are four spaces"),
            (string.Join('\n', text.Split('\n').Select(l => l.TrimEnd(' ', '\t'))), "when white space at the ends of the document's lines is removed"),
            (Convert.ToBase64String(document), "when its base64 text is hashed"),
        ])
        {
            if (seen.Add(variant))
            {
                yield return (Encoding.UTF8.GetBytes(variant), change);
            }
        }
    }
}
