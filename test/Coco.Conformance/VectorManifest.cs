// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;

namespace Coco.Conformance;

/// <summary>The <c>manifest.json</c> of a vector folder.</summary>
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

    /// <summary>Reads it; null when the folder has none.</summary>
    public static VectorManifest? TryRead(string folder)
    {
        string path = Path.Combine(folder, "manifest.json");
        if (!File.Exists(path))
        {
            return null;
        }

        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        if (!document.RootElement.TryGetProperty("vectors", out JsonElement vectors))
        {
            return null;
        }

        return new VectorManifest(folder, [.. vectors.EnumerateArray().Select(v => new VectorEntry(folder, v.Clone()))]);
    }

    /// <summary>Entries that belong together (same <c>group</c>).</summary>
    public IEnumerable<VectorEntry> Group(string group) => Entries.Where(e => e.Text("group") == group);
}

/// <summary>One vector of a manifest, with its raw members.</summary>
public sealed class VectorEntry(string folder, JsonElement json)
{
    /// <summary>All members.</summary>
    public JsonElement Json { get; } = json;

    /// <summary>The file's name, relative to the folder.</summary>
    public string File => Text("file") ?? "(no file)";

    /// <summary>The file's path.</summary>
    public string FullPath => Path.Combine(folder, File);

    /// <summary>Whether it must be refused.</summary>
    public bool IsNegative => Json.TryGetProperty("negative", out JsonElement n) && n.ValueKind == JsonValueKind.True;

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
