// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Coco.Tee.Tpm;

namespace Coco.Verifiers.Tpm;

/// <summary>
/// Attestation keys that verified a quote before: importing an RSA key costs several times what one verification does. Found by the digest of
/// what the key was made of, so that nothing is trusted for being kept; keys that verified nothing are not kept. Thread-safe.
/// </summary>
internal sealed class TpmKeyCache
{
    private const int Capacity = 256;

    private readonly BoundedCache<string, TpmKeyPool> _pools = new(Capacity, StringComparer.Ordinal);

    /// <summary>Verifies a quote as <see cref="TpmQuoteCheck"/> does, with the key that <paramref name="import"/> makes.</summary>
    /// <param name="prefix">First word of the names of the checks.</param>
    /// <param name="evidence">The quote as it came.</param>
    /// <param name="keySource">What the key is made of.</param>
    /// <param name="import">Makes a key object.</param>
    /// <param name="record">Gets the checks; null when nobody asks.</param>
    public Result<TpmQuote> Verify(
        string prefix, TpmQuoteEvidence evidence, ReadOnlySpan<byte> keySource, Func<Result<TpmAttestationKey>> import, VerificationRecord? record)
    {
        string name = Convert.ToHexStringLower(SHA256.HashData(keySource));
        bool known = _pools.TryGet(name, out TpmKeyPool? pool);
        Result<TpmKeyPool> found = known ? pool! : TpmKeyPool.Create(import);
        if (record.Note(prefix + ".ak-key", found.Refusal) is { } bad || !found.TryGet(out pool, out bad))
        {
            return bad;
        }

        TpmAttestationKey key = pool.Take();
        Result<TpmQuote> quote;
        try
        {
            quote = TpmQuoteCheck.Verify(prefix, evidence, key, record);
        }
        finally
        {
            pool.Return(key);
        }

        if (!known && quote.Refusal is null)
        {
            _pools.Put(name, pool);
        }

        return quote;
    }
}
