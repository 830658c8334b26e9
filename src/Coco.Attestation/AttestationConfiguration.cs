// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using Coco.Attestation.Policies;
using Coco.Protocol;

namespace Coco.Attestation;

/// <summary>Turns the configuration document into options.</summary>
public static class AttestationConfiguration
{
    /// <summary>Reads the key and certificate files that the document names; mistakes go to <paramref name="problems"/>.</summary>
    public static AttestationOptions ToOptions(AsConfig config, ConfigProblems problems)
    {
        AsTokenConfig token = config.Token;
        return new AttestationOptions
        {
            Token = new TokenOptions
            {
                Form = (token.Type, token.SimpleVersion) switch
                {
                    ("Simple", "0.5") => TokenForm.SimpleFirst,
                    ("Simple", "0.9") => TokenForm.SimpleV09,
                    ("Simple", _) => TokenForm.SimpleV011,
                    _ => TokenForm.Ear,
                },
                Duration = TimeSpan.FromMinutes(token.DurationMinutes),
                Issuer = token.IssuerName,
                Developer = token.DeveloperName,
                Build = token.BuildName,
                Profile = token.ProfileName,
                Verbose = token.Verbose,
            },
            Signer = token.SignerKeyPath is { } path && Read(path, "attestation_token_broker.signer.key_path", problems) is { } key
                ? new SignerOptions(Take(key))
                {
                    CertificateUrl = token.SignerCertUrl,
                    CertificateChainPem = token.SignerCertPath is { } chain && Read(chain, "attestation_token_broker.signer.cert_path", problems) is { } pem
                        ? System.Text.Encoding.UTF8.GetString(pem)
                        : null,
                }
                : null,
            Decisions = new DecisionOptions
            {
                Enabled = config.Decisions.Enabled,
                Retention = TimeSpan.FromDays(config.Decisions.RetentionDays),
                MaxBytes = (long)config.Decisions.MaxMebibytes << 20,
                RecordEvidence = config.Decisions.RecordEvidence,
            },
            ShadowPolicies = ReadShadowPolicies(config, problems),
        };
    }

    private static ImmutableSortedDictionary<string, string> ReadShadowPolicies(AsConfig config, ConfigProblems problems)
    {
        var compiler = new RegoPolicyCompiler();
        ImmutableSortedDictionary<string, string>.Builder texts = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach ((string id, string path) in config.ShadowPolicyPaths)
        {
            string key = "shadow_policies." + id;
            if (Read(path, key, problems) is not { } bytes)
            {
                continue;
            }

            string text = System.Text.Encoding.UTF8.GetString(bytes);
            if (compiler.Compile(text, path).Refusal is { } why)
            {
                problems.Error(key, $"{path}: {why.Detail}", "a policy that compiles");
            }

            texts[id] = text;
        }

        return texts.ToImmutable();
    }

    private static Secret Take(byte[] bytes)
    {
        Secret secret = Secret.CopyOf(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return secret;
    }

    private static byte[]? Read(string path, string key, ConfigProblems problems)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Error(key, $"{path}: {e.Message}", "a readable file");
            return null;
        }
    }
}
