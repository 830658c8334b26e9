// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Formats.Cbor;

namespace Coco.Tee.Cca;

/// <summary>The claims of a realm token.</summary>
/// <remarks>Source: tee-evidence.md 8.1.</remarks>
public sealed class CcaRealmClaims
{
    /// <summary>The profile that makes the public key a COSE_Key.</summary>
    public const string ProfileName = "tag:arm.com,2023:realm#1.0.0";

    private CcaRealmClaims()
    {
    }

    /// <summary>Profile; null in older tokens.</summary>
    public string? Profile { get; private init; }

    /// <summary>Challenge, 64 bytes.</summary>
    public ReadOnlyMemory<byte> Challenge { get; private init; }

    /// <summary>Personalisation value, 64 bytes: the init-data digest.</summary>
    public ReadOnlyMemory<byte> PersonalizationValue { get; private init; }

    /// <summary>Realm initial measurement.</summary>
    public ReadOnlyMemory<byte> InitialMeasurement { get; private init; }

    /// <summary>The four realm extensible measurements.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> ExtensibleMeasurements { get; private init; }

    /// <summary>Hash of the measurements: <c>sha-256</c> or <c>sha-512</c>.</summary>
    public string HashAlgorithm { get; private init; } = string.Empty;

    /// <summary>The realm attestation key as the claim's bytes: what the platform token's challenge is the digest of.</summary>
    public ReadOnlyMemory<byte> PublicKeyBytes { get; private init; }

    /// <summary>The same key, read.</summary>
    public CoseKey PublicKey { get; private init; } = new(0, default, default);

    /// <summary>Hash of that binding: <c>sha-256</c> or <c>sha-512</c>.</summary>
    public string PublicKeyHashAlgorithm { get; private init; } = string.Empty;

    /// <summary>Reads them; unknown keys are passed over, missing and doubled ones refused.</summary>
    public static Result<CcaRealmClaims> Parse(ReadOnlyMemory<byte> bytes) => CborFields.Read<CcaRealmClaims>(bytes, "realm claims", reader =>
    {
        string? profile = null, hash = null, keyHash = null;
        byte[]? challenge = null, personalization = null, initial = null, key = null;
        ImmutableArray<ReadOnlyMemory<byte>> extensible = default;
        reader.ReadStartMap();
        while (reader.PeekState() != CborReaderState.EndMap)
        {
            switch (CborFields.ReadKey(reader))
            {
                case 10:
                    challenge = reader.ReadByteString();
                    break;
                case 265:
                    profile = reader.ReadTextString();
                    break;
                case 44235:
                    personalization = reader.ReadByteString();
                    break;
                case 44236:
                    hash = reader.ReadTextString();
                    break;
                case 44237:
                    key = reader.ReadByteString();
                    break;
                case 44238:
                    initial = reader.ReadByteString();
                    break;
                case 44239:
                    if (reader.ReadStartArray() != 4)
                    {
                        return Refusal.Malformed("cca-realm-extensible-measurements", bytes.Length - reader.BytesRemaining, "not an array of four");
                    }

                    extensible = [reader.ReadByteString(), reader.ReadByteString(), reader.ReadByteString(), reader.ReadByteString()];
                    reader.ReadEndArray();
                    break;
                case 44240:
                    keyHash = reader.ReadTextString();
                    break;
                default:
                    CborFields.Skip(reader);
                    break;
            }
        }

        reader.ReadEndMap();
        if (profile is not (null or ProfileName))
        {
            return new Refusal(RefusalCode.Unsupported, "realm profile is unknown") { Field = "cca-realm-profile" };
        }

        Refusal? wrong = Exactly(challenge, 64, "cca-realm-challenge") ?? Exactly(personalization, 64, "cca-realm-personalization-value")
            ?? Measurement(initial, "cca-realm-initial-measurement") ?? Hash(hash, "cca-realm-hash-algo-id") ?? Hash(keyHash, "cca-realm-public-key-hash-algo-id");
        if (wrong is not null)
        {
            return wrong;
        }

        if (extensible.IsDefault)
        {
            return Missing("cca-realm-extensible-measurements");
        }

        foreach (ReadOnlyMemory<byte> one in extensible)
        {
            if (one.Length is not (32 or 48 or 64))
            {
                return Refusal.Malformed("cca-realm-extensible-measurements", 0, $"{one.Length} bytes");
            }
        }

        if (key is null)
        {
            return Missing("cca-realm-public-key");
        }

        if (!(profile is null ? CoseKey.ParsePoint(key) : CoseKey.Parse(key)).TryGet(out CoseKey? parsed, out Refusal? refusal))
        {
            return refusal;
        }

        return new CcaRealmClaims
        {
            Profile = profile,
            Challenge = challenge,
            PersonalizationValue = personalization,
            InitialMeasurement = initial,
            ExtensibleMeasurements = extensible,
            HashAlgorithm = hash!,
            PublicKeyBytes = key,
            PublicKey = parsed,
            PublicKeyHashAlgorithm = keyHash!,
        };
    });

    private static Refusal Missing(string field) => Refusal.Malformed(field, 0, "missing");

    private static Refusal? Exactly(byte[]? value, int length, string field) => value is null
        ? Missing(field)
        : value.Length == length ? null : Refusal.Malformed(field, 0, $"{value.Length} bytes, {length} wanted");

    private static Refusal? Measurement(byte[]? value, string field) => value is null
        ? Missing(field)
        : value.Length is 32 or 48 or 64 ? null : Refusal.Malformed(field, 0, $"{value.Length} bytes; 32, 48 or 64 wanted");

    private static Refusal? Hash(string? value, string field) => value is null
        ? Missing(field)
        : value is "sha-256" or "sha-512" ? null : new Refusal(RefusalCode.Unsupported, $"{field}: neither sha-256 nor sha-512") { Field = field };
}
