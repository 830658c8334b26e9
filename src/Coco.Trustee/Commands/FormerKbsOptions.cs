// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Text.Json.Nodes;

namespace Coco.Trustee;

/// <summary>What releases 0.5 to 0.7 of the key broker took from the command line and not from their file (kbs.md 7.6).</summary>
internal sealed class FormerKbsOptions
{
    private readonly Option<int?> _timeout = new("--timeout", "-t") { Description = "Life of a session in minutes, as releases 0.5 to 0.7 took it", Hidden = true };
    private readonly Option<string?> _privateKey = new("--private-key", "-p") { Description = "PEM key of the listener, as releases 0.5 to 0.7 took it", Hidden = true };
    private readonly Option<string?> _certificate = new("--certificate") { Description = "PEM chain of the listener, as releases 0.5 to 0.7 took it", Hidden = true };
    private readonly Option<bool> _insecureHttp = new("--insecure-http") { Description = "Plain HTTP, as releases 0.5 to 0.7 took it. INSECURE", Hidden = true };
    private readonly Option<string?> _authPublicKey = new("--auth-public-key") { Description = "PEM public key of the administrator, as releases 0.5 to 0.7 took it", Hidden = true };
    private readonly Option<bool> _insecureApi = new("--insecure-api", "-i") { Description = "Administration without a token, as releases 0.5 to 0.7 took it. INSECURE", Hidden = true };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_timeout, _privateKey, _certificate, _insecureHttp, _authPublicKey, _insecureApi])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The same as settings over the document.</summary>
    public IEnumerable<string> ToSettings(ParseResult result)
    {
        if (result.GetValue(_timeout) is { } timeout)
        {
            yield return $"attestation_service.timeout={timeout}";
        }

        foreach ((Option<string?> option, string key) in ((Option<string?>, string)[])
            [(_privateKey, "http_server.private_key"), (_certificate, "http_server.certificate"), (_authPublicKey, "admin.auth_public_key")])
        {
            if (result.GetValue(option) is { } path)
            {
                yield return $"{key}={JsonValue.Create(path).ToJsonString()}";
            }
        }

        if (result.GetValue(_insecureHttp))
        {
            yield return "http_server.insecure_http=true";
        }

        if (result.GetValue(_insecureApi))
        {
            yield return "admin.insecure_api=true";
        }
    }
}
