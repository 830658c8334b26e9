// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Simulator.Certificates;
using Coco.Tee.Tpm;

namespace Coco.Simulator.Tpm;

/// <summary>
/// A TPM 2.0 in memory: registers that can be extended, an attestation key that quotes them, an endorsement key that opens credentials. Not
/// thread-safe. It stands for no hardware.
/// </summary>
public sealed class SimulatedTpm : IDisposable
{
    private const uint AkAttributes = TpmPublic.FixedTpm | TpmPublic.FixedParent | TpmPublic.SensitiveDataOrigin | TpmPublic.Restricted | TpmPublic.SignEncrypt | (1 << 6);

    private readonly RSA? _rsa;
    private readonly ECDsa? _ec;
    private readonly Lazy<RSA> _ek = new(() => RSA.Create(2048));
    private readonly byte[][] _registers = [.. Enumerable.Range(0, TpmPcrValues.Count).Select(i => Initial(i))];

    /// <summary>A TPM with fresh keys.</summary>
    /// <param name="scheme">RSASSA, RSAPSS (both RSA with 2048 bits) or ECDSA (P-256), all with SHA-256.</param>
    /// <param name="rsaKeySize">Length of an RSA attestation key in bits.</param>
    public SimulatedTpm(TpmAlgorithm scheme = TpmAlgorithm.RsaSsa, int rsaKeySize = 2048)
    {
        Scheme = scheme;
        if (scheme == TpmAlgorithm.EcDsa)
        {
            _ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        }
        else
        {
            _rsa = RSA.Create(rsaKeySize);
        }
    }

    /// <summary>Signature scheme of the attestation key.</summary>
    public TpmAlgorithm Scheme { get; }

    /// <summary>The attestation key, DER SubjectPublicKeyInfo.</summary>
    public byte[] AkPublic => ((AsymmetricAlgorithm?)_rsa ?? _ec!).ExportSubjectPublicKeyInfo();

    /// <summary>Numbers of an RSA attestation key.</summary>
    public RSAParameters AkNumbers => _rsa!.ExportParameters(includePrivateParameters: false);

    /// <summary>The endorsement key, DER SubjectPublicKeyInfo.</summary>
    public byte[] EkPublic => _ek.Value.ExportSubjectPublicKeyInfo();

    /// <summary>The SHA-256 registers.</summary>
    public ImmutableArray<byte[]> Registers => [.. _registers.Select(r => (byte[])r.Clone())];

    /// <summary>Extends a register with a SHA-256 digest.</summary>
    public void Extend(int register, ReadOnlySpan<byte> digest) => _registers[register] = SHA256.HashData([.. _registers[register], .. digest]);

    /// <summary>The attestation key's TPMT_PUBLIC.</summary>
    /// <param name="attributes">TPMA_OBJECT; those of a restricted signing key when null.</param>
    public byte[] GetAkArea(uint? attributes = null)
    {
        BigEndianWriter writer = new BigEndianWriter()
            .UInt16((ushort)(_rsa is null ? TpmAlgorithm.Ecc : TpmAlgorithm.Rsa)).UInt16((ushort)TpmAlgorithm.Sha256).UInt32(attributes ?? AkAttributes)
            .Sized([]).UInt16((ushort)TpmAlgorithm.Null).UInt16((ushort)Scheme).UInt16((ushort)TpmAlgorithm.Sha256);
        if (_rsa is not null)
        {
            RSAParameters numbers = AkNumbers;
            return writer.UInt16((ushort)_rsa.KeySize).UInt32(0).Sized(numbers.Modulus).ToArray();
        }

        ECParameters point = _ec!.ExportParameters(includePrivateParameters: false);
        return writer.UInt16(3).UInt16((ushort)TpmAlgorithm.Null).Sized(point.Q.X).Sized(point.Q.Y).ToArray();
    }

    /// <summary>Quotes all registers.</summary>
    /// <param name="nonce">Qualifying data, as they are.</param>
    /// <param name="change">Changes the fields before (and after) they are signed.</param>
    public TpmQuoteEvidence Quote(ReadOnlySpan<byte> nonce, Action<TpmQuoteFields>? change = null)
    {
        var fields = new TpmQuoteFields { ExtraData = nonce.ToArray() };
        change?.Invoke(fields);
        ImmutableArray<ReadOnlyMemory<byte>> own = [.. _registers.Select(r => (ReadOnlyMemory<byte>)r)];
        byte[] digest = [];
        if (fields.PcrDigest is null)
        {
            digest = TpmPcrValues.OfSha256(own).Digest([.. fields.Selections], HashAlgorithmName.SHA256).Require().ToArray();
        }

        byte[] message = fields.Encode(digest);
        byte[] signature = Sign(message);
        fields.ChangeMessage?.Invoke(message);
        fields.ChangeSignature?.Invoke(signature);
        ImmutableArray<ReadOnlyMemory<byte>> given = fields.HandedOver is { } other ? [.. other.Select(r => (ReadOnlyMemory<byte>)r)] : own;
        return new TpmQuoteEvidence(message, new TpmSignature(Scheme, TpmAlgorithm.Sha256, signature), given);
    }

    /// <summary>Evidence of the TEE <c>tpm</c>; the nonce is the report data cut or padded to 32 bytes.</summary>
    public JsonObject GetEvidence(ReadOnlySpan<byte> reportData, Action<TpmQuoteFields>? change = null)
    {
        byte[] nonce = new byte[32];
        reportData[..Math.Min(32, reportData.Length)].CopyTo(nonce);
        TpmQuoteEvidence quote = Quote(nonce, change);
        return new JsonObject
        {
            ["tpm_quote"] = new JsonObject
            {
                ["signature"] = Convert.ToBase64String(Marshal(quote.Signature)),
                ["message"] = Convert.ToBase64String(quote.Message.Span),
                ["pcrs"] = Hex(quote.Pcrs),
            },
            ["ak_public"] = Convert.ToBase64String(AkPublic),
        };
    }

    /// <summary>The endorsement key's certificate by a simulated vendor.</summary>
    public byte[] IssueEkCertificate(SimulatedAuthority vendor, Func<CertificateContent, CertificateContent>? change = null)
    {
        ArgumentNullException.ThrowIfNull(vendor);
        return vendor.Issue(
            "CN=Simulated TPM",
            EkPublic,
            [new System.Security.Cryptography.X509Certificates.X509EnhancedKeyUsageExtension([new Oid("2.23.133.8.1")], critical: false)],
            change);
    }

    /// <summary>What the guest sends to get a credential challenge, and later beside the secret.</summary>
    /// <param name="certificates">EK certificate, then its issuers.</param>
    /// <param name="attributes">Attributes that the attestation key claims.</param>
    public JsonObject GetEndorsementParameters(IEnumerable<byte[]> certificates, uint? attributes = null)
    {
        byte[] area = GetAkArea(attributes);
        return new JsonObject
        {
            ["ek_certificates"] = new JsonArray([.. certificates.Select(c => (JsonNode)JsonValue.Create(Convert.ToBase64String(c)))]),
            ["ak_tpm_public"] = Convert.ToBase64String(new BigEndianWriter().Sized(area).ToArray()),
        };
    }

    /// <summary>TPM2_ActivateCredential: the secret of a challenge for this TPM's attestation key.</summary>
    /// <exception cref="CryptographicException">The credential is for another TPM, another key, or damaged.</exception>
    public byte[] ActivateCredential(ReadOnlySpan<byte> credentialBlob, ReadOnlySpan<byte> encryptedSecret)
    {
        byte[] area = GetAkArea();
        byte[] name = [0, 0x0B, .. SHA256.HashData(area)];
        byte[] seed = DecryptOaep(encryptedSecret[2..]);
        byte[] integrityKey = HMACSHA256.HashData(seed, (byte[])[0, 0, 0, 1, .. "INTEGRITY\0"u8, 0, 0, 1, 0]);
        byte[] storageKey = HMACSHA256.HashData(seed, (byte[])[0, 0, 0, 1, .. "STORAGE\0"u8, .. name, 0, 0, 0, 128])[..16];
        ReadOnlySpan<byte> integrity = credentialBlob.Slice(4, 32);
        byte[] identity = credentialBlob[36..].ToArray();
        if (!CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(integrityKey, (byte[])[.. identity, .. name]), integrity))
        {
            throw new CryptographicException("TPM_RC_INTEGRITY");
        }

        using Aes aes = Aes.Create();
        aes.Key = storageKey;
        byte[] feedback = new byte[16];
        for (int at = 0; at < identity.Length; at += 16)
        {
            byte[] stream = aes.EncryptEcb(feedback, PaddingMode.None);
            int length = Math.Min(16, identity.Length - at);
            identity.AsSpan(at, length).CopyTo(feedback);
            for (int i = 0; i < length; i++)
            {
                identity[at + i] ^= stream[i];
            }
        }

        int size = BinaryPrimitives.ReadUInt16BigEndian(identity);
        return identity[2..(2 + size)];
    }

    /// <summary>TPMT_SIGNATURE as bytes.</summary>
    public static byte[] Marshal(TpmSignature signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        BigEndianWriter writer = new BigEndianWriter().UInt16((ushort)signature.Algorithm).UInt16((ushort)signature.Hash);
        ReadOnlySpan<byte> value = signature.Value.Span;
        return signature.Algorithm == TpmAlgorithm.EcDsa
            ? writer.Sized(value[..(value.Length / 2)]).Sized(value[(value.Length / 2)..]).ToArray()
            : writer.Sized(value).ToArray();
    }

    /// <summary>As <see cref="GetEvidence"/>, as a parsed document.</summary>
    public static JsonElement ToElement(JsonNode json)
    {
        using JsonDocument document = JsonDocument.Parse(json.ToJsonString());
        return document.RootElement.Clone();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rsa?.Dispose();
        _ec?.Dispose();
        if (_ek.IsValueCreated)
        {
            _ek.Value.Dispose();
        }
    }

    internal static JsonArray Hex(ImmutableArray<ReadOnlyMemory<byte>> registers) =>
        new([.. registers.Select(r => (JsonNode)JsonValue.Create(Convert.ToHexStringLower(r.Span)))]);

    private static byte[] Initial(int register)
    {
        byte[] value = new byte[32];
        if (register is >= 17 and <= 22)
        {
            value.AsSpan().Fill(0xFF);
        }

        return value;
    }

    private byte[] Sign(byte[] message) => _rsa is null
        ? _ec!.SignData(message, HashAlgorithmName.SHA256)
        : _rsa.SignData(message, HashAlgorithmName.SHA256, Scheme == TpmAlgorithm.RsaPss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);

    /// <summary>RSAES-OAEP with SHA-256 and the label IDENTITY, by the private numbers.</summary>
    private byte[] DecryptOaep(ReadOnlySpan<byte> encrypted)
    {
        RSAParameters key = _ek.Value.ExportParameters(includePrivateParameters: true);
        var n = new System.Numerics.BigInteger(key.Modulus, isUnsigned: true, isBigEndian: true);
        var d = new System.Numerics.BigInteger(key.D, isUnsigned: true, isBigEndian: true);
        byte[] m = System.Numerics.BigInteger.ModPow(new System.Numerics.BigInteger(encrypted, isUnsigned: true, isBigEndian: true), d, n).ToByteArray(isUnsigned: true, isBigEndian: true);
        byte[] encoded = [.. new byte[key.Modulus!.Length - m.Length], .. m];
        byte[] seed = encoded[1..33];
        byte[] block = encoded[33..];
        Mask(block, seed);
        Mask(seed, block);
        int at = 32;
        while (at < block.Length && block[at] == 0)
        {
            at++;
        }

        if (!block.AsSpan(0, 32).SequenceEqual(SHA256.HashData("IDENTITY\0"u8)) || at == block.Length || block[at] != 1)
        {
            throw new CryptographicException("TPM_RC_VALUE: not encrypted to this endorsement key");
        }

        return block[(at + 1)..];
    }

    private static void Mask(byte[] seed, byte[] target)
    {
        for (int at = 0, counter = 0; at < target.Length; at += 32, counter++)
        {
            byte[] mask = SHA256.HashData([.. seed, 0, 0, 0, (byte)counter]);
            for (int i = 0; i < 32 && at + i < target.Length; i++)
            {
                target[at + i] ^= mask[i];
            }
        }
    }
}
