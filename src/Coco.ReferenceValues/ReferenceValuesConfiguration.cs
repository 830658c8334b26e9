// SPDX-License-Identifier: Apache-2.0
using Coco.Protocol;
using Coco.ReferenceValues.Signatures;

namespace Coco.ReferenceValues;

/// <summary>Turns the configuration document into options.</summary>
public static class ReferenceValuesConfiguration
{
    /// <summary>Reads the key files that the document names; mistakes go to <paramref name="problems"/>.</summary>
    public static ReferenceValuesOptions ToOptions(RvpsConfig config, ConfigProblems problems) => new()
    {
        EnforceExpiry = config.EnforceExpiry,
        MergeOnRegister = config.MergeOnRegister,
        PublicationRules =
        [
            .. config.PublicationRules.Select(r => new PublicationRule(
                r.Prefix,
                [.. r.Signers, .. r.SignerPaths.Select(p => Identity(p, problems)).OfType<string>()],
                r.Unsigned)),
        ],

        // Who may publish must be recognised as well.
        TrustedSigners =
        [
            .. config.TrustedSignerPaths.Select(p => Pem(p, "trusted_signers", problems))
                .Concat(config.PublicationRules.SelectMany(r => r.SignerPaths).Select(p => Pem(p, "publication_rules", new ConfigProblems())))
                .OfType<string>()
                .Distinct(StringComparer.Ordinal),
        ],
        InTotoProducts = config.InTotoProducts,
        InTotoNamePrefix = config.InTotoNamePrefix,
        InTotoInspections = config.InTotoInspections,
        InTotoInspectionTimeout = TimeSpan.FromSeconds(config.InTotoInspectionSeconds),
        ReproducibleBuilder = config.ReproducibleBuilder,
        AllowNetwork = config.AllowNetwork,
        MaterialDirectory = config.MaterialDirectory,
    };

    private static string? Identity(string path, ConfigProblems problems) =>
        Pem(path, "publication_rules", problems) is { } pem ? SignerKey.ParsePem(pem).Require().Identity : null;

    private static string? Pem(string path, string key, ConfigProblems problems)
    {
        try
        {
            string pem = File.ReadAllText(path);
            if (SignerKey.ParsePem(pem).Refusal is not { } why)
            {
                return pem;
            }

            problems.Error(key, $"{path}: {why.Detail}", "a PEM public key or certificate");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Error(key, $"{path}: {e.Message}", "a readable file");
        }

        return null;
    }
}
