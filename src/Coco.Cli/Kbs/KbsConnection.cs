// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Coco.Client;

namespace Coco.Cli.Kbs;

/// <summary>The options that name the key broker, shared by all commands that talk to one.</summary>
internal sealed class KbsConnection
{
    public Option<Uri?> Url { get; } = new("--url")
    {
        Description = "Base address of the key broker",
        Recursive = true,
        DefaultValueFactory = _ => new Uri("http://127.0.0.1:8080"),
        CustomParser = result =>
        {
            if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out Uri? url) && url.Scheme is ("http" or "https"))
            {
                return url;
            }

            result.AddError($"--url: '{result.Tokens[0].Value}' does not begin with http:// or https://");
            return null;
        },
    };

    public Option<FileInfo?> CertFile { get; } = new("--cert-file")
    {
        Description = "PEM file of certificates to trust besides the machine's roots",
        Recursive = true,
    };

    public Option<FileInfo?> AdminTokenFile { get; } = new("--admin-token-file")
    {
        Description = "File with the administrator's token; without it, kbs/config/docker-compose/admin-token and ~/.trustee/admin-token are tried",
        Recursive = true,
    };

    /// <summary>As releases up to 0.20 of the reference's client took it.</summary>
    public Option<FileInfo?> AuthPrivateKey { get; } = new("--auth-private-key")
    {
        Description = "PEM private key of an administrator of a server up to 0.20; a token of two hours is signed with it for each call",
        Recursive = true,
    };

    public Uri ServerOf(ParseResult result) => result.GetValue(Url)!;

    public KbsConnectionOptions OptionsOf(ParseResult result, string userAgent)
    {
        var options = new KbsConnectionOptions { UserAgent = userAgent };
        if (result.GetValue(CertFile) is { } file)
        {
            string pem = File.ReadAllText(file.FullName);
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(pem);
            if (certificates.Count == 0)
            {
                throw new CommandFailedException($"{file.FullName} holds no PEM certificate");
            }

            options.TrustedCertificates = [.. certificates];
        }

        return options;
    }

    public KbsAdminClient AdminOf(ParseResult result) =>
        KbsAdminClient.Create(ServerOf(result), AdminTokenOf(result), OptionsOf(result, "kbs-client/0.1.0"));

    private string? AdminTokenOf(ParseResult result)
    {
        if (result.GetValue(AdminTokenFile) is { } named)
        {
            return File.ReadAllText(named.FullName).Trim();
        }

        if (result.GetValue(AuthPrivateKey) is { } key)
        {
            return SignFormerToken(key);
        }

        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string[] usual = [Path.Combine("kbs", "config", "docker-compose", "admin-token"), Path.Combine(home, ".trustee", "admin-token")];
        foreach (string path in usual)
        {
            if (File.Exists(path))
            {
                return File.ReadAllText(path).Trim();
            }
        }

        Console.Error.WriteLine("warning: no administrator's token was found (--admin-token-file); the request is anonymous");
        return null;
    }

    private static string SignFormerToken(FileInfo file)
    {
        if (!SigningKey.FromPem(File.ReadAllText(file.FullName)).TryGet(out SigningKey? key, out Refusal? refusal))
        {
            throw new CommandFailedException($"{file.FullName}: {refusal.Detail}");
        }

        using (key)
        {
            long now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
            return Jws.Sign(new JsonObject { ["typ"] = "JWT" }, Jws.ToUtf8(new JsonObject { ["iat"] = now, ["exp"] = now + 7200 }), key);
        }
    }
}
