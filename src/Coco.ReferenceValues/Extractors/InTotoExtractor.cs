// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Coco.ReferenceValues.InToto;

namespace Coco.ReferenceValues.Extractors;

/// <summary>A whole in-toto chain as raw JSON (rvps.md 6.3, 13): verified in full, then each product of the last step is a reference value.</summary>
internal sealed class InTotoExtractor(TimeProvider clock, ReferenceValuesOptions options) : IReferenceValueExtractor
{
    private const int MaxFiles = 10_000;

    private readonly InTotoVerifier _verifier = new(clock, options.InTotoInspections ? new InspectionRunner(options.InTotoInspectionTimeout) : null);

    public string ProvenanceType => "in-toto";

    public async ValueTask<Result<ExtractedProvenance>> ExtractAsync(string payload, CancellationToken ct)
    {
        if (!ReadFiles(payload).TryGet(out ImmutableSortedDictionary<string, byte[]>? files, out Refusal? why))
        {
            return why;
        }

        if (files.Keys.FirstOrDefault(p => p.EndsWith(".layout", StringComparison.Ordinal)) is not { } layout)
        {
            return new Refusal(RefusalCode.Malformed, "the in-toto payload has no file that ends in .layout") { Field = "files" };
        }

        var keys = ImmutableArray.CreateBuilder<InTotoKey>();
        foreach ((string path, byte[] bytes) in files.Where(f => f.Key.EndsWith(".pub", StringComparison.Ordinal)))
        {
            if (!InTotoKey.ParseFile(bytes).TryGet(out InTotoKey? key, out why))
            {
                return why.Within(path);
            }

            keys.Add(key);
        }

        Result<InTotoSummary> verified = await _verifier.VerifyAsync(files[layout], keys.ToImmutable(), new InTotoMemoryFiles(files), null, ct).ConfigureAwait(false);
        if (!verified.TryGet(out InTotoSummary? summary, out why))
        {
            return why;
        }

        if (!options.InTotoProducts)
        {
            return new ExtractedProvenance([], [.. keys.Select(k => k.Identity)]);
        }

        return new ExtractedProvenance(
            [
                .. summary.Link.Products.Select(p => ReferenceValueRecord.OfHashes(
                    options.InTotoNamePrefix + p.Key,
                    [.. p.Value.Select(h => new HashEntry(h.Key, h.Value))],
                    summary.Expires)),
            ],
            [.. keys.Select(k => k.Identity)]);
    }

    private static Result<ImmutableSortedDictionary<string, byte[]>> ReadFiles(string payload)
    {
        if (!Payloads.ParseJson(Encoding.UTF8.GetBytes(payload), "in-toto payload").TryGet(out JsonElement root, out Refusal? why))
        {
            return why;
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, "in-toto payload is not a JSON object");
        }

        string version = root.TryGetProperty("version", out JsonElement v) ? (v.ValueKind == JsonValueKind.String ? v.GetString()! : v.GetRawText()) : "0.9";
        if (version != "0.9")
        {
            return new Refusal(RefusalCode.Unsupported, $"Version unmatched! Need 0.9, given {version}.") { Field = "version" };
        }

        if (!root.TryGetProperty("line_normalization", out JsonElement normalize) || normalize.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            return new Refusal(RefusalCode.Malformed, "in-toto payload needs line_normalization") { Field = "line_normalization" };
        }

        if (!root.TryGetProperty("files", out JsonElement list) || list.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, "in-toto payload needs files") { Field = "files" };
        }

        ImmutableSortedDictionary<string, byte[]>.Builder files = ImmutableSortedDictionary.CreateBuilder<string, byte[]>(StringComparer.Ordinal);
        foreach (JsonProperty file in list.EnumerateObject())
        {
            if (InTotoFiles.Check(file.Name) is { } bad)
            {
                return bad;
            }

            if (file.Value.ValueKind != JsonValueKind.String || files.Count == MaxFiles)
            {
                return new Refusal(RefusalCode.Malformed, $"the content of '{file.Name}' is not a text") { Field = "files" };
            }

            if (!Payloads.DecodeBase64(file.Value.GetString()!, file.Name).TryGet(out byte[]? bytes, out why))
            {
                return why;
            }

            bool metadata = file.Name.EndsWith(".layout", StringComparison.Ordinal) || file.Name.EndsWith(".link", StringComparison.Ordinal)
                || file.Name.EndsWith(".pub", StringComparison.Ordinal);
            files[file.Name] = normalize.ValueKind == JsonValueKind.True && !metadata ? Normalize(bytes) : bytes;
        }

        return files.ToImmutable();
    }

    // CR LF and CR become LF, as the signer's tool did before it hashed.
    private static byte[] Normalize(byte[] bytes)
    {
        var output = new List<byte>(bytes.Length);
        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] == (byte)'\r')
            {
                output.Add((byte)'\n');
                if (i + 1 < bytes.Length && bytes[i + 1] == (byte)'\n')
                {
                    i++;
                }
            }
            else
            {
                output.Add(bytes[i]);
            }
        }

        return [.. output];
    }
}
