// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Tee.EventLogs;
using Coco.Tee.Intel;
using Coco.Verifiers;
using Coco.Verifiers.Intel;

namespace Coco.Cli.EvidenceCommands;

/// <summary>Intel TDX and SGX: raw quotes, and evidence JSON with quote and event log.</summary>
internal sealed class IntelFormat(TeeType tee) : IEvidenceFormat
{
    private const uint TdxTeeType = 0x81;

    /// <inheritdoc/>
    public TeeType Tee => tee;

    private IntelTee IntelTee => tee == TeeType.Tdx ? IntelTee.TrustDomain : IntelTee.SgxEnclave;

    /// <inheritdoc/>
    public string FormatCheck => "dcap.format";

    /// <inheritdoc/>
    public bool Recognizes(EvidenceFile file)
    {
        if (file.Json is { } json)
        {
            return file.HasMembers("quote")
                && json.TryGetProperty("quote", out JsonElement quote)
                && quote.ValueKind == JsonValueKind.String
                && quote.TryGetBytesFromBase64(out byte[]? bytes)
                && IsQuote(bytes);
        }

        return IsQuote(file.Bytes.Span);
    }

    /// <inheritdoc/>
    public Result<JsonElement> ToEvidence(EvidenceFile file, EvidenceInputs inputs)
    {
        if (file.Json is { } json && inputs.EventLog is null)
        {
            return json;
        }

        var body = file.Json is { } given
            ? JsonNode.Parse(given.GetRawText())!.AsObject()
            : new JsonObject { ["quote"] = Convert.ToBase64String(file.Bytes.Span) };
        body["cc_eventlog"] = inputs.EventLog is { } log ? Convert.ToBase64String(log.Span) : null;
        return JsonElement.Parse(body.ToJsonString());
    }

    /// <inheritdoc/>
    public IVerifier CreateVerifier(EvidenceInputs inputs)
    {
        DcapVerifier dcap = CreateDcap(inputs);
        return tee == TeeType.Tdx ? new TdxVerifier(dcap) : new SgxVerifier(dcap);
    }

    /// <inheritdoc/>
    public Result<ImmutableArray<CollateralKey>> CollateralOf(EvidenceFile file)
    {
        ReadOnlyMemory<byte> bytes = file.Bytes;
        if (file.Json is { } json)
        {
            if (!(tee == TeeType.Tdx ? IntelEvidence.ParseTdx(json) : IntelEvidence.ParseSgx(json)).TryGet(out IntelEvidence? evidence, out Refusal? why))
            {
                return why;
            }

            bytes = evidence.Quote;
        }

        if (!IntelQuote.Parse(bytes).TryGet(out IntelQuote? quote, out Refusal? refusal)
            || !DerCertificate.ParseAll(quote.CertificationData).TryGet(out ImmutableArray<DerCertificate> chain, out refusal))
        {
            return refusal;
        }

        DerCertificate? leaf = chain.FirstOrDefault(c => c.FindExtension(PckExtension.Oid) is not null);
        if (leaf is null || !PckExtension.Parse(leaf.FindExtension(PckExtension.Oid)!.Value).TryGet(out PckExtension? pck, out refusal))
        {
            return refusal ?? new Refusal(RefusalCode.Malformed, "the quote brings no PCK certificate");
        }

        bool platform = leaf.IssuerCommonName.Contains("Platform", StringComparison.Ordinal);
        ImmutableArray<CollateralKey>.Builder keys = ImmutableArray.CreateBuilder<CollateralKey>();
        foreach (TcbUpdateSeries series in (ReadOnlySpan<TcbUpdateSeries>)[TcbUpdateSeries.Early, TcbUpdateSeries.Standard])
        {
            IntelCollateralKeys names = IntelCollateralKeys.For(IntelTee, Convert.ToHexString(pck.Fmspc.Span), platform, series);
            keys.AddRange(names.TcbInfo, names.QeIdentity, names.PckCrl, names.RootCrl);
        }

        return keys.Distinct().ToImmutableArray();
    }

    /// <inheritdoc/>
    public Result<ShownNode> Show(EvidenceFile file)
    {
        ReadOnlyMemory<byte> bytes = file.Bytes;
        ReadOnlyMemory<byte>? log = null;
        if (file.Json is { } json)
        {
            Result<IntelEvidence> parsed = tee == TeeType.Tdx ? IntelEvidence.ParseTdx(json) : IntelEvidence.ParseSgx(json);
            if (!parsed.TryGet(out IntelEvidence? evidence, out Refusal? why))
            {
                return why;
            }

            bytes = evidence.Quote;
            log = evidence.EventLog;
        }

        if (!IntelQuote.Parse(bytes).TryGet(out IntelQuote? quote, out Refusal? refusal))
        {
            return refusal;
        }

        ShownNode root = ShowQuote(quote);
        if (log is { } events)
        {
            root.Add(EventLogView.Of(events));
        }

        return root;
    }

    internal static DcapVerifier CreateDcap(EvidenceInputs inputs)
    {
        ImmutableArray<IntelRootKey> roots =
        [
            .. IntelRootKey.ProductionOnly,
            .. inputs.Trusted.Where(c => c.KeyCurve == "1.2.840.10045.3.1.7")
                .Select(c => IntelRootKey.FromPublicKeyInfo(c.SubjectCommonName, c.SubjectPublicKeyInfo).TryGet(out IntelRootKey? key, out _) ? key : null)
                .OfType<IntelRootKey>(),
        ];
        return new DcapVerifier(new DcapOptions { Clock = inputs.Clock, Roots = roots }, inputs.Collateral ?? new CollateralService(new CollateralOptions()));
    }

    internal static ShownNode ShowQuote(IntelQuote quote)
    {
        ShownNode root = new ShownNode("quote", $"Intel {(quote.TrustDomain is null ? "SGX" : "TDX")}, {quote.Raw.Length} bytes");
        AddFields(root.Open("header"), quote.Header, quote.Version == 3 ? IntelQuote.HeaderFields3 : IntelQuote.HeaderFields4);
        if (!quote.BodyDescriptor.IsEmpty)
        {
            root.Add("body descriptor", quote.BodyDescriptor);
        }

        if (quote.TrustDomain is { } td)
        {
            AddFields(root.Open("TD report", td.Is15 ? "TD 1.5" : "TD 1.0"), td.Raw, td.Fields);
        }

        if (quote.Enclave is { } enclave)
        {
            AddFields(root.Open("enclave report"), enclave.Raw, SgxReportBody.Fields);
        }

        root.Add("signature", quote.Signature).Add("attestation key", quote.AttestationKey);
        AddFields(root.Open("QE report"), quote.QeReport.Raw, SgxReportBody.Fields);
        root.Add("QE report signature", quote.QeReportSignature).Add("QE authentication data", quote.AuthenticationData);
        ShownNode certification = root.Open("certification data", quote.CertificationType.ToString());
        if (DerCertificate.ParseAll(quote.CertificationData).TryGet(out ImmutableArray<DerCertificate> chain, out _))
        {
            foreach (DerCertificate certificate in chain)
            {
                certification.Add(CertificateView.Of(certificate));
            }
        }
        else
        {
            certification.Add("bytes", quote.CertificationData);
        }

        if (quote.TrailingLength > 0)
        {
            root.Add("trailing bytes", quote.TrailingLength.ToString(CultureInfo.InvariantCulture));
        }

        return root;
    }

    internal static void AddFields(ShownNode node, ReadOnlyMemory<byte> bytes, ImmutableArray<LayoutField> fields)
    {
        foreach (LayoutField field in fields)
        {
            node.Add(field.Name, bytes.Slice(field.Offset, field.Length));
        }
    }

    private bool IsQuote(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 48 || bytes[0] is < 3 or > 5 || bytes[1] != 0 || bytes[2] is not (2 or 3) || bytes[3] != 0)
        {
            return false;
        }

        bool tdx = bytes[0] != 3 && BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) == TdxTeeType;
        return tdx == (IntelTee == IntelTee.TrustDomain);
    }
}
