// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco;

/// <summary>
/// Key objects of one EC public key. Importing a P-384 key costs more than one verification, and a key object is not promised to be thread-safe:
/// each verification takes one out and puts it back; at most so many are kept as verifications ran at once, and never more than eight.
/// </summary>
public sealed class EcdsaKeyPool
{
    private readonly ECDsa?[] _kept = new ECDsa?[8];
    private readonly byte[] _spki;

    /// <summary>Imports the key once, so that a bad one shows now.</summary>
    /// <exception cref="CryptographicException">Not a key on a known curve.</exception>
    public EcdsaKeyPool(ReadOnlyMemory<byte> subjectPublicKeyInfo)
    {
        _spki = subjectPublicKeyInfo.ToArray();
        _kept[0] = Import();
    }

    /// <summary>Verifies a signature in the form R then S (IEEE P1363) over a digest.</summary>
    public bool VerifyHash(ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature) => VerifyHash(digest, signature, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

    /// <summary>Verifies a signature over a digest; false also for one that has not the form.</summary>
    public bool VerifyHash(ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature, DSASignatureFormat format)
    {
        ECDsa key = Take() ?? Import();
        try
        {
            return key.VerifyHash(digest, signature, format);
        }
        catch (CryptographicException)
        {
            // Some providers throw for a signature that is no DER at all.
            return false;
        }
        finally
        {
            Return(key);
        }
    }

    private ECDsa? Take()
    {
        for (int i = 0; i < _kept.Length; i++)
        {
            if (Volatile.Read(ref _kept[i]) is not null && Interlocked.Exchange(ref _kept[i], null) is { } key)
            {
                return key;
            }
        }

        return null;
    }

    private void Return(ECDsa key)
    {
        for (int i = 0; i < _kept.Length; i++)
        {
            if (Interlocked.CompareExchange(ref _kept[i], key, null) is null)
            {
                return;
            }
        }

        key.Dispose();
    }

    private ECDsa Import()
    {
        ECDsa key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(_spki, out _);
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }
}
