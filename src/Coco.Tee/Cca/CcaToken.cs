// SPDX-License-Identifier: Apache-2.0
using System.Formats.Cbor;
using System.Text.Json;
using Coco.Tee.Json;

namespace Coco.Tee.Cca;

/// <summary>The two halves of an Arm CCA token with their claims. Nothing is verified here.</summary>
/// <param name="Platform">The platform token.</param>
/// <param name="PlatformClaims">What it says.</param>
/// <param name="Realm">The realm token.</param>
/// <param name="RealmClaims">What it says.</param>
/// <remarks>Source: Arm Realm Management Monitor specification, section A7; tee-evidence.md 8.1.</remarks>
public sealed record CcaToken(CoseSign1 Platform, CcaPlatformClaims PlatformClaims, CoseSign1 Realm, CcaRealmClaims RealmClaims)
{
    private const ulong TokenTag = 399;
    private const long PlatformKey = 44234;
    private const long RealmKey = 44241;
    private const int Longest = 64 * 1024;

    /// <summary>Reads evidence of the TEE <c>cca</c>: <c>{"token": [bytes]}</c>.</summary>
    public static Result<CcaToken> ParseEvidence(JsonElement body) =>
        ReadEvidence(body).TryGet(out ReadOnlyMemory<byte> token, out Refusal? refusal) ? Parse(token) : refusal;

    /// <summary>The bytes of the token in evidence of the TEE <c>cca</c>.</summary>
    public static Result<ReadOnlyMemory<byte>> ReadEvidence(JsonElement body) => EvidenceFields.ByteArray(body, "token", Longest);

    /// <summary>Reads a token: tag 399 around a map of exactly the two signed tokens.</summary>
    public static Result<CcaToken> Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > Longest)
        {
            return new Refusal(RefusalCode.TooLarge, $"CCA token: {bytes.Length} bytes, at most {Longest} accepted") { Field = "CCA token" };
        }

        byte[]? platformBytes = null, realmBytes = null;
        Result<bool> outer = CborFields.Read<bool>(bytes, "CCA token", reader =>
        {
            if (reader.PeekState() != CborReaderState.Tag || (ulong)reader.ReadTag() != TokenTag)
            {
                return Refusal.Malformed("CCA token", 0, "not tag 399");
            }

            reader.ReadStartMap();
            while (reader.PeekState() != CborReaderState.EndMap)
            {
                long? key = CborFields.ReadKey(reader);
                switch (key)
                {
                    case PlatformKey:
                        platformBytes = reader.ReadByteString();
                        break;
                    case RealmKey:
                        realmBytes = reader.ReadByteString();
                        break;
                    default:
                        return Refusal.Malformed("CCA token", bytes.Length - reader.BytesRemaining, $"unknown member {key}");
                }
            }

            reader.ReadEndMap();
            return true;
        });
        if (outer.Refusal is { } why)
        {
            return why;
        }

        if (platformBytes is null || realmBytes is null)
        {
            return Refusal.Malformed("CCA token", 0, "platform token or realm token is missing");
        }

        if (!CoseSign1.Parse(platformBytes, "platform token").TryGet(out CoseSign1? platform, out Refusal? refusal)
            || !CcaPlatformClaims.Parse(platform.Payload).TryGet(out CcaPlatformClaims? platformClaims, out refusal)
            || !CoseSign1.Parse(realmBytes, "realm token").TryGet(out CoseSign1? realm, out refusal)
            || !CcaRealmClaims.Parse(realm.Payload).TryGet(out CcaRealmClaims? realmClaims, out refusal))
        {
            return refusal;
        }

        return new CcaToken(platform, platformClaims, realm, realmClaims);
    }
}
