// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.Csv;
using Coco.Tee.EventLogs;

namespace Coco.Verifiers.Csv;

/// <summary>Verifies reports of Hygon CSV guests.</summary>
/// <remarks>Source: tee-evidence.md 9.1, 9.2.</remarks>
public sealed class CsvVerifier(CsvVerifierOptions options) : IVerifier
{
    private static readonly (string Name, int Shift, uint Mask)[] PolicyBits =
    [
        ("nodbg", 0, 1), ("noks", 1, 1), ("es", 2, 1), ("nosend", 3, 1), ("domain", 4, 1), ("csv", 5, 1), ("csv3", 6, 1), ("asid_reuse", 7, 1),
        ("hsk_version", 8, 0xF), ("cek_version", 12, 0xF), ("api_major", 16, 0xFF), ("api_minor", 24, 0xFF),
    ];

    /// <inheritdoc/>
    public TeeType Tee => TeeType.Csv;

    /// <inheritdoc/>
    public async ValueTask<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(BoundEvidence evidence, VerificationRecord? record, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        Result<CsvEvidence> parsed = CsvEvidence.Parse(evidence.Evidence.Body);
        if (record.Note("csv.form", parsed.Refusal) is { } form || !parsed.TryGet(out CsvEvidence? csv, out form))
        {
            return form;
        }

        HygonCaCertificate hsk;
        CsvCertificate cek;
        if (csv.Hsk is { } broughtHsk && csv.Cek is { } broughtCek)
        {
            (hsk, cek) = (broughtHsk, broughtCek);
        }
        else
        {
            var key = new CollateralKey(CollateralKinds.HygonHskCek, "csv/" + csv.SerialNumber);
            Result<(HygonCaCertificate, CsvCertificate)> fetched = await HygonChain.FetchAsync(options.Collateral, key, record, ct).ConfigureAwait(false);
            if (!fetched.TryGet(out (HygonCaCertificate Hsk, CsvCertificate Cek) both, out Refusal? missing))
            {
                return record.Note("csv.chain-available", missing)!;
            }

            (hsk, cek) = both;
        }

        if (!HygonChain.Check("csv", hsk, cek, options.Roots, record).TryGet(out HygonRoot? root, out Refusal? refusal))
        {
            return refusal;
        }

        CsvReport report = csv.Report;
        refusal = record.Note("csv.pek", HygonChain.CheckSigned(csv.Pek, HygonKeyUsage.Pek, cek.Key, "PEK", "CEK"))
            ?? record.Note("csv.report-signature", CheckSignature(report, csv.Pek.Key))
            ?? record.Note("csv.report-signature-usage", CheckUsage(report))
            ?? record.Note("csv.report-data", evidence.CheckReportData(report.ReportData.Span));
        if (refusal is not null)
        {
            return refusal;
        }

        if (!evidence.InitDataHash.IsNotChecked)
        {
            // The reference takes such evidence too; policy sees no claim init_data (tee-evidence.md 1.3).
            record?.Skipped("csv.init-data", "CSV has no register for an init-data digest");
        }

        JsonObject claims = ToClaims(report, csv.SerialNumber);
        if (report.Version == 2 && !csv.EventLog.IsEmpty)
        {
            if (!ReplayLog(csv, record).TryGet(out JsonArray? events, out refusal))
            {
                return refusal;
            }

            claims["uefi_event_logs"] = events;
        }

        if (root.IsSimulated)
        {
            claims["simulated"] = true;
        }

        return ImmutableArray.Create(new VerifiedClaims(TeeType.Csv, "cpu", claims));
    }

    /// <summary>Whether the report is signed by the key; null when it is.</summary>
    internal static Refusal? CheckSignature(CsvReport report, HygonKey pek) => pek.Verify(report.SignedBytes.Span, report.Signature.Span)
        ? null
        : new Refusal(RefusalCode.BadSignature, "the report is not signed by the PEK");

    private static Refusal? CheckUsage(CsvReport report) => report.SignatureUsage == (uint)HygonKeyUsage.Pek && report.SignatureAlgorithm == CsvSignatureBlock.Sm2Signature
        ? null
        : new Refusal(RefusalCode.Mismatch, $"the report says it is signed by usage 0x{report.SignatureUsage:x}, algorithm {report.SignatureAlgorithm}; a PEK with SM2 wanted");

    private static Result<JsonArray> ReplayLog(CsvEvidence csv, VerificationRecord? record)
    {
        Result<CcEventLog> parsed = CcEventLog.Parse(csv.EventLog);
        if (record.Note("csv.event-log-form", parsed.Refusal) is { } form || !parsed.TryGet(out CcEventLog? log, out form))
        {
            return form;
        }

        Refusal? mismatch = null;
        for (int i = 1; i <= 4 && mismatch is null; i++)
        {
            mismatch = log.CheckReplay((uint)i, TcgAlgorithm.Sm3, csv.Report.Rtmrs[i].Span);
        }

        return record.Note("csv.event-log-replay", mismatch) is { } refusal ? refusal : log.ToClaims();
    }

    private static JsonObject ToClaims(CsvReport report, string serial)
    {
        var policy = new JsonObject();
        foreach ((string name, int shift, uint mask) in PolicyBits)
        {
            policy[name] = report.Policy >> shift & mask;
        }

        var claims = new JsonObject
        {
            ["version"] = report.Version.ToString(CultureInfo.InvariantCulture),
            ["policy"] = policy,
            ["user_pubkey_digest"] = Hex(report.UserPublicKeyDigest.Span),
            ["vm_id"] = Hex(report.VmId.Span),
            ["vm_version"] = Hex(report.VmVersion.Span),
            ["report_data"] = Hex(report.ReportData.Span),
            ["mnonce"] = Hex(report.Mnonce.Span),
            ["measure"] = Hex(report.Measure.Span),
            ["sig_usage"] = HexOf(report.SignatureUsage),
            ["sig_algo"] = HexOf(report.SignatureAlgorithm),
            ["serial_number"] = serial,
        };
        if (report.Version == 1)
        {
            claims["anonce"] = HexOf(report.AnonceOrBuild);
            return claims;
        }

        claims["build"] = report.AnonceOrBuild;
        claims["rtmr_version"] = report.RtmrVersion;
        claims["reserved0"] = Hex(report.Reserved0.Span);
        claims["reserved1"] = Hex(report.Reserved1.Span);
        for (int i = 0; i < report.Rtmrs.Length; i++)
        {
            claims[string.Create(CultureInfo.InvariantCulture, $"rtmr{i}")] = Hex(report.Rtmrs[i].Span);
        }

        return claims;
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    /// <summary>A number as its four little-endian bytes.</summary>
    private static string HexOf(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, number);
        return Convert.ToHexStringLower(bytes);
    }
}
