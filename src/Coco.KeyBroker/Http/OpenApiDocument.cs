// SPDX-License-Identifier: Apache-2.0
namespace Coco.KeyBroker;

/// <summary>The description of the endpoints in OpenAPI 3.1, as it is served.</summary>
internal static class OpenApiDocument
{
    private static readonly Lazy<byte[]> Bytes = new(Read);

    public static ReadOnlyMemory<byte> Utf8 => Bytes.Value;

    private static byte[] Read()
    {
        using Stream stream = typeof(OpenApiDocument).Assembly.GetManifestResourceStream("openapi.json")
            ?? throw new InvalidOperationException("internal: the OpenAPI document is not in the assembly");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
