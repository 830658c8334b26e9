// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.KeyBroker;

namespace Coco.Trustee;

/// <summary>
/// The administrator of a server that nobody configured one for: a key pair in the home folder, and a token in <c>admin-token</c> that is
/// renewed while the server runs.
/// </summary>
internal sealed class AdminAccess : IDisposable
{
    /// <summary>File of the token; where <c>kbs-client</c> looks for it too when home is <c>~/.trustee</c>.</summary>
    public const string TokenFile = "admin-token";

    private const string KeyFile = "admin.key";
    private const string PublicKeyFile = "admin.pub";
    private const string Issuer = "trustee-local";
    private const string Audience = "kbs";

    private static readonly TimeSpan TokenLife = TimeSpan.FromHours(24);

    private readonly string _home;
    private readonly TimeProvider _time;
    private readonly SigningKey _key;
    private readonly string _publicPem;
    private ITimer? _timer;

    private AdminAccess(string home, TimeProvider time, SigningKey key, string publicPem)
    {
        _home = home;
        _time = time;
        _key = key;
        _publicPem = publicPem;
    }

    /// <summary>Path of the token file.</summary>
    public string TokenPath => Path.Combine(_home, TokenFile);

    /// <summary>Reads the key pair, or makes it.</summary>
    public static AdminAccess Open(string home, TimeProvider time)
    {
        string path = Path.Combine(home, KeyFile);
        if (!File.Exists(path))
        {
            using ECDsa made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            PrivateFiles.Write(Path.Combine(home, PublicKeyFile), made.ExportSubjectPublicKeyInfoPem() + "\n");
            PrivateFiles.Write(path, made.ExportPkcs8PrivateKeyPem() + "\n");
        }

        SigningKey key = SigningKey.FromPem(File.ReadAllText(path)).TryGet(out SigningKey? read, out Refusal? refusal)
            ? read
            : throw new InvalidOperationException($"{path}: {refusal.Detail}");
        using ECDsa publicKey = ECDsa.Create();
        publicKey.ImportSubjectPublicKeyInfo(key.ToVerificationKey().SubjectPublicKeyInfo.Span, out _);
        return new AdminAccess(home, time, key, publicKey.ExportSubjectPublicKeyInfoPem());
    }

    /// <summary>Lets the token's bearer do everything, and keeps the token fresh from now on.</summary>
    public void Apply(AdminOptions options)
    {
        options.Mode = AdminMode.AuthenticatedAuthorization;
        options.IdentityProviders = [new IdentityProvider { Name = "local", Issuer = Issuer, Audience = Audience, PublicKeyPem = _publicPem }];
        options.Rules = [new AccessRule("admin", "/kbs/v0/.+")];
        _timer ??= _time.CreateTimer(_ => WriteToken(), null, TimeSpan.Zero, TokenLife / 4);
    }

    /// <summary>A fresh token.</summary>
    public string Issue(string subject, string role, TimeSpan life)
    {
        long now = _time.GetUtcNow().ToUnixTimeSeconds();
        var claims = new JsonObject
        {
            ["iss"] = Issuer,
            ["aud"] = new JsonArray(Audience),
            ["sub"] = subject,
            ["role"] = role,
            ["jti"] = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
            ["iat"] = now,
            ["exp"] = now + (long)life.TotalSeconds,
        };
        return Jws.Sign(new JsonObject { ["typ"] = "JWT" }, Jws.ToUtf8(claims), _key);
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _key.Dispose();
    }

    private void WriteToken() => PrivateFiles.Write(TokenPath, Issue("local-admin", "admin", TokenLife));
}
