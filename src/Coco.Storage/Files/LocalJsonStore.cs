// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Text.Json;

namespace Coco.Storage;

/// <summary>One JSON object per namespace: key to value in padded URL-safe base64.</summary>
internal sealed class LocalJsonStore(string root, string ns, TimeProvider time) : FileStore(root, ns, time)
{
    private readonly string _path = Path.Combine(root, ns);

    protected override byte[]? ReadValue(string key) => Load().GetValueOrDefault(key);

    protected override void WriteValue(string key, ReadOnlySpan<byte> value)
    {
        SortedDictionary<string, byte[]> all = Load();
        all[key] = value.ToArray();
        Save(all);
    }

    protected override void RemoveValue(string key)
    {
        SortedDictionary<string, byte[]> all = Load();
        if (all.Remove(key))
        {
            Save(all);
        }
    }

    protected override IEnumerable<string> Keys() => Load().Keys;

    protected override long ChangesFromOutside() => File.Exists(_path) ? File.GetLastWriteTimeUtc(_path).Ticks : 0;

    private SortedDictionary<string, byte[]> Load()
    {
        var all = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        if (!File.Exists(_path))
        {
            return all;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(_path));
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                string text = property.Value.GetString() ?? string.Empty;

                // The reference keeps any name in this file; keys of the other stores are narrower.
                string key = property.Name.StartsWith(EscapedKeys.Prefix, StringComparison.Ordinal) ? property.Name : EscapedKeys.Of(property.Name);
                all[key] = Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/'));
            }
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            throw new StoreUnavailableException($"the JSON file of namespace {Path.GetFileName(_path)} is damaged; it was left as it is", e);
        }

        return all;
    }

    private void Save(SortedDictionary<string, byte[]> all)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach ((string key, byte[] value) in all)
            {
                string name = EscapedKeys.NameOf(key);
                writer.WriteString(name.StartsWith(EscapedKeys.Prefix, StringComparison.Ordinal) ? key : name, Convert.ToBase64String(value).Replace('+', '-').Replace('/', '_'));
            }

            writer.WriteEndObject();
        }

        FileNames.WriteDurably(_path, buffer.WrittenSpan);
    }
}
