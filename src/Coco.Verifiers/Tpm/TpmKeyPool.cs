// SPDX-License-Identifier: Apache-2.0
namespace Coco.Verifiers.Tpm;

/// <summary>Key objects of one attestation key: each verification takes one out and puts it back, since a key object is for one thread at a time.</summary>
internal sealed class TpmKeyPool
{
    private readonly TpmAttestationKey?[] _kept = new TpmAttestationKey?[4];
    private readonly Func<Result<TpmAttestationKey>> _import;

    private TpmKeyPool(Func<Result<TpmAttestationKey>> import, TpmAttestationKey first)
    {
        _import = import;
        _kept[0] = first;
    }

    /// <summary>Imports the key once, so that a bad one shows now.</summary>
    /// <param name="import">Makes a key object, the same one each time.</param>
    public static Result<TpmKeyPool> Create(Func<Result<TpmAttestationKey>> import) =>
        import().TryGet(out TpmAttestationKey? first, out Refusal? refusal) ? new TpmKeyPool(import, first) : refusal;

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

        return _import().Require();
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
