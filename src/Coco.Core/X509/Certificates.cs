// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Coco;

/// <summary>Reading certificates from outside.</summary>
public static class Certificates
{
    private const int MaxBytes = 64 * 1024;

    /// <summary>One DER certificate and nothing after it.</summary>
    public static Result<X509Certificate2> Parse(ReadOnlySpan<byte> der)
    {
        if (der.Length > MaxBytes)
        {
            return new Refusal(RefusalCode.TooLarge, $"certificate of {der.Length} bytes");
        }

        try
        {
            System.Formats.Asn1.AsnDecoder.ReadSequence(der, System.Formats.Asn1.AsnEncodingRules.DER, out _, out _, out int consumed);
            if (consumed != der.Length)
            {
                return Refusal.Malformed("certificate", consumed, "bytes after its end");
            }

            return X509CertificateLoader.LoadCertificate(der);
        }
        catch (Exception e) when (e is CryptographicException or System.Formats.Asn1.AsnContentException)
        {
            return new Refusal(RefusalCode.Malformed, "not an X.509 certificate");
        }
    }

    /// <summary>All certificates of a PEM text, at least one. The caller disposes them.</summary>
    public static Result<ImmutableArray<X509Certificate2>> ParsePem(ReadOnlySpan<char> pem)
    {
        if (!PemBlocks.All(pem, "CERTIFICATE").TryGet(out ImmutableArray<byte[]> blocks, out Refusal? refusal))
        {
            return refusal;
        }

        if (blocks.IsEmpty)
        {
            return new Refusal(RefusalCode.Malformed, "no PEM block CERTIFICATE");
        }

        ImmutableArray<X509Certificate2>.Builder all = ImmutableArray.CreateBuilder<X509Certificate2>(blocks.Length);
        foreach (byte[] der in blocks)
        {
            if (!Parse(der).TryGet(out X509Certificate2? certificate, out refusal))
            {
                foreach (X509Certificate2 one in all)
                {
                    one.Dispose();
                }

                return refusal;
            }

            all.Add(certificate);
        }

        return all.ToImmutable();
    }
}
