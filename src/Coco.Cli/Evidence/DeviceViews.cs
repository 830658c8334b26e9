// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Coco.Tee.Csv;
using Coco.Tee.Nvidia;
using Coco.Tee.Tpm;

namespace Coco.Cli.EvidenceCommands;

/// <summary>Evidence of TPMs, Hygon and NVIDIA as fields.</summary>
internal static class DeviceViews
{
    /// <summary>A plain TPM.</summary>
    public static Result<ShownNode> Tpm(JsonElement json)
    {
        if (!TpmEvidence.Parse(json).TryGet(out TpmEvidence? evidence, out Refusal? refusal))
        {
            return refusal;
        }

        ShownNode root = new ShownNode("tpm evidence").Add(TpmView.Of(evidence.Quote)).Add("attestation key", evidence.AkPublic);
        foreach (ReadOnlyMemory<byte> der in evidence.AkCertificates)
        {
            root.Add(DerCertificate.Parse(der).TryGet(out DerCertificate? c, out refusal) ? CertificateView.Of(c) : new ShownNode("certificate", refusal.ToString()));
        }

        return evidence.EventLog.IsEmpty ? root : root.Add(EventLogView.Of(evidence.EventLog));
    }

    /// <summary>Hygon CSV.</summary>
    public static Result<ShownNode> Csv(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("attestation_report", out JsonElement wrapper))
        {
            return new Refusal(RefusalCode.Malformed, "attestation_report: missing") { Field = "attestation_report" };
        }

        if (!CsvReport.Parse(wrapper).TryGet(out CsvReport? r, out Refusal? refusal))
        {
            return refusal;
        }

        ShownNode root = Of(r);
        return json.TryGetProperty("cc_eventlog", out JsonElement log) && log.ValueKind == JsonValueKind.String && log.TryGetBytesFromBase64(out byte[]? events) && events.Length > 0
            ? root.Add(EventLogView.Of(events))
            : root;
    }

    /// <summary>A report of Hygon CSV.</summary>
    public static ShownNode Of(CsvReport r)
    {
        ShownNode root = new ShownNode("CSV attestation report", $"version {r.Version}")
            .Add("user public key digest", r.UserPublicKeyDigest)
            .Add("VM id", r.VmId)
            .Add("VM version", r.VmVersion)
            .Add("report data", r.ReportData)
            .Add("mnonce", r.Mnonce)
            .Add("measure", r.Measure)
            .Add("policy", "0x" + r.Policy.ToString("x", CultureInfo.InvariantCulture))
            .Add("signature usage", "0x" + r.SignatureUsage.ToString("x", CultureInfo.InvariantCulture))
            .Add("signature algorithm", "0x" + r.SignatureAlgorithm.ToString("x", CultureInfo.InvariantCulture));
        for (int i = 0; i < r.Rtmrs.Length; i++)
        {
            root.Add($"RTMR{i}", r.Rtmrs[i]);
        }

        return root.Add("serial number", r.ReadSerialNumber()).Add("signature", r.Signature);
    }

    /// <summary>Adds what an NVIDIA device reports.</summary>
    public static ShownNode Add(ShownNode node, SpdmReport report)
    {
        node.Add("request nonce", report.RequestNonce).Add("response nonce", report.ResponseNonce).Add("signature", report.Signature);
        node.Add(ShownNode.FromJson("opaque data", report.Opaque.ToConfig()));
        ShownNode blocks = node.Open("measurements", report.MeasurementBlocks.Length.ToString(CultureInfo.InvariantCulture));
        foreach (SpdmMeasurement block in report.MeasurementBlocks)
        {
            blocks.Add(block.Index.ToString(CultureInfo.InvariantCulture), block.Value);
        }

        return node;
    }

    /// <summary>Hygon DCU.</summary>
    public static Result<ShownNode> Dcu(JsonElement json)
    {
        if (!DcuReport.ParseEvidence(json).TryGet(out ImmutableArray<DcuReport> reports, out Refusal? refusal))
        {
            return refusal;
        }

        var root = new ShownNode("DCU reports");
        foreach (DcuReport r in reports)
        {
            root.Open("report", $"version {r.Version}")
                .Add("chip id", r.ChipIdText)
                .Add("user data", r.UserData)
                .Add("measure", r.Measure)
                .Add("signature usage", "0x" + r.SignatureUsage.ToString("x", CultureInfo.InvariantCulture))
                .Add("signature", r.Signature);
        }

        return root;
    }

    /// <summary>NVIDIA GPUs and switches.</summary>
    public static Result<ShownNode> Nvidia(JsonElement json)
    {
        if (!NvidiaEvidence.ParseAll(json).TryGet(out ImmutableArray<NvidiaEvidence> devices, out Refusal? refusal))
        {
            return refusal;
        }

        var root = new ShownNode("nvidia evidence");
        foreach (NvidiaEvidence device in devices)
        {
            ShownNode node = root.Open("device", device.Uuid).Add("architecture", device.Architecture.ToString());
            if (SpdmReport.Parse(device.Report).TryGet(out SpdmReport? report, out refusal))
            {
                Add(node, report);
            }
            else
            {
                node.Add("report", refusal.ToString());
            }

            if (DerCertificate.ParseAll(device.CertificateChain).TryGet(out ImmutableArray<DerCertificate> chain, out _))
            {
                foreach (DerCertificate certificate in chain)
                {
                    node.Add(CertificateView.Of(certificate));
                }
            }
        }

        return root;
    }
}
