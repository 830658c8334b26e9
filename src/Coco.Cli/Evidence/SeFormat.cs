// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.SecureExecution;
using Coco.Verifiers;
using Coco.Verifiers.Certificates;
using Coco.Verifiers.SecureExecution;

namespace Coco.Cli.EvidenceCommands;

/// <summary>IBM Secure Execution. The answer to a request can be judged only with the service's own RSA key: a PEM file among the collateral.</summary>
internal sealed class SeFormat : IEvidenceFormat
{
    /// <inheritdoc/>
    public TeeType Tee => TeeType.Se;

    /// <inheritdoc/>
    public bool Recognizes(EvidenceFile file) => file.HasMembers("cuid", "encr_measurement_key");

    /// <inheritdoc/>
    public Result<JsonElement> ToEvidence(EvidenceFile file, EvidenceInputs inputs) =>
        file.Json ?? (Result<JsonElement>)new Refusal(RefusalCode.Malformed, "it is not JSON");

    /// <inheritdoc/>
    public IVerifier CreateVerifier(EvidenceInputs inputs)
    {
        RSA? key = null;
        SeImageHeader? header = null;
        foreach (EvidenceFile file in inputs.Others)
        {
            if (file.Bytes.Span.StartsWith("-----BEGIN"u8))
            {
                key ??= TryReadKey(file);
            }
            else if (SeImageHeader.Parse(file.Bytes).TryGet(out SeImageHeader? found, out _))
            {
                header = found;
            }
        }

        if (key is null)
        {
            throw new CommandFailedException("Secure Execution evidence is encrypted to the service that asked for it: give its RSA key (PEM) with --collateral");
        }

        var options = new SeHostKeyOptions
        {
            Clock = inputs.Clock,
            Roots = [.. inputs.Trusted.Select(TrustedKey.Of)],
            Certificates = [.. inputs.Certificates.Select(c => c.Raw)],
            RevocationLists = [.. inputs.RevocationLists],
        };
        return SeHostKeyCheck.Create(options).TryGet(out SeHostKeyCheck? check, out Refusal? refusal)
            ? new SeVerifier(new SeVerifierOptions { EncryptionKey = key, ImageHeader = header, HostKeyCheck = check })
            : throw new CommandFailedException(refusal.Detail);
    }

    /// <inheritdoc/>
    public Result<ShownNode> Show(EvidenceFile file)
    {
        if (file.Json is not { } json)
        {
            return new Refusal(RefusalCode.Malformed, "it is not JSON");
        }

        return SeEvidence.Parse(json).TryGet(out SeEvidence? evidence, out _)
            ? new ShownNode("Secure Execution evidence")
                .Add("measurement", evidence.Measurement)
                .Add("additional data", evidence.AdditionalData)
                .Add("user data", evidence.UserData)
                .Add("configuration unique id", evidence.Cuid)
                .Add("image tags", evidence.ImageTags)
                .Add("encrypted measurement key", evidence.EncryptedMeasurementKey)
                .Add("encrypted request nonce", evidence.EncryptedRequestNonce)
            : ShownNode.FromJson("se evidence", JsonNode.Parse(json.GetRawText()));
    }

    private static RSA? TryReadKey(EvidenceFile file)
    {
        RSA key = RSA.Create();
        try
        {
            key.ImportFromPem(System.Text.Encoding.ASCII.GetString(file.Bytes.Span));
            return key;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            key.Dispose();
            return null;
        }
    }
}
