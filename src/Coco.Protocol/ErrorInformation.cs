// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Protocol;

/// <summary>The body of every error of a key broker (kbs.md 3.3). Clients fail harder when a 401 has another body.</summary>
/// <param name="Type">An address: <see cref="TypePrefix"/> and a word.</param>
/// <param name="Detail">One sentence.</param>
public sealed record ErrorInformation(string Type, string Detail)
{
    /// <summary>What every <see cref="Type"/> begins with.</summary>
    public const string TypePrefix = "https://github.com/confidential-containers/kbs/errors/";

    /// <summary>The word at the end of <see cref="Type"/>.</summary>
    public string Kind => Type.StartsWith(TypePrefix, StringComparison.Ordinal) ? Type[TypePrefix.Length..] : Type;

    /// <summary>Reads the body; both members are required.</summary>
    public static Result<ErrorInformation> Parse(ReadOnlySpan<byte> utf8)
    {
        if (!HostileJson.ParseObject(utf8, 1 << 16).TryGet(out JsonElement body, out Refusal? refusal)
            || !HostileJson.RequireString(body, "type").TryGet(out string? type, out refusal)
            || !HostileJson.RequireString(body, "detail").TryGet(out string? detail, out refusal))
        {
            return refusal.Within("error body");
        }

        return new ErrorInformation(type, detail);
    }

    /// <summary>Writes the body, <c>type</c> first.</summary>
    public byte[] ToUtf8() => Jws.ToUtf8(new JsonObject { ["type"] = Type, ["detail"] = Detail });
}
