// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Simulator.Certificates;
using Coco.Tee.SecureExecution;

namespace Coco.Simulator.SecureExecution;

/// <summary>
/// A simulated IBM Z machine: its host key, the authorities that vouch for it, and an ultravisor that opens attestation requests and measures.
/// Thread-safe.
/// </summary>
public sealed class SimulatedSeHost : IDisposable
{
    private const string SigningKeyName =
        "OU=IBM Z Host Key Signing Service, L=Poughkeepsie, ST=New York, CN=International Business Machines Corporation, O=International Business Machines Corporation, C=US";

    private const string HostKeyName =
        "OU=IBM Z Host Key, L=Armonk, ST=New York, CN=International Business Machines Corporation, O=International Business Machines Corporation, C=US";

    private readonly ECDiffieHellman _hostKey = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP521);

    /// <summary>A machine and its authorities.</summary>
    /// <param name="now">The time around which certificates and lists are valid.</param>
    /// <param name="change">Changes names and certificates.</param>
    public SimulatedSeHost(DateTimeOffset now, Action<SeAuthorityFields>? change = null)
    {
        var fields = new SeAuthorityFields { SigningKeyName = SigningKeyName };
        change?.Invoke(fields);
        Root = SimulatedAuthority.CreateRoot("CN=Simulated root CA, O=Simulation", now, rsa: true);
        Intermediate = Root.CreateIntermediate("CN=Simulated intermediate CA, O=Simulation");
        SigningKey = (fields.SigningKeyIssuer ?? Intermediate).CreateIntermediate(fields.SigningKeyName, fields.ChangeSigningKey);
        HostKeyDocument = (fields.HostKeyIssuer ?? SigningKey).Issue(HostKeyName, _hostKey.ExportSubjectPublicKeyInfo(), [], fields.ChangeHostKey);
    }

    /// <summary>Root authority.</summary>
    public SimulatedAuthority Root { get; }

    /// <summary>Intermediate authority.</summary>
    public SimulatedAuthority Intermediate { get; }

    /// <summary>IBM's key signing service.</summary>
    public SimulatedAuthority SigningKey { get; }

    /// <summary>Host key document, DER.</summary>
    public byte[] HostKeyDocument { get; }

    /// <summary>Certificates below the root, DER.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Certificates => [SigningKey.Certificate, Intermediate.Certificate];

    /// <summary>Revocation lists of root, intermediate and signing key, DER; nothing is revoked.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> RevocationLists => [Root.MakeRevocationList([]), Intermediate.MakeRevocationList([]), SigningKey.MakeRevocationList([])];

    /// <summary>A boot image header with these tags.</summary>
    public static byte[] MakeImageHeader()
    {
        byte[] header = new byte[0x280];
        "IBMSecEx"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(8), 0x100);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(12), (uint)header.Length);
        SHA512.HashData("pages"u8, header.AsSpan(0xE0));
        SHA512.HashData("addresses"u8, header.AsSpan(0x120));
        SHA512.HashData("tweaks"u8, header.AsSpan(0x160));
        SHA256.HashData("tag"u8).AsSpan(0, 16).CopyTo(header.AsSpan(header.Length - 16));
        return header;
    }

    /// <summary>Answers a challenge: evidence of the TEE <c>se</c>.</summary>
    /// <param name="challenge">The verifier's challenge, JSON.</param>
    /// <param name="reportData">At most 64 bytes.</param>
    /// <param name="change">Changes what is measured and what is sent.</param>
    /// <exception cref="CryptographicException">The request is for another machine.</exception>
    public JsonObject GetEvidence(string challenge, ReadOnlySpan<byte> reportData, Action<SeEvidenceFields>? change = null)
    {
        using JsonDocument document = JsonDocument.Parse(challenge);
        JsonElement root = document.RootElement;
        byte[] Member(string name) => root.GetProperty(name).GetBytesFromBase64();
        (byte[] key, byte[] nonce) = OpenRequest(Member("request_blob"));
        byte[] userData = new byte[64];
        reportData.CopyTo(userData);
        byte[] hostKeyDigest = SHA256.HashData(SeAttestationRequest.Coordinates(_hostKey.ExportParameters(includePrivateParameters: false)));
        var fields = new SeEvidenceFields
        {
            UserData = userData,
            AdditionalData = [.. hostKeyDigest, .. hostKeyDigest],
            ImageTags = Member("image_hdr_tags"),
            EncryptedMeasurementKey = Member("encr_measurement_key"),
            EncryptedRequestNonce = Member("encr_request_nonce"),
        };
        change?.Invoke(fields);
        byte[] measurement = SeEvidence.Measure(key, fields.ImageTags, fields.Cuid, fields.UserData, nonce, fields.AdditionalData);
        fields.Afterwards?.Invoke(fields, measurement);
        return new JsonObject
        {
            ["measurement"] = Convert.ToBase64String(measurement),
            ["additional_data"] = Convert.ToBase64String(fields.AdditionalData),
            ["user_data"] = Convert.ToBase64String(fields.UserData),
            ["cuid"] = Convert.ToBase64String(fields.Cuid),
            ["encr_measurement_key"] = Convert.ToBase64String(fields.EncryptedMeasurementKey),
            ["encr_request_nonce"] = Convert.ToBase64String(fields.EncryptedRequestNonce),
            ["image_hdr_tags"] = Convert.ToBase64String(fields.ImageTags),
        };
    }

    /// <summary>Opens a request as the ultravisor does; measurement key and nonce.</summary>
    /// <exception cref="CryptographicException">No slot is for this host key, or the request is damaged.</exception>
    public (byte[] MeasurementKey, byte[] Nonce) OpenRequest(byte[] request)
    {
        ArgumentNullException.ThrowIfNull(request);
        int slots = request[39];
        int encrypted = 224 + (80 * slots);
        byte[] own = SHA256.HashData(SeAttestationRequest.Coordinates(_hostKey.ExportParameters(includePrivateParameters: false)));
        using ECDiffieHellman customer = ECDiffieHellman.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP521,
            Q = new ECPoint { X = request[78..144], Y = request[158..224] },
        });
        using ECDiffieHellmanPublicKey peer = customer.PublicKey;
        byte[] slotKey = SHA256.HashData([.. _hostKey.DeriveRawSecretAgreement(peer), 0, 0, 0, 1]);
        for (int i = 0; i < slots; i++)
        {
            ReadOnlySpan<byte> slot = request.AsSpan(224 + (80 * i), 80);
            if (!slot[..32].SequenceEqual(own))
            {
                continue;
            }

            byte[] protection = new byte[32];
            using (var gcm = new AesGcm(slotKey, 16))
            {
                gcm.Decrypt(new byte[12], slot.Slice(32, 32), slot[64..], protection);
            }

            byte[] secret = new byte[80];
            using var inner = new AesGcm(protection, 16);
            inner.Decrypt(request.AsSpan(16, 12), request.AsSpan(encrypted, 80), request.AsSpan(encrypted + 80, 16), secret, request.AsSpan(0, encrypted));
            return (secret[..64], secret[64..]);
        }

        throw new CryptographicException("no key slot is for this host");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _hostKey.Dispose();
        Root.Dispose();
        Intermediate.Dispose();
        SigningKey.Dispose();
    }
}
