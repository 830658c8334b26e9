// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco.Load;

/// <summary>What the public-key operations of a request cost on this machine, one core, measured in the same run.</summary>
internal static class KeyOperations
{
    /// <summary>An ephemeral key and a key agreement on P-256, as OpenSSL does them (through the same code that the server uses, without the rest).</summary>
    public static double SealToEcNanoseconds()
    {
        using JweDecryptionKey guest = JweDecryptionKey.Generate(JweAlgorithms.EcdhEsA256Kw);
        using JweRecipient recipient = JweRecipient.Create(guest.PublicJwk, JweAlgorithms.EcdhEsA256Kw).Require();
        byte[] one = new byte[32];
        return Time(() => recipient.Encrypt(one));
    }

    /// <summary>Both sides of a handshake and one resource with SNP evidence: report signed and verified (P-384), token signed and verified (P-256), one JWE sealed and opened.</summary>
    public static double SnpHandshakeNanoseconds()
    {
        using ECDsa p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using ECDsa p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] hash384 = new byte[48];
        byte[] hash256 = new byte[32];
        byte[] signature384 = p384.SignHash(hash384);
        byte[] signature256 = p256.SignHash(hash256);
        return Time(() => p384.SignHash(hash384)) + Time(() => p384.VerifyHash(hash384, signature384))
            + Time(() => p256.SignHash(hash256)) + Time(() => p256.VerifyHash(hash256, signature256))
            + SealToEcNanoseconds();
    }

    /// <summary>The server's side of an appraisal of SNP evidence: report verified (P-384), token signed (P-256).</summary>
    public static double SnpAppraisalNanoseconds()
    {
        using ECDsa p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using ECDsa p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] hash384 = new byte[48];
        byte[] hash256 = new byte[32];
        byte[] signature384 = p384.SignHash(hash384);
        return Time(() => p384.VerifyHash(hash384, signature384)) + Time(() => p256.SignHash(hash256));
    }

    // Processor time, so that what else the machine does counts little.
    private static double Time(Action action)
    {
        for (int i = 0; i < 100; i++)
        {
            action();
        }

        double best = double.MaxValue;
        for (int round = 0; round < 25; round++)
        {
            TimeSpan start = Environment.CpuUsage.TotalTime;
            const int Count = 40;
            for (int i = 0; i < Count; i++)
            {
                action();
            }

            best = Math.Min(best, (Environment.CpuUsage.TotalTime - start).TotalNanoseconds / Count);
        }

        return best;
    }
}
