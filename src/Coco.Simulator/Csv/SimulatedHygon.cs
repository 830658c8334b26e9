// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Coco.ShangMi;
using Coco.Tee.Csv;

namespace Coco.Simulator.Csv;

/// <summary>A simulated Hygon: root key, signing key, one chip with its endorsement keys, CSV guests and DCUs on it. Thread-safe.</summary>
public sealed class SimulatedHygon
{
    private readonly Sm2PrivateKey _hrk = Sm2PrivateKey.Generate();
    private readonly Sm2PrivateKey _hsk = Sm2PrivateKey.Generate();
    private readonly Sm2PrivateKey _cek = Sm2PrivateKey.Generate();
    private readonly Sm2PrivateKey _pek = Sm2PrivateKey.Generate();
    private readonly byte[] _hrkId = RandomNumberGenerator.GetBytes(16);
    private readonly byte[] _hskId = RandomNumberGenerator.GetBytes(16);

    /// <summary>A vendor and its chip.</summary>
    /// <param name="change">Changes the certificates.</param>
    public SimulatedHygon(Action<HygonCertificateFields>? change = null)
    {
        var fields = new HygonCertificateFields();
        change?.Invoke(fields);
        Hrk = MakeCa(_hrkId, _hrkId, HygonKeyUsage.Hrk, _hrk, "HYGON-SSD-HRK", _hrk, "HYGON-SSD-HRK");
        Hsk = MakeCa(_hskId, fields.HskSigningKeyId ?? _hrkId, fields.HskUsage, _hsk, "HYGON-SSD-HSK", fields.HskSigner ?? _hrk, "HYGON-SSD-HRK");
        Cek = MakeCertificate(fields.CekUsage, _cek, "HYGON-SSD-CEK", fields.CekSigner ?? _hsk, "HYGON-SSD-HSK", HygonKeyUsage.Hsk);
        Pek = MakeCertificate(fields.PekUsage, _pek, "HYGON-SSD-PEK", fields.PekSigner ?? _cek, "HYGON-SSD-CEK", fields.PekSignatureUsage);
        fields.ChangeHsk?.Invoke(Hsk);
        fields.ChangeCek?.Invoke(Cek);
        fields.ChangePek?.Invoke(Pek);
    }

    /// <summary>The chip's serial number.</summary>
    public string SerialNumber { get; init; } = "SIMULATED0001";

    /// <summary>Root certificate, 832 bytes.</summary>
    public byte[] Hrk { get; }

    /// <summary>Signing certificate, 832 bytes.</summary>
    public byte[] Hsk { get; }

    /// <summary>Chip endorsement certificate, 2084 bytes.</summary>
    public byte[] Cek { get; }

    /// <summary>Platform endorsement certificate, 2084 bytes.</summary>
    public byte[] Pek { get; }

    /// <summary>HSK ‖ CEK as the key service gives it.</summary>
    public byte[] HskCek => [.. Hsk, .. Cek];

    /// <summary>Evidence of the TEE <c>csv</c>.</summary>
    /// <param name="reportData">At most 64 bytes.</param>
    /// <param name="change">Changes the report.</param>
    /// <param name="withChain">Whether HSK and CEK are in the evidence.</param>
    /// <param name="eventLog">CC event log; null for none.</param>
    public JsonObject GetEvidence(ReadOnlySpan<byte> reportData, Action<CsvReportFields>? change = null, bool withChain = true, byte[]? eventLog = null)
    {
        var fields = new CsvReportFields { ReportData = reportData.ToArray() };
        change?.Invoke(fields);
        byte[] data = new byte[4096];
        GetReport(fields).CopyTo(data, 0);
        byte[] magic = fields.Magic ?? (fields.Version == 1 ? new byte[16] : "ATTESTATION_EXT\0"u8.ToArray());
        byte[] serial = new byte[64];
        Encoding.ASCII.GetBytes(SerialNumber).CopyTo(serial, 0);
        var chain = new JsonObject { ["pek"] = ToJson(Pek) };
        if (withChain)
        {
            chain["hsk_cek"] = new JsonObject { ["hsk"] = CaToJson(Hsk), ["cek"] = ToJson(Cek) };
        }

        return new JsonObject
        {
            ["attestation_report"] = new JsonObject { ["magic"] = Numbers(magic), ["flags"] = fields.Flags ?? (fields.Version == 1 ? 0u : 1u), ["data"] = Numbers(data) },
            ["cert_chain"] = chain,
            ["serial_number"] = Numbers(serial),
            ["cc_eventlog"] = eventLog is null ? null : Convert.ToBase64String(eventLog),
        };
    }

    /// <summary>A report with its signer part.</summary>
    public byte[] GetReport(CsvReportFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        int size = fields.Version == 1 ? CsvReport.Version1Size : CsvReport.Version2Size;
        byte[] bytes = fields.Encode();
        int signed = fields.Version == 1 ? 0xB4 : 0x400;
        int signatureAt = fields.Version == 1 ? 0xC0 : 0x400;
        WriteSignature(bytes.AsSpan(signatureAt), _pek.SignData(bytes.AsSpan(0, signed), "HYGON-SSD-PEK"u8));
        byte[] signer = new byte[CsvReport.SignerSize];
        Pek.CopyTo(signer, 0);
        Encoding.ASCII.GetBytes(SerialNumber).CopyTo(signer, CsvCertificate.Size);
        if (fields.Version == 1)
        {
            fields.Mask(signer.AsSpan(0, CsvCertificate.Size));
            fields.Mask(signer.AsSpan(CsvCertificate.Size, 64));
        }

        Sm3.Hmac(fields.Mnonce, signer.AsSpan(0, signer.Length - 32)).CopyTo(signer, signer.Length - 32);
        fields.AfterSigning?.Invoke(bytes);
        return [.. bytes.AsSpan(0, size), .. signer];
    }

    /// <summary>Evidence of the TEE <c>hygondcu</c>: one report.</summary>
    /// <param name="reportData">At most 64 bytes.</param>
    /// <param name="change">Changes the 252 signed bytes before they are signed.</param>
    /// <param name="afterwards">Changes them after.</param>
    public JsonObject GetDcuEvidence(ReadOnlySpan<byte> reportData, Action<byte[]>? change = null, Action<byte[]>? afterwards = null)
    {
        byte[] body = new byte[DcuReport.BodySize];
        BinaryPrimitives.WriteUInt32LittleEndian(body, 1);
        Encoding.ASCII.GetBytes(SerialNumber).CopyTo(body, 4);
        reportData.CopyTo(body.AsSpan(20));
        Sm3.HashData("a simulated unit"u8).CopyTo(body, 84);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(244), (uint)HygonKeyUsage.Cek);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(248), CsvSignatureBlock.Sm2Signature);
        change?.Invoke(body);
        byte[] signature = new byte[144];
        WriteSignature(signature, _cek.SignData(body, "HYGON-SSD-CEK"u8));
        afterwards?.Invoke(body);
        uint Number(int at) => BinaryPrimitives.ReadUInt32LittleEndian(body.AsSpan(at));
        return new JsonObject
        {
            ["attestation_reports"] = new JsonArray(new JsonObject
            {
                ["body"] = new JsonObject
                {
                    ["version"] = Number(0),
                    ["chip_id"] = Numbers(body.AsSpan(4, 16)),
                    ["user_data"] = Numbers(body.AsSpan(20, 64)),
                    ["measure"] = Numbers(body.AsSpan(84, 32)),
                    ["reserved"] = Numbers(body.AsSpan(116, 128)),
                    ["sig_usage"] = Number(244),
                    ["sig_algo"] = Number(248),
                },
                ["sig"] = new JsonObject { ["r"] = Numbers(signature.AsSpan(0, 72)), ["s"] = Numbers(signature.AsSpan(72)) },
            }),
        };
    }

    private static JsonArray Numbers(ReadOnlySpan<byte> bytes)
    {
        var array = new JsonArray();
        foreach (byte b in bytes)
        {
            array.Add((JsonNode)JsonValue.Create(b));
        }

        return array;
    }

    private static void WriteNumber(Span<byte> field, ReadOnlySpan<byte> bigEndian)
    {
        bigEndian.CopyTo(field);
        field[..bigEndian.Length].Reverse();
    }

    private static void WriteSignature(Span<byte> field, ReadOnlySpan<byte> signature)
    {
        field[..144].Clear();
        WriteNumber(field, signature[..32]);
        WriteNumber(field[72..], signature[32..]);
    }

    private static void WriteKey(Span<byte> at, Sm2PrivateKey key, string userId)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(at, 3);
        WriteNumber(at[4..], key.X.Span);
        WriteNumber(at[76..], key.Y.Span);
        BinaryPrimitives.WriteUInt16LittleEndian(at[148..], (ushort)userId.Length);
        Encoding.ASCII.GetBytes(userId, at[150..]);
    }

    private static byte[] MakeCa(byte[] id, byte[] signingId, HygonKeyUsage usage, Sm2PrivateKey key, string userId, Sm2PrivateKey signer, string signerId)
    {
        byte[] bytes = new byte[HygonCaCertificate.Size];
        bytes[0] = 1;
        id.CopyTo(bytes, 4);
        signingId.CopyTo(bytes, 20);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(36), (uint)usage);
        WriteKey(bytes.AsSpan(64), key, userId);
        WriteSignature(bytes.AsSpan(HygonCaCertificate.SignedSize), signer.SignData(bytes.AsSpan(0, HygonCaCertificate.SignedSize), Encoding.ASCII.GetBytes(signerId)));
        return bytes;
    }

    private static byte[] MakeCertificate(HygonKeyUsage usage, Sm2PrivateKey key, string userId, Sm2PrivateKey signer, string signerId, HygonKeyUsage signerUsage)
    {
        byte[] bytes = new byte[CsvCertificate.Size];
        bytes[0] = 1;
        bytes[4] = 1;
        bytes[5] = 3;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), (uint)usage);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), CsvSignatureBlock.Sm2Signature);
        WriteKey(bytes.AsSpan(16), key, userId);
        Span<byte> block = bytes.AsSpan(CsvCertificate.SignedSize);
        BinaryPrimitives.WriteUInt32LittleEndian(block, (uint)signerUsage);
        BinaryPrimitives.WriteUInt32LittleEndian(block[4..], CsvSignatureBlock.Sm2Signature);
        WriteSignature(block[8..], signer.SignData(bytes.AsSpan(0, CsvCertificate.SignedSize), Encoding.ASCII.GetBytes(signerId)));
        BinaryPrimitives.WriteUInt32LittleEndian(block[520..], (uint)HygonKeyUsage.None);
        return bytes;
    }

    private static JsonObject CaToJson(byte[] c)
    {
        uint Number(int at) => BinaryPrimitives.ReadUInt32LittleEndian(c.AsSpan(at));
        return new JsonObject
        {
            ["body"] = new JsonObject
            {
                ["preamble"] = new JsonObject
                {
                    ["ver"] = Number(0),
                    ["data"] = new JsonObject { ["kid"] = Numbers(c.AsSpan(4, 16)), ["sid"] = Numbers(c.AsSpan(20, 16)), ["usage"] = Number(36), ["reserved"] = Numbers(c.AsSpan(40, 24)) },
                },
                ["pubkey"] = new JsonObject { ["g"] = Number(64), ["x"] = Numbers(c.AsSpan(68, 72)), ["y"] = Numbers(c.AsSpan(140, 72)) },
                ["uid_size"] = BinaryPrimitives.ReadUInt16LittleEndian(c.AsSpan(212)),
                ["user_id"] = Numbers(c.AsSpan(214, 254)),
                ["reserved"] = Numbers(c.AsSpan(468, 108)),
            },
            ["signature"] = new JsonObject { ["r"] = Numbers(c.AsSpan(576, 72)), ["s"] = Numbers(c.AsSpan(648, 72)) },
            ["_reserved"] = Numbers(c.AsSpan(720, 112)),
        };
    }

    private static JsonObject ToJson(byte[] c)
    {
        uint Number(int at) => BinaryPrimitives.ReadUInt32LittleEndian(c.AsSpan(at));
        JsonObject Block(int at) => new()
        {
            ["usage"] = Number(at),
            ["algo"] = Number(at + 4),
            ["signature"] = new JsonObject { ["r"] = Numbers(c.AsSpan(at + 8, 72)), ["s"] = Numbers(c.AsSpan(at + 80, 72)) },
            ["_reserved"] = Numbers(c.AsSpan(at + 152, 368)),
        };
        return new JsonObject
        {
            ["body"] = new JsonObject
            {
                ["ver"] = Number(0),
                ["data"] = new JsonObject
                {
                    ["firmware"] = new JsonObject { ["major"] = c[4], ["minor"] = c[5] },
                    ["reserved1"] = BinaryPrimitives.ReadUInt16LittleEndian(c.AsSpan(6)),
                    ["pubkey"] = new JsonObject
                    {
                        ["usage"] = Number(8),
                        ["algo"] = Number(12),
                        ["key"] = new JsonObject { ["g"] = Number(16), ["x"] = Numbers(c.AsSpan(20, 72)), ["y"] = Numbers(c.AsSpan(92, 72)) },
                    },
                    ["uid_size"] = BinaryPrimitives.ReadUInt16LittleEndian(c.AsSpan(164)),
                    ["user_id"] = Numbers(c.AsSpan(166, 254)),
                    ["sid"] = Numbers(c.AsSpan(420, 16)),
                    ["reserved2"] = Numbers(c.AsSpan(436, 608)),
                },
            },
            ["sigs"] = new JsonArray(Block(1044), Block(1564)),
        };
    }
}
