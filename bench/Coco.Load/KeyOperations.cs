// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco.Load;

/// <summary>What the public-key operations of a request cost on this machine, one core, measured in the same run.</summary>
internal static class KeyOperations
{
    /// <summary>An ephemeral key and a key agreement on P-256, as OpenSSL does them: a whole JWE less what a JWE costs without its key operation.</summary>
    public static double AgreeNanoseconds() => Time(Sealer(JweAlgorithms.EcdhEsA256Kw)) - SealWithoutKeyOperationNanoseconds();

    /// <summary>
    /// Both sides of a handshake and one resource with SNP evidence: report signed and verified (P-384), token signed (P-256), an ephemeral key and an
    /// agreement to seal the resource (P-256). The server need not verify a token of its own, and this guest opens nothing.
    /// </summary>
    public static double SnpHandshakeNanoseconds()
    {
        using ECDsa p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using ECDsa p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] hash384 = new byte[48];
        byte[] hash256 = new byte[32];
        byte[] signature384 = p384.SignHash(hash384);
        return Time(() => p384.SignHash(hash384)) + Time(() => p384.VerifyHash(hash384, signature384)) + Time(() => p256.SignHash(hash256)) + AgreeNanoseconds();
    }

    // An RSA key shows it: sealing less the RSA encryption alone.
    private static double SealWithoutKeyOperationNanoseconds()
    {
        using RSA rsa = RSA.Create(2048);
        byte[] one = new byte[32];
        return Time(Sealer(JweAlgorithms.RsaOaep256)) - Time(() => rsa.Encrypt(one, RSAEncryptionPadding.OaepSHA256));
    }

    private static Action Sealer(JweAlgorithms algorithm)
    {
        using JweDecryptionKey guest = JweDecryptionKey.Generate(algorithm);
        JweRecipient recipient = JweRecipient.Create(guest.PublicJwk, algorithm).Require();
        byte[] one = new byte[32];
        return () => recipient.Encrypt(one);
    }

    /// <summary>The server's side of an appraisal of SNP evidence: report verified (P-384), token signed (P-256).</summary>
    public static double SnpAppraisalNanoseconds()
    {
        using ECDsa p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using ECDsa p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] hash384 = new byte[48];
        byte[] hash256 = new byte[32];
        byte[] signature384 = p384.SignHash(hash384);
        return Time(() => p384.VerifyHash(hash384, signature384), 0.5) + Time(() => p256.SignHash(hash256), 0.5);
    }

    // Processor time, so that what else the machine does counts little. The best round, or the usual one where a server is measured that has no best ones.
    private static double Time(Action action, double quantile = 0)
    {
        for (int i = 0; i < 100; i++)
        {
            action();
        }

        const int Rounds = 25;
        double[] rounds = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            TimeSpan start = Environment.CpuUsage.TotalTime;
            const int Count = 40;
            for (int i = 0; i < Count; i++)
            {
                action();
            }

            rounds[round] = (Environment.CpuUsage.TotalTime - start).TotalNanoseconds / Count;
        }

        Array.Sort(rounds);
        return rounds[(int)(quantile * Rounds)];
    }
}
