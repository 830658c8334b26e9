// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.Verifiers.Cca;

/// <summary>The configuration document of the CCA verifier: local with two stores, or remote with a service's address.</summary>
/// <param name="TrustAnchorStore">Path of the trust anchor store; null for remote.</param>
/// <param name="ReferenceValueStore">Path of the reference value store; null for remote.</param>
/// <param name="Address">Address of the verification service; null for local.</param>
/// <param name="CaCertificate">Path of the service's CA certificate; null for the system's.</param>
/// <remarks>Source: tee-evidence.md 8.2.</remarks>
public sealed record CcaConfiguration(string? TrustAnchorStore, string? ReferenceValueStore, Uri? Address, string? CaCertificate)
{
    /// <summary>Reads the member <c>cca-verifier</c>.</summary>
    public static Result<CcaConfiguration> Parse(JsonElement json)
    {
        switch (Text(json, "type"))
        {
            case "local":
                return Text(json, "ta-store") is { } anchors && Text(json, "rv-store") is { } values
                    ? new CcaConfiguration(anchors, values, null, null)
                    : new Refusal(RefusalCode.Malformed, "cca-verifier: ta-store and rv-store are wanted") { Field = "cca-verifier" };
            case "remote":
                return Text(json, "address") is { } text && Uri.TryCreate(text, UriKind.Absolute, out Uri? address) && address.Scheme is "https" or "http"
                    ? new CcaConfiguration(null, null, address, Text(json, "ca-cert"))
                    : new Refusal(RefusalCode.Malformed, "cca-verifier: an http or https address is wanted") { Field = "address" };
            default:
                return new Refusal(RefusalCode.Unsupported, "cca-verifier: type is neither local nor remote") { Field = "type" };
        }
    }

    private static string? Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.String ? e.GetString() : null;
}
