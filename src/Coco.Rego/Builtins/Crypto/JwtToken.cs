// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Rego.Builtins.Text;

namespace Coco.Rego.Builtins.Crypto;

/// <summary>A token in compact form, taken apart but not yet believed.</summary>
internal sealed class JwtToken
{
    private readonly string[] _sections;

    private JwtToken(string[] sections, RegoObject header)
    {
        _sections = sections;
        Header = header;
    }

    public RegoObject Header { get; }

    /// <summary>The <c>alg</c>; empty where absent.</summary>
    public string Algorithm => Header.Get("alg") is RegoString text ? text.Value : "";

    /// <summary>The <c>kid</c>; empty where absent.</summary>
    public string KeyId => Header.Get("kid") is RegoString text ? text.Value : "";

    /// <summary>Whether the payload is a token again.</summary>
    public bool IsNested => Header.Get("cty") is RegoString { Value: "JWT" };

    /// <summary>What the signature is over.</summary>
    public byte[] SignedBytes => Encoding.ASCII.GetBytes(_sections[0] + "." + _sections[1]);

    public static bool TryParse(string text, out JwtToken token, out string error)
    {
        token = null!;
        var sections = text.Split('.');
        if (sections.Length == 1)
        {
            error = "encoded JWT had no period separators";
            return false;
        }

        if (sections.Length != 3)
        {
            error = $"encoded JWT must have 3 sections, found {sections.Length}";
            return false;
        }

        if (!Base64Text.TryDecode(sections[0], url: true, out var bytes, out error))
        {
            error = "JWT header had invalid encoding: " + error;
            return false;
        }

        if (!RegoValue.ParseJson(bytes).TryGet(out var header, out _) || header is not RegoObject members)
        {
            error = "JWT header is not a JSON object";
            return false;
        }

        if (members.Get("enc") is not null)
        {
            error = "JWT is a JWE object, which is not supported";
            return false;
        }

        token = new JwtToken(sections, members);
        return true;
    }

    public bool TryReadSignature(out byte[] signature, out string error)
    {
        if (Base64Text.TryDecode(_sections[2], url: true, out signature, out error))
        {
            return true;
        }

        error = "JWT signature had invalid encoding: " + error;
        return false;
    }

    /// <summary>The claims; a nested token's text comes out as <paramref name="nested"/> instead.</summary>
    public bool TryReadPayload(out RegoObject claims, out string? nested, out string error)
    {
        claims = RegoObject.Empty;
        nested = null;
        if (!Base64Text.TryDecode(_sections[1], url: true, out var bytes, out error))
        {
            error = "JWT payload had invalid encoding: " + error;
            return false;
        }

        if (IsNested)
        {
            nested = Encoding.UTF8.GetString(bytes).Trim('"');
            return true;
        }

        if (!RegoValue.ParseJson(bytes).TryGet(out var payload, out _) || payload is not RegoObject members)
        {
            error = "JWT payload is not a JSON object";
            return false;
        }

        claims = members;
        return true;
    }
}
