// SPDX-License-Identifier: Apache-2.0
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Coco.Simulator.Intel;

/// <summary>DER that Intel's hierarchy has and general builders do not make: the SGX extension, and revocation lists with chosen extensions.</summary>
internal static class IntelCertificateFields
{
    private const string SgxExtension = "1.2.840.113741.1.13.1";

    public static X509Extension MakeSgxExtension(SimulatedPlatformOptions platform, ReadOnlySpan<byte> ppid, ReadOnlySpan<byte> instance)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.PushSequence();
        WriteOctets(writer, ".1", ppid);
        writer.PushSequence();
        writer.WriteObjectIdentifier(SgxExtension + ".2");
        writer.PushSequence();
        for (int i = 0; i < 16; i++)
        {
            WriteNumber(writer, $".2.{i + 1}", platform.Components[i]);
        }

        WriteNumber(writer, ".2.17", platform.PceSvn);
        WriteOctets(writer, ".2.18", platform.Components);
        writer.PopSequence();
        writer.PopSequence();
        WriteOctets(writer, ".3", platform.PceId);
        WriteOctets(writer, ".4", platform.Fmspc);
        writer.PushSequence();
        writer.WriteObjectIdentifier(SgxExtension + ".5");
        writer.WriteEncodedValue([0x0A, 0x01, (byte)platform.SgxType]);
        writer.PopSequence();
        if (platform.WithPlatformElements ?? platform.UsePlatformCa)
        {
            WriteOctets(writer, ".6", instance);
            writer.PushSequence();
            writer.WriteObjectIdentifier(SgxExtension + ".7");
            writer.PushSequence();
            WriteFlag(writer, ".7.1", platform.Configuration.Dynamic);
            WriteFlag(writer, ".7.2", platform.Configuration.CachedKeys);
            WriteFlag(writer, ".7.3", platform.Configuration.Smt);
            writer.PopSequence();
            writer.PopSequence();
        }

        writer.PopSequence();
        return new X509Extension(SgxExtension, writer.Encode(), critical: false);
    }

    public static byte[] MakeList(
        X500DistinguishedName issuer,
        ECDsa issuerKey,
        DateTimeOffset thisUpdate,
        DateTimeOffset nextUpdate,
        IEnumerable<byte[]> revoked,
        SimulatedListFields fields)
    {
        var tbs = new AsnWriter(AsnEncodingRules.DER);
        tbs.PushSequence();
        tbs.WriteInteger(1);
        WriteAlgorithm(tbs);
        tbs.WriteEncodedValue((fields.Issuer ?? issuer).RawData);
        tbs.WriteUtcTime(thisUpdate);
        if (fields.WithNextUpdate)
        {
            tbs.WriteUtcTime(nextUpdate);
        }

        byte[][] serials = [.. revoked];
        if (serials.Length > 0)
        {
            tbs.PushSequence();
            foreach (byte[] serial in serials)
            {
                tbs.PushSequence();
                tbs.WriteIntegerUnsigned(serial);
                tbs.WriteUtcTime(thisUpdate);
                tbs.PopSequence();
            }

            tbs.PopSequence();
        }

        if (fields.WithNumber || fields.WithKeyIdentifier)
        {
            tbs.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0));
            tbs.PushSequence();
            if (fields.WithNumber)
            {
                WriteExtension(tbs, "2.5.29.20", w => w.WriteInteger(1));
            }

            if (fields.WithKeyIdentifier)
            {
                WriteExtension(tbs, "2.5.29.35", w =>
                {
                    w.PushSequence();
                    w.WriteOctetString(SHA1.HashData(issuerKey.ExportSubjectPublicKeyInfo().AsSpan(^65)), new Asn1Tag(TagClass.ContextSpecific, 0));
                    w.PopSequence();
                });
            }

            tbs.PopSequence();
            tbs.PopSequence(new Asn1Tag(TagClass.ContextSpecific, 0));
        }

        tbs.PopSequence();
        byte[] signed = tbs.Encode();
        var list = new AsnWriter(AsnEncodingRules.DER);
        list.PushSequence();
        list.WriteEncodedValue(signed);
        WriteAlgorithm(list);
        list.WriteBitString(issuerKey.SignData(signed, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        list.PopSequence();
        return list.Encode();
    }

    private static void WriteAlgorithm(AsnWriter writer)
    {
        writer.PushSequence();
        writer.WriteObjectIdentifier("1.2.840.10045.4.3.2");
        writer.PopSequence();
    }

    private static void WriteExtension(AsnWriter writer, string oid, Action<AsnWriter> value)
    {
        var inner = new AsnWriter(AsnEncodingRules.DER);
        value(inner);
        writer.PushSequence();
        writer.WriteObjectIdentifier(oid);
        writer.WriteOctetString(inner.Encode());
        writer.PopSequence();
    }

    private static void WriteOctets(AsnWriter writer, string suffix, ReadOnlySpan<byte> octets)
    {
        writer.PushSequence();
        writer.WriteObjectIdentifier(SgxExtension + suffix);
        writer.WriteOctetString(octets);
        writer.PopSequence();
    }

    private static void WriteNumber(AsnWriter writer, string suffix, int number)
    {
        writer.PushSequence();
        writer.WriteObjectIdentifier(SgxExtension + suffix);
        writer.WriteInteger(number);
        writer.PopSequence();
    }

    private static void WriteFlag(AsnWriter writer, string suffix, bool flag)
    {
        writer.PushSequence();
        writer.WriteObjectIdentifier(SgxExtension + suffix);
        writer.WriteBoolean(flag);
        writer.PopSequence();
    }
}
