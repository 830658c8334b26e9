// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Simulator.Amd;
using Coco.Simulator.Tpm;
using Coco.Tee.Azure;
using Coco.Tee.Tpm;

namespace Coco.Simulator.Azure;

/// <summary>A simulated Azure confidential VM: a vTPM whose attestation key a simulated hardware report vouches for. Not thread-safe.</summary>
public sealed class SimulatedAzureGuest : IDisposable
{
    private readonly Func<byte[], byte[]> _hardware;
    private readonly Func<byte[], byte[]> _endorse;
    private readonly HclReportType _type;

    private SimulatedAzureGuest(HclReportType type, Func<byte[], byte[]> hardware, Func<byte[], byte[]> endorse, SimulatedTpm tpm)
    {
        _type = type;
        _hardware = hardware;
        _endorse = endorse;
        Tpm = tpm;
    }

    /// <summary>The vTPM.</summary>
    public SimulatedTpm Tpm { get; }

    /// <summary>A VM on SEV-SNP.</summary>
    /// <param name="guest">The SNP guest below it; its VCEK goes into the evidence.</param>
    /// <param name="change">Changes the SNP report.</param>
    /// <param name="tpm">Another vTPM than an ordinary one.</param>
    public static SimulatedAzureGuest OnSnp(SimulatedSnpGuest guest, Action<SnpReportFields>? change = null, SimulatedTpm? tpm = null)
    {
        ArgumentNullException.ThrowIfNull(guest);
        return new SimulatedAzureGuest(HclReportType.Snp, data => guest.GetReport(data, change), _ => guest.VekCertificate, tpm ?? new SimulatedTpm());
    }

    /// <summary>A VM on TDX.</summary>
    /// <param name="makeReport">A TDREPORT (1024 bytes) with these report data.</param>
    /// <param name="makeQuote">A TD quote with these report data.</param>
    /// <param name="tpm">Another vTPM than an ordinary one.</param>
    public static SimulatedAzureGuest OnTdx(Func<byte[], byte[]> makeReport, Func<byte[], byte[]> makeQuote, SimulatedTpm? tpm = null) =>
        new(HclReportType.Tdx, makeReport, makeQuote, tpm ?? new SimulatedTpm());

    /// <summary>Evidence of version 2 (or another).</summary>
    /// <param name="reportData">At most 64 bytes: the nonce, and the user data.</param>
    /// <param name="changeReport">Changes the paravisor's report.</param>
    /// <param name="changeQuote">Changes the vTPM's quote.</param>
    /// <param name="version">0, 1, 2 or a wrong one.</param>
    public JsonObject GetEvidence(
        ReadOnlySpan<byte> reportData, Action<HclReportFields>? changeReport = null, Action<TpmQuoteFields>? changeQuote = null, int version = 2)
    {
        byte[] userData = new byte[64];
        reportData.CopyTo(userData);
        RSAParameters ak = Tpm.AkNumbers;
        var fields = new HclReportFields
        {
            ReportType = (uint)_type,
            VariableData = new JsonObject
            {
                ["keys"] = new JsonArray(Key("HCLAkPub", ak), Key("HCLEkPub", ak)),
                ["vm-configuration"] = new JsonObject { ["secure-boot"] = true, ["tpm-enabled"] = true },
                ["user-data"] = Convert.ToHexString(userData),
            },
        };
        changeReport?.Invoke(fields);
        byte[] bound = new byte[64];
        SHA256.HashData(fields.EncodeVariableData(), bound);
        fields.ChangeReportData?.Invoke(bound);
        byte[] hardware = _hardware(bound);
        byte[] endorsement = _endorse(bound);
        fields.ChangeAfterwards?.Invoke(fields.VariableData);
        byte[] report = fields.Encode(hardware);
        TpmQuoteEvidence quote = Tpm.Quote(reportData, changeQuote);
        return version == 0 ? Unversioned(quote, report, endorsement) : Versioned(quote, report, endorsement, version);
    }

    /// <inheritdoc/>
    public void Dispose() => Tpm.Dispose();

    private static JsonObject Key(string name, RSAParameters numbers) => new()
    {
        ["kid"] = name,
        ["key_ops"] = new JsonArray("sign"),
        ["kty"] = "RSA",
        ["e"] = Base64Url.EncodeToString(numbers.Exponent),
        ["n"] = Base64Url.EncodeToString(numbers.Modulus),
    };

    private static JsonArray Numbers(ReadOnlySpan<byte> bytes)
    {
        var array = new JsonArray();
        foreach (byte b in bytes)
        {
            array.Add((JsonNode)JsonValue.Create(b));
        }

        return array;
    }

    private static string Padded(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes).Replace('+', '-').Replace('/', '_');

    private JsonObject Versioned(TpmQuoteEvidence quote, byte[] report, byte[] endorsement, int version) => new()
    {
        ["version"] = version,
        ["tpm_quote"] = new JsonObject
        {
            ["signature"] = Convert.ToHexStringLower(quote.Signature.Value.Span),
            ["message"] = Convert.ToHexStringLower(quote.Message.Span),
            ["pcrs"] = SimulatedTpm.Hex(quote.Pcrs),
        },
        ["hcl_report"] = Padded(report),
        [_type == HclReportType.Snp ? "vcek" : "td_quote"] = Padded(endorsement),
    };

    private JsonObject Unversioned(TpmQuoteEvidence quote, byte[] report, byte[] endorsement)
    {
        bool snp = _type == HclReportType.Snp;
        return new JsonObject
        {
            [snp ? "quote" : "tpm_quote"] = new JsonObject
            {
                ["signature"] = Numbers(quote.Signature.Value.Span),
                ["message"] = Numbers(quote.Message.Span),
                ["pcrs"] = new JsonArray([.. quote.Pcrs.Select(p => (JsonNode)Numbers(p.Span))]),
            },
            [snp ? "report" : "hcl_report"] = Numbers(report),
            [snp ? "vcek" : "td_quote"] = snp ? new string(PemEncoding.Write("CERTIFICATE", endorsement)) : Numbers(endorsement),
        };
    }
}
