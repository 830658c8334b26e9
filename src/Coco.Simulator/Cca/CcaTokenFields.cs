// SPDX-License-Identifier: Apache-2.0
using System.Formats.Cbor;
using System.Security.Cryptography;

namespace Coco.Simulator.Cca;

/// <summary>Every claim of a CCA token, to be set at will. Null leaves a claim out.</summary>
public sealed class CcaTokenFields
{
    /// <summary>The outer tag.</summary>
    public ulong Tag { get; set; } = 399;

    /// <summary>Whether the platform token is there.</summary>
    public bool WithPlatform { get; set; } = true;

    /// <summary>A further member of the outer map.</summary>
    public int? ExtraMember { get; set; }

    /// <summary>Bytes after the token.</summary>
    public byte[] Trailing { get; set; } = [];

    /// <summary>Realm challenge.</summary>
    public byte[]? Challenge { get; set; }

    /// <summary>Personalisation value.</summary>
    public byte[]? PersonalizationValue { get; set; } = new byte[64];

    /// <summary>Realm initial measurement.</summary>
    public byte[]? InitialMeasurement { get; set; } = SHA512.HashData("a simulated realm"u8);

    /// <summary>Realm extensible measurements.</summary>
    public byte[][] ExtensibleMeasurements { get; set; } = [new byte[64], new byte[64], new byte[64], new byte[64]];

    /// <summary>Hash of the measurements.</summary>
    public string? HashAlgorithm { get; set; } = "sha-512";

    /// <summary>Realm attestation key as a raw point.</summary>
    public byte[]? PublicKey { get; set; }

    /// <summary>Hash that binds the key.</summary>
    public string? PublicKeyHashAlgorithm { get; set; } = "sha-256";

    /// <summary>Realm profile.</summary>
    public string? RealmProfile { get; set; }

    /// <summary>Platform profile.</summary>
    public string? PlatformProfile { get; set; } = "http://arm.com/CCA-SSD/1.0.0";

    /// <summary>Platform challenge; the digest of the realm's key when null.</summary>
    public byte[]? PlatformChallenge { get; set; }

    /// <summary>Implementation id.</summary>
    public byte[] ImplementationId { get; set; } = [];

    /// <summary>Instance id.</summary>
    public byte[] InstanceId { get; set; } = [];

    /// <summary>Configuration.</summary>
    public byte[] Configuration { get; set; } = [0xCF, 0xCF];

    /// <summary>Lifecycle.</summary>
    public int Lifecycle { get; set; } = 0x3000;

    /// <summary>A further integer key in a software component.</summary>
    public int? ExtraComponentMember { get; set; }

    /// <summary>COSE algorithm that the realm token states.</summary>
    public int RealmAlgorithm { get; set; } = -35;

    /// <summary>COSE algorithm that the platform token states.</summary>
    public int PlatformAlgorithm { get; set; } = -35;

    /// <summary>Changes the realm token's signature.</summary>
    public Action<byte[]>? ChangeRealmSignature { get; set; }

    /// <summary>Changes the platform token's signature.</summary>
    public Action<byte[]>? ChangePlatformSignature { get; set; }

    /// <summary>The realm claims.</summary>
    public byte[] EncodeRealm()
    {
        var writer = new CborWriter();
        writer.WriteStartMap(null);
        Bytes(writer, 10, Challenge);
        Text(writer, 265, RealmProfile);
        Bytes(writer, 44235, PersonalizationValue);
        Text(writer, 44236, HashAlgorithm);
        Bytes(writer, 44237, PublicKey);
        Bytes(writer, 44238, InitialMeasurement);
        writer.WriteInt32(44239);
        writer.WriteStartArray(ExtensibleMeasurements.Length);
        foreach (byte[] one in ExtensibleMeasurements)
        {
            writer.WriteByteString(one);
        }

        writer.WriteEndArray();
        Text(writer, 44240, PublicKeyHashAlgorithm);
        writer.WriteEndMap();
        return writer.Encode();
    }

    /// <summary>The platform claims.</summary>
    public byte[] EncodePlatform()
    {
        var writer = new CborWriter();
        writer.WriteStartMap(null);
        Bytes(writer, 10, PlatformChallenge ?? (PublicKeyHashAlgorithm == "sha-512" ? SHA512.HashData(PublicKey ?? []) : SHA256.HashData(PublicKey ?? [])));
        Text(writer, 265, PlatformProfile);
        Bytes(writer, 2396, ImplementationId);
        Bytes(writer, 256, InstanceId);
        Bytes(writer, 2401, Configuration);
        writer.WriteInt32(2395);
        writer.WriteInt32(Lifecycle);
        writer.WriteInt32(2399);
        writer.WriteStartArray(1);
        writer.WriteStartMap(null);
        Text(writer, 1, "BL");
        Bytes(writer, 2, SHA256.HashData("boot loader"u8));
        Text(writer, 4, "1.0");
        Bytes(writer, 5, SHA256.HashData("signer"u8));
        if (ExtraComponentMember is { } extra)
        {
            Text(writer, extra, "x");
        }

        writer.WriteEndMap();
        writer.WriteEndArray();
        Text(writer, 2402, "sha-256");
        writer.WriteEndMap();
        return writer.Encode();
    }

    private static void Bytes(CborWriter writer, int key, byte[]? value)
    {
        if (value is not null)
        {
            writer.WriteInt32(key);
            writer.WriteByteString(value);
        }
    }

    private static void Text(CborWriter writer, int key, string? value)
    {
        if (value is not null)
        {
            writer.WriteInt32(key);
            writer.WriteTextString(value);
        }
    }
}
