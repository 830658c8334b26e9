// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Coco.Protocol;

/// <summary>The body of <c>auth</c> (kbs.md 2.1), decoded and not yet judged.</summary>
/// <param name="Version">Text of the version; <see cref="ProtocolVersions"/> judges it.</param>
/// <param name="Tee">Wire name of the TEE, not yet looked up.</param>
/// <param name="ExtraParameters">The member <c>extra-params</c>, any JSON.</param>
public sealed record AuthRequest(string Version, string Tee, JsonElement ExtraParameters)
{
    /// <summary>Three members are required; unknown ones are ignored; <c>extra-params</c> may be any JSON, also null.</summary>
    public static Result<AuthRequest> Parse(ReadOnlySpan<byte> body)
    {
        if (!HostileJson.ParseObject(body, 1 << 16).TryGet(out JsonElement root, out Refusal? refusal)
            || !HostileJson.RequireString(root, "version").TryGet(out string? version, out refusal)
            || !HostileJson.RequireString(root, "tee").TryGet(out string? tee, out refusal))
        {
            return refusal;
        }

        return root.TryGetProperty("extra-params", out JsonElement extra)
            ? new AuthRequest(version, tee, extra)
            : new Refusal(RefusalCode.Malformed, "missing member 'extra-params'") { Field = "extra-params" };
    }
}
