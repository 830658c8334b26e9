// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Coco.KeyBroker;

/// <summary>The AES-256-GCM keys that a ring key gives with salts, kept for some time: making one costs more than sealing a cookie with it. Thread-safe.</summary>
/// <remarks>
/// A salt of ours serves <see cref="CookiesPerSalt"/> cookies at most, each with a random 96-bit nonce (NIST SP 800-38D allows 2^32 under one key).
/// Salts of others are kept only after a cookie under them was authentic, so that a stranger cannot fill the memory.
/// </remarks>
internal sealed class CookieCiphers(Secret ringKey)
{
    /// <summary>Length of a salt in bytes.</summary>
    public const int SaltLength = 32;

    /// <summary>Length of a tag in bytes.</summary>
    public const int TagLength = 16;

    private const int CookiesPerSalt = 1 << 16;
    private const int KeptSalts = 64;

    private readonly Slots<Sealer> _sealers = new();
    private readonly BoundedCache<(UInt128, UInt128), Slots<AesGcm>> _openers = new(KeptSalts);

    private static ReadOnlySpan<byte> KeyLabel => "coco kbs session cookie 1"u8;

    /// <summary>Encrypts.</summary>
    /// <param name="salt">Receives the salt that goes with the cookie.</param>
    /// <param name="nonce">Fresh for this cookie.</param>
    /// <param name="plain">What is sealed.</param>
    /// <param name="ciphertext">Receives as many bytes.</param>
    /// <param name="tag">Receives the tag.</param>
    /// <param name="authenticated">Authenticated as well.</param>
    public void Seal(Span<byte> salt, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain, Span<byte> ciphertext, Span<byte> tag, ReadOnlySpan<byte> authenticated)
    {
        // Not given back when something fails: it is left to its finalizer.
        Sealer sealer = _sealers.Take() ?? NewSealer();
        sealer.Salt.CopyTo(salt);
        sealer.Cipher.Encrypt(nonce, plain, ciphertext, tag, authenticated);
        if (++sealer.Uses < CookiesPerSalt)
        {
            _sealers.Return(sealer);
        }
        else
        {
            sealer.Cipher.Dispose();
        }
    }

    /// <summary>Decrypts; false for what was not sealed under this key.</summary>
    public bool TryOpen(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plain, ReadOnlySpan<byte> authenticated)
    {
        (UInt128, UInt128) id = (BinaryPrimitives.ReadUInt128BigEndian(salt), BinaryPrimitives.ReadUInt128BigEndian(salt[16..]));
        bool known = _openers.TryGet(id, out Slots<AesGcm>? slots);
        AesGcm cipher = slots?.Take() ?? NewCipher(salt);
        try
        {
            cipher.Decrypt(nonce, ciphertext, tag, plain, authenticated);
        }
        catch (AuthenticationTagMismatchException)
        {
            cipher.Dispose();
            return false;
        }

        if (!known)
        {
            _openers.Set(id, slots = new Slots<AesGcm>());
        }

        slots!.Return(cipher);
        return true;
    }

    private Sealer NewSealer()
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltLength);
        return new Sealer(salt, NewCipher(salt));
    }

    // HMAC-SHA-256 of the salt and a label under the ring key.
    private AesGcm NewCipher(ReadOnlySpan<byte> salt)
    {
        Span<byte> input = stackalloc byte[SaltLength + KeyLabel.Length];
        Span<byte> derived = stackalloc byte[32];
        salt.CopyTo(input);
        KeyLabel.CopyTo(input[SaltLength..]);
        HMACSHA256.HashData(ringKey.Reveal(), input, derived);
        var cipher = new AesGcm(derived, TagLength);
        CryptographicOperations.ZeroMemory(derived);
        return cipher;
    }

    private sealed class Sealer(byte[] salt, AesGcm cipher)
    {
        public byte[] Salt { get; } = salt;

        public AesGcm Cipher { get; } = cipher;

        public int Uses { get; set; }
    }

    /// <summary>A few objects that one thread at a time may use; those that find no place are left to their finalizers.</summary>
    private sealed class Slots<T>
        where T : class
    {
        private readonly T?[] _kept = new T?[4];

        public T? Take()
        {
            for (int i = 0; i < _kept.Length; i++)
            {
                if (Volatile.Read(ref _kept[i]) is not null && Interlocked.Exchange(ref _kept[i], null) is { } one)
                {
                    return one;
                }
            }

            return null;
        }

        public void Return(T one)
        {
            for (int i = 0; i < _kept.Length; i++)
            {
                if (Interlocked.CompareExchange(ref _kept[i], one, null) is null)
                {
                    return;
                }
            }
        }
    }
}
