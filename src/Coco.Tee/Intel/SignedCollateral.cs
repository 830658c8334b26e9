// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Coco.Tee.Intel;

/// <summary>A signed JSON document of Intel's provisioning service: the exact text that was signed, and the signature.</summary>
/// <remarks>The text is a slice of what came and never written again: one changed space breaks the signature (tee-evidence.md 3.4).</remarks>
public sealed class SignedCollateral
{
    /// <summary>Longest document that is read, in bytes.</summary>
    public const int MaxLength = 1024 * 1024;

    private const int SignatureLength = 64;

    private SignedCollateral(JsonElement value, ReadOnlyMemory<byte> text, ReadOnlyMemory<byte> signature)
    {
        Value = value;
        Text = text;
        Signature = signature;
    }

    /// <summary>The signed member, parsed.</summary>
    public JsonElement Value { get; }

    /// <summary>The signed member's exact text (UTF-8).</summary>
    public ReadOnlyMemory<byte> Text { get; }

    /// <summary>r ‖ s (64 bytes).</summary>
    public ReadOnlyMemory<byte> Signature { get; }

    /// <summary>Reads <c>{"&lt;member&gt;": {…}, "signature": "hex"}</c>.</summary>
    /// <param name="document">The document as received.</param>
    /// <param name="member">Name of the signed member.</param>
    public static Result<SignedCollateral> Parse(ReadOnlyMemory<byte> document, string member)
    {
        if (!HostileJson.ParseObject(document.Span, MaxLength).TryGet(out JsonElement root, out Refusal? refusal))
        {
            return refusal with { Field = member };
        }

        if (!root.TryGetProperty(member, out JsonElement value) || value.ValueKind != JsonValueKind.Object)
        {
            return new Refusal(RefusalCode.Malformed, $"'{member}' is missing or not an object") { Field = member };
        }

        if (!root.TryGetProperty("signature", out JsonElement signature) || signature.ValueKind != JsonValueKind.String
            || !CollateralJson.TryHex(signature.GetString(), SignatureLength, out byte[] bytes))
        {
            return new Refusal(RefusalCode.Malformed, $"the signature over '{member}' is not {2 * SignatureLength} hex digits") { Field = "signature" };
        }

        return new SignedCollateral(value, JsonMarshal.GetRawUtf8Value(value).ToArray(), bytes);
    }
}
