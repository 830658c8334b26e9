// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Coco.Rego.Builtins.Json;
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Requests to AWS signed with Signature Version 4.</summary>
internal static class AwsBuiltins
{
    private const string ContentHash = "x-amz-content-sha256";

    private static readonly string[] RequiredSettings = ["aws_access_key", "aws_region", "aws_secret_access_key", "aws_service"];
    private static readonly string[] UnsignedHeaders = ["authorization", "user-agent", "x-amzn-trace-id"];

    internal static IEnumerable<Builtin> All() =>
    [
        new("providers.aws.sign_req", [Obj, Obj, Num], static (c, a) => Sign(c, (RegoObject)a[0], (RegoObject)a[1], (RegoNumber)a[2])),
    ];

    private static RegoValue? Sign(BuiltinContext context, RegoObject request, RegoObject settings, RegoNumber time)
    {
        if (CheckSettings(settings) is { } wrong)
        {
            return context.FailType("operand 2 " + wrong);
        }

        if (!time.TryGetInt64(out var nanoseconds) || nanoseconds < 0)
        {
            return context.FailType("operand 3 could not convert time_ns value into a unix timestamp");
        }

        if (request.Get("method") is not RegoString method || request.Get("url") is not RegoString url)
        {
            return context.FailType("operand 1 missing required request parameters(s): {\"method\", \"url\"}");
        }

        if (!Uri.TryCreate(url.Value, UriKind.Absolute, out var target))
        {
            return context.Fail($"parse \"{url.Value}\": invalid URL");
        }

        if (request.Get("headers") is { } given and not RegoObject)
        {
            return context.FailType($"operand 1 headers must be object but got {given.TypeName}");
        }

        if (Body(context, request) is not { } body)
        {
            return null;
        }

        var headers = request.Get("headers") as RegoObject ?? RegoObject.Empty;
        context.Charge(20 + (body.Length / 64));
        return Signed(request, settings, method.Value, url.Value, target, headers, body, nanoseconds);
    }

    private static string? CheckSettings(RegoObject settings)
    {
        var missing = RequiredSettings.Where(name => settings.Get(name) is null).Select(static name => (RegoValue)RegoString.Of(name)).ToArray();
        if (missing.Length > 0)
        {
            return $"missing required AWS config parameters(s): {RegoSet.Of(missing)}";
        }

        var invalid = RequiredSettings.Where(name => settings.Get(name) is not RegoString).Select(static name => (RegoValue)RegoString.Of(name)).ToArray();
        if (invalid.Length > 0)
        {
            return $"invalid values for required AWS config parameters(s): {RegoSet.Of(invalid)}";
        }

        if (settings.Get("aws_session_token") is { } token and not RegoString)
        {
            return $"invalid value for 'aws_session_token' in AWS config: {token.TypeName}";
        }

        return settings.Get("disable_payload_signing") is { } flag and not RegoBoolean ? "invalid value for 'disable_payload_signing' in AWS config" : null;
    }

    private static byte[]? Body(BuiltinContext context, RegoObject request)
    {
        if (request.Get("raw_body") is { } raw)
        {
            if (raw is RegoString text)
            {
                return Encoding.UTF8.GetBytes(text.Value);
            }

            context.FailType($"operand 1 raw_body must be string but got {raw.TypeName}");
            return null;
        }

        return request.Get("body") is { } body ? Encoding.UTF8.GetBytes(JsonText.Write(context, body, JsonText.Style.Compact)) : [];
    }

    private static RegoObject Signed(
        RegoObject request, RegoObject settings, string method, string url, Uri target, RegoObject headers, byte[] body, long nanoseconds)
    {
        var service = settings.Get("aws_service")!.TextOf();
        var unsigned = settings.Get("disable_payload_signing") is RegoBoolean { Value: true };
        var contentHash = unsigned ? "UNSIGNED-PAYLOAD" : Convert.ToHexStringLower(SHA256.HashData(body));
        var moment = DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / 100).UtcDateTime;
        var timestamp = moment.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var own = new Dictionary<string, string>(StringComparer.Ordinal) { ["host"] = target.Authority, ["x-amz-date"] = timestamp };
        if (service is "s3" or "glacier" or "s3-outposts" or "s3-object-lambda")
        {
            own[ContentHash] = contentHash;
        }

        if (settings.Get("aws_session_token") is RegoString token)
        {
            own["x-amz-security-token"] = token.Value;
        }

        var toSign = new SortedDictionary<string, string>(own, StringComparer.Ordinal);
        for (var i = 0; i < headers.Count; i++)
        {
            var name = headers.Keys[i].ToDisplayString().ToLowerInvariant();
            if (!UnsignedHeaders.Contains(name))
            {
                toSign[name] = headers.Values[i] is RegoArray many
                    ? string.Join(',', many.Items.ToArray().Select(static one => one.ToDisplayString()))
                    : headers.Values[i].ToDisplayString();
            }
        }

        var names = string.Join(';', toSign.Keys);
        var canonical = new StringBuilder();
        canonical.Append(method).Append('\n').Append(PathOf(url)).Append('\n').Append(target.Query.TrimStart('?')).Append('\n');
        foreach (var (name, value) in toSign)
        {
            canonical.Append(name).Append(':').Append(value).Append('\n');
        }

        canonical.Append('\n').Append(names).Append('\n').Append(contentHash);
        var scope = $"{timestamp[..8]}/{settings.Get("aws_region")!.TextOf()}/{service}/aws4_request";
        var toHash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString())));
        var signature = Convert.ToHexStringLower(Derive(settings, scope, $"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{toHash}"));

        RegoValue authorization =
            $"AWS4-HMAC-SHA256 Credential={settings.Get("aws_access_key")!.TextOf()}/{scope},SignedHeaders={names},Signature={signature}";
        var result = headers.With("Authorization", authorization);
        foreach (var (name, value) in own)
        {
            result = result.With(name, value);
        }

        return request.With("headers", result);
    }

    // The path as it was written: Uri would add a slash to an empty one.
    private static string PathOf(string url)
    {
        var start = url.IndexOf("://", StringComparison.Ordinal) + 3;
        var slash = url.IndexOfAny(['/', '?', '#'], start);
        if (slash < 0 || url[slash] != '/')
        {
            return "";
        }

        var end = url.IndexOfAny(['?', '#'], slash);
        return end < 0 ? url[slash..] : url[slash..end];
    }

    private static byte[] Derive(RegoObject settings, string scope, string text)
    {
        var key = Encoding.UTF8.GetBytes("AWS4" + settings.Get("aws_secret_access_key")!.TextOf());
        foreach (var part in scope.Split('/'))
        {
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        }

        return HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));
    }
}
