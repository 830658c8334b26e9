// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Coco.Attestation.Tokens;

/// <summary>Objects of one private key, each used by one caller at a time: they are not promised to be thread-safe, and importing one costs more than a signature.</summary>
/// <param name="pkcs8">The key, unencrypted; taken over.</param>
/// <param name="create">Makes an object without a key.</param>
internal sealed class SigningKeyPool<T>(Secret pkcs8, Func<T> create)
    where T : AsymmetricAlgorithm
{
    private readonly ConcurrentBag<T> _idle = [];

    /// <summary>Takes an object, or imports one. Throws <see cref="CryptographicException"/> where the key cannot be read.</summary>
    public T Take()
    {
        if (_idle.TryTake(out T? key))
        {
            return key;
        }

        key = create();
        key.ImportPkcs8PrivateKey(pkcs8.Reveal(), out _);
        return key;
    }

    /// <summary>Takes the first object; a refusal where the key cannot be read.</summary>
    public Result<T> TryTake()
    {
        try
        {
            return Take();
        }
        catch (CryptographicException e)
        {
            return new Refusal(RefusalCode.Malformed, $"signing key cannot be read: {e.Message}");
        }
    }

    /// <summary>Gives an object back.</summary>
    public void Return(T key) => _idle.Add(key);
}
