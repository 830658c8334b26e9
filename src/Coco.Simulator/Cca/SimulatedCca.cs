// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Coco.Simulator.Cca;

/// <summary>A simulated Arm CCA platform with one realm: signs tokens in the real format with every claim overridable. Thread-safe.</summary>
public sealed class SimulatedCca : IDisposable
{
    private readonly ECDsa _platformKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private readonly ECDsa _realmKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);

    /// <summary>Implementation id, 32 bytes.</summary>
    public byte[] ImplementationId { get; init; } = SHA256.HashData("a simulated platform"u8);

    /// <summary>Instance id, 33 bytes.</summary>
    public byte[] InstanceId { get; init; } = [1, .. SHA256.HashData("an instance"u8)];

    /// <summary>The platform's entry in a trust anchor store.</summary>
    public JsonArray GetTrustAnchors()
    {
        ECParameters point = _platformKey.ExportParameters(includePrivateParameters: false);
        return new JsonArray(new JsonObject
        {
            ["pkey"] = new JsonObject
            {
                ["kty"] = "EC",
                ["crv"] = "P-384",
                ["x"] = Base64Url.EncodeToString(point.Q.X),
                ["y"] = Base64Url.EncodeToString(point.Q.Y),
            },
            ["implementation-id"] = Convert.ToHexStringLower(ImplementationId),
            ["instance-id"] = Convert.ToHexStringLower(InstanceId),
        });
    }

    /// <summary>Evidence of the TEE <c>cca</c>.</summary>
    /// <param name="reportData">At most 64 bytes: the challenge.</param>
    /// <param name="change">Changes claims and signatures.</param>
    public JsonObject GetEvidence(ReadOnlySpan<byte> reportData, Action<CcaTokenFields>? change = null)
    {
        var array = new JsonArray();
        foreach (byte b in GetToken(reportData, change))
        {
            array.Add((JsonNode)JsonValue.Create(b));
        }

        return new JsonObject { ["token"] = array };
    }

    /// <summary>A token: tag 399 around platform token and realm token.</summary>
    public byte[] GetToken(ReadOnlySpan<byte> reportData, Action<CcaTokenFields>? change = null)
    {
        ECParameters rak = _realmKey.ExportParameters(includePrivateParameters: false);
        byte[] challenge = new byte[64];
        reportData.CopyTo(challenge);
        var fields = new CcaTokenFields
        {
            Challenge = challenge,
            PublicKey = [4, .. rak.Q.X!, .. rak.Q.Y!],
            ImplementationId = ImplementationId,
            InstanceId = InstanceId,
        };
        change?.Invoke(fields);
        byte[] realm = Sign(fields.EncodeRealm(), _realmKey, fields.RealmAlgorithm, fields.ChangeRealmSignature);
        byte[] platform = Sign(fields.EncodePlatform(), _platformKey, fields.PlatformAlgorithm, fields.ChangePlatformSignature);
        var writer = new CborWriter();
        writer.WriteTag((CborTag)fields.Tag);
        writer.WriteStartMap(null);
        if (fields.WithPlatform)
        {
            writer.WriteInt32(44234);
            writer.WriteByteString(platform);
        }

        writer.WriteInt32(44241);
        writer.WriteByteString(realm);
        if (fields.ExtraMember is { } extra)
        {
            writer.WriteInt32(extra);
            writer.WriteByteString([]);
        }

        writer.WriteEndMap();
        return [.. writer.Encode(), .. fields.Trailing];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _platformKey.Dispose();
        _realmKey.Dispose();
    }

    private static byte[] Sign(byte[] payload, ECDsa key, int algorithm, Action<byte[]>? change)
    {
        var header = new CborWriter();
        header.WriteStartMap(1);
        header.WriteInt32(1);
        header.WriteInt32(algorithm);
        header.WriteEndMap();
        byte[] head = header.Encode();
        var signed = new CborWriter();
        signed.WriteStartArray(4);
        signed.WriteTextString("Signature1");
        signed.WriteByteString(head);
        signed.WriteByteString([]);
        signed.WriteByteString(payload);
        signed.WriteEndArray();
        byte[] signature = key.SignData(signed.Encode(), HashAlgorithmName.SHA384);
        change?.Invoke(signature);
        var message = new CborWriter();
        message.WriteTag((CborTag)18);
        message.WriteStartArray(4);
        message.WriteByteString(head);
        message.WriteStartMap(0);
        message.WriteEndMap();
        message.WriteByteString(payload);
        message.WriteByteString(signature);
        message.WriteEndArray();
        return message.Encode();
    }
}
