// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;

namespace Coco.Conformance;

/// <summary>The vectors of one kind, read from its <c>manifest.json</c>, or from the one in the folder above, which lists all kinds.</summary>
public sealed class VectorManifest
{
    private VectorManifest(string folder, IReadOnlyList<VectorEntry> entries)
    {
        Folder = folder;
        Entries = entries;
    }

    /// <summary>Where the files are.</summary>
    public string Folder { get; }

    /// <summary>The vectors in the order of the file.</summary>
    public IReadOnlyList<VectorEntry> Entries { get; }

    /// <summary>Reads it; null when neither the folder nor the one above it has a manifest that lists files of this folder.</summary>
    /// <param name="folder">The folder of the kind.</param>
    public static VectorManifest? TryRead(string folder)
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (ReadList(Path.Combine(folder, "manifest.json")) is { } own)
        {
            return new VectorManifest(folder, [.. own.Select(v => new VectorEntry(folder, folder, v))]);
        }

        string above = Path.GetDirectoryName(folder) ?? folder;
        string prefix = Path.GetFileName(folder) + "/";
        if (ReadList(Path.Combine(above, "manifest.json")) is not { } all)
        {
            return null;
        }

        VectorEntry[] mine =
        [
            .. all.Where(v => v.TryGetProperty("file", out JsonElement f) && f.GetString()!.StartsWith(prefix, StringComparison.Ordinal))
                .Select(v => new VectorEntry(folder, above, v)),
        ];
        return mine.Length == 0 ? null : new VectorManifest(folder, mine);
    }

    /// <summary>Entries that belong together (same <c>group</c>).</summary>
    public IEnumerable<VectorEntry> Group(string group) => Entries.Where(e => e.Text("group") == group);

    private static JsonElement[]? ReadList(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.TryGetProperty("vectors", out JsonElement vectors) ? [.. vectors.EnumerateArray().Select(v => v.Clone())] : null;
    }
}

/// <summary>One vector of a manifest, with its raw members.</summary>
/// <param name="folder">The folder of its kind.</param>
/// <param name="origin">The folder that the manifest's paths count from.</param>
/// <param name="json">The entry.</param>
public sealed class VectorEntry(string folder, string origin, JsonElement json)
{
    /// <summary>All members.</summary>
    public JsonElement Json { get; } = json;

    /// <summary>The file's name, relative to the folder of its kind.</summary>
    public string File => Path.GetRelativePath(folder, FullPath);

    /// <summary>The file's path.</summary>
    public string FullPath => Resolve(Text("file") ?? "(no file)");

    /// <summary>Whether it must be refused.</summary>
    public bool IsNegative => Json.TryGetProperty("negative", out JsonElement n) && n.ValueKind == JsonValueKind.True;

    /// <summary>The instants of <c>evaluate_at</c>: first and last in which the verdict holds (equal for a single instant); null when it gives none.</summary>
    public (DateTimeOffset From, DateTimeOffset To)? EvaluateAt
    {
        get
        {
            if (!Json.TryGetProperty("evaluate_at", out JsonElement e))
            {
                return null;
            }

            string?[] texts = e.ValueKind == JsonValueKind.Array ? [.. e.EnumerateArray().Select(t => t.GetString())] : [e.GetString()];
            return texts.Length > 0 && Instant(texts[0]) is { } from && Instant(texts[^1]) is { } to ? (from, to) : null;
        }
    }

    /// <summary>The path of something that the entry names.</summary>
    /// <param name="name">Relative to the manifest, or to the folder of the kind.</param>
    public string Resolve(string name)
    {
        string path = Path.GetFullPath(Path.Combine(origin, name));
        return System.IO.File.Exists(path) || Directory.Exists(path) ? path : Path.GetFullPath(Path.Combine(folder, name));
    }

    /// <summary>A text member; null when absent or of another kind.</summary>
    public string? Text(string name) =>
        Json.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.String ? e.GetString() : null;

    /// <summary>Any member; null when absent.</summary>
    public JsonElement? Member(string name) => Json.TryGetProperty(name, out JsonElement e) ? e : null;

    /// <summary>The bytes of the file.</summary>
    public byte[] Bytes() => System.IO.File.ReadAllBytes(FullPath);

    /// <summary>Reads an instant of the form that manifests use; null when it is none.</summary>
    public static DateTimeOffset? Instant(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset t) ? t : null;
}
