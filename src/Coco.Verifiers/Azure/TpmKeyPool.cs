// SPDX-License-Identifier: Apache-2.0
using Coco.Verifiers.Tpm;

namespace Coco.Verifiers.Azure;

/// <summary>Key objects of one attestation key: each verification takes one out and puts it back, since a key object is for one thread at a time.</summary>
internal sealed class TpmKeyPool
{
    private readonly TpmAttestationKey?[] _kept = new TpmAttestationKey?[4];
    private readonly ReadOnlyMemory<byte> _modulus;
    private readonly ReadOnlyMemory<byte> _exponent;

    /// <summary>Begins with <paramref name="first"/>, which was made of the same numbers.</summary>
    public TpmKeyPool(ReadOnlyMemory<byte> modulus, ReadOnlyMemory<byte> exponent, TpmAttestationKey first)
    {
        _modulus = modulus.ToArray();
        _exponent = exponent.ToArray();
        _kept[0] = first;
    }

    /// <summary>A key object that nobody else uses.</summary>
    public TpmAttestationKey Take()
    {
        for (int i = 0; i < _kept.Length; i++)
        {
            if (Volatile.Read(ref _kept[i]) is not null && Interlocked.Exchange(ref _kept[i], null) is { } key)
            {
                return key;
            }
        }

        return TpmAttestationKey.FromRsa(_modulus, _exponent).Require();
    }

    /// <summary>Gives it back.</summary>
    public void Return(TpmAttestationKey key)
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
}
