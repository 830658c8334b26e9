// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Coco.Tee.SecureExecution;

namespace Coco.Conformance;

/// <summary>Judges the formats of IBM Secure Execution against byte-exact references. What a file is, is told by its content and the entry's words.</summary>
public sealed partial class SeJudge : IConformanceJudge
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => ["se"];

    [GeneratedRegex(@"(IV|protection key|measurement key|nonce) ([0-9a-f]{2})\.\.")]
    private static partial Regex FilledWith { get; }

    /// <inheritdoc/>
    public IEnumerable<ConformanceCase> Cases(string kind, string root)
    {
        VectorManifest manifest = VectorManifest.TryRead(Path.Combine(root, kind)) ?? throw new FormatException("no manifest lists " + kind);
        return manifest.Entries.Select(e => new ConformanceCase(e.File, _ => Task.FromResult(Expect(e, Check(manifest, e)))));
    }

    private static CaseVerdict Expect(VectorEntry entry, string? fault) =>
        (fault is not null) == entry.IsNegative ? CaseVerdict.Passed : CaseVerdict.Failed(fault ?? "accepted");

    private static string? Check(VectorManifest manifest, VectorEntry entry)
    {
        byte[] bytes = entry.Bytes();
        string what = entry.Text("what") ?? string.Empty;
        if (bytes.AsSpan().StartsWith("IBMSecEx"u8))
        {
            return SeImageHeader.Parse(bytes).TryGet(out SeImageHeader? header, out Refusal? refusal)
                ? header.Tags.Span[..192].SequenceEqual(bytes.AsSpan(0xE0, 192)) && header.Tags.Span[^16..].SequenceEqual(bytes.AsSpan(^16..)) ? null : "tags"
                : refusal.ToString();
        }

        if (bytes.AsSpan().StartsWith("pvattest"u8))
        {
            return CheckExchange(bytes);
        }

        if (bytes.AsSpan().TrimStart(" \r\n\t"u8).StartsWith("{"u8))
        {
            return CheckMeasurements(bytes);
        }

        if (DerCertificate.LooksLikePem(bytes))
        {
            return DerCertificate.ParseAll(bytes).TryGet(out _, out Refusal? refusal) ? null : refusal.ToString();
        }

        if (what.Contains("request control block", StringComparison.Ordinal))
        {
            return CheckRequest(manifest, what, bytes);
        }

        if (what.Contains("key slot", StringComparison.Ordinal))
        {
            using ECDiffieHellman customer = CustomerKey(manifest);
            return SeAttestationRequest.CreateSlot(HostKey(manifest), customer, Filled(what, "protection key", 32)).AsSpan().SequenceEqual(bytes) ? null : "the slot differs";
        }

        if (what.Contains("public key", StringComparison.Ordinal) || what.Contains("private key", StringComparison.Ordinal))
        {
            using ECDiffieHellman customer = CustomerKey(manifest);
            byte[] coordinates = SeAttestationRequest.Coordinates(customer.ExportParameters(false));
            return bytes.Length == 80 || coordinates.AsSpan().SequenceEqual(bytes) ? null : "the coordinates differ";
        }

        return "no form known here";
    }

    private static string? CheckRequest(VectorManifest manifest, string what, byte[] expected)
    {
        ulong flags = (what.Contains("nonce", StringComparison.Ordinal) ? SeAttestationRequest.NonceFlag : 0)
            | (what.Contains("image", StringComparison.Ordinal) ? SeAttestationRequest.ImageHostKeyFlag : 0)
            | (what.Contains("attestation PHKH", StringComparison.Ordinal) ? SeAttestationRequest.AttestationHostKeyFlag : 0);
        using ECDiffieHellman customer = CustomerKey(manifest);
        byte[] made = SeAttestationRequest.Create(
            [HostKey(manifest)],
            customer,
            Filled(what, "protection key", 32),
            Filled(what, "IV", 12),
            Filled(what, "measurement key", SeAttestationRequest.MeasurementKeySize),
            Filled(what, "nonce", SeAttestationRequest.NonceSize),
            flags);
        int at = made.AsSpan().CommonPrefixLength(expected);
        return at == made.Length && made.Length == expected.Length ? null : string.Create(CultureInfo.InvariantCulture, $"differs at offset {at}");
    }

    private static byte[] Filled(string what, string name, int length)
    {
        string value = FilledWith.Matches(what).First(m => m.Groups[1].Value == name).Groups[2].Value;
        byte[] bytes = new byte[length];
        bytes.AsSpan().Fill(byte.Parse(value, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        return bytes;
    }

    private static ECDiffieHellman CustomerKey(VectorManifest manifest)
    {
        byte[] scalar = manifest.Entries.First(e => e.Text("what")?.Contains("customer private key", StringComparison.Ordinal) == true).Bytes();
        byte[] point = manifest.Entries.First(e => e.Text("what")?.Contains("customer public key", StringComparison.Ordinal) == true).Bytes();
        return ECDiffieHellman.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP521,
            D = scalar[^66..],
            Q = new ECPoint { X = point[14..80], Y = point[94..160] },
        });
    }

    private static ECParameters HostKey(VectorManifest manifest)
    {
        DerCertificate certificate = DerCertificate.ParseAll(manifest.Entries.First(e => File.Exists(e.FullPath) && DerCertificate.LooksLikePem(e.Bytes())).Bytes()).Require()[0];
        using ECDiffieHellman key = ECDiffieHellman.Create();
        key.ImportSubjectPublicKeyInfo(certificate.SubjectPublicKeyInfo.Span, out _);
        return key.ExportParameters(false);
    }

    private static string? CheckMeasurements(byte[] bytes)
    {
        using JsonDocument document = JsonDocument.Parse(bytes);
        JsonElement root = document.RootElement;
        byte[] Hex(JsonElement parent, string name) => Convert.FromHexString(parent.GetProperty(name).GetString()!);
        foreach (JsonElement one in root.GetProperty("cases").EnumerateArray())
        {
            byte[] got = SeEvidence.Measure(
                Hex(root, "measurement_key"), Hex(root, "image_hdr_tags"), Hex(root, "cuid"), Hex(one, "user_data"), Hex(one, "nonce"), Hex(one, "additional_data"));
            if (!got.AsSpan().SequenceEqual(Hex(one, "hmac_sha512")))
            {
                return "measurement is " + Convert.ToHexStringLower(got);
            }
        }

        return null;
    }

    /// <summary>An exchange file: pairs of size and offset after the header, which fill the file without a gap.</summary>
    private static string? CheckExchange(byte[] bytes)
    {
        if (BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(12)) != bytes.Length)
        {
            return "its size is not the file's";
        }

        int at = 0x40;
        for (int i = 0x10; i < 0x40; i += 8)
        {
            int size = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(i));
            int offset = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(i + 4));
            if (size == 0)
            {
                continue;
            }

            if (offset != at)
            {
                return string.Create(CultureInfo.InvariantCulture, $"a part begins at {offset}, not at {at}");
            }

            at += size;
        }

        return at == bytes.Length ? null : "the parts do not fill it";
    }
}
