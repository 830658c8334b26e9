// SPDX-License-Identifier: Apache-2.0
using System.Text;
using System.Text.Json;

namespace Coco.KeyBroker.Tests;

/// <summary>Keys, bodies and tokens of the ten exchanges that specify the protocol (kbs-examples.md). Public test material.</summary>
internal static class Example
{
    public const string Nonce = "+/+++/+++/+++/+++/+++/+++/+++/+++/+++/+++/A=";

    /// <summary>Five minutes before the sessions of the examples end.</summary>
    public static readonly DateTimeOffset Now = new(2026, 8, 21, 9, 0, 30, TimeSpan.Zero);

    public static string Text(string name) => Encoding.UTF8.GetString(Bytes(name)).TrimEnd('\n');

    public static byte[] Bytes(string name)
    {
        using Stream stream = typeof(Example).Assembly.GetManifestResourceStream(name) ?? throw new ArgumentException("no example " + name, nameof(name));
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    public static JsonElement Json(string name) => JsonDocument.Parse(Bytes(name)).RootElement;

    public static SigningKey TokenSigner() => SigningKey.FromJwk(Json("token-signer.jwk.json")).Require();
}
