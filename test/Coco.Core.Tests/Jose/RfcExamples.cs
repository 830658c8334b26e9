// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.Core.Tests;

/// <summary>The examples of RFC 7515, 7516, 7520 and 8037 (rfc-examples.json) that use algorithms known here.</summary>
internal static class RfcExamples
{
    public static JsonElement Document { get; } = Load();

    public static IEnumerable<string> Sources(string kind) => Document.GetProperty(kind).EnumerateArray().Select(e => e.GetProperty("source").GetString()!);

    public static JsonElement Get(string kind, string source) => Document.GetProperty(kind).EnumerateArray().Single(e => e.GetProperty("source").GetString() == source);

    private static JsonElement Load()
    {
        using Stream stream = typeof(RfcExamples).Assembly.GetManifestResourceStream("Coco.Core.Tests.Jose.rfc-examples.json")!;
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return HostileJson.Parse(copy.ToArray()).Require();
    }
}
