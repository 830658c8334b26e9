// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Coco;

/// <summary>Direct calls into the OpenSSL library that the base library itself loads, where the base library's own way costs several times as much: an ephemeral ECDH agreement (about a quarter of the time) and AES key wrap. Everything has a managed fall-back, taken when the library is not there.</summary>
internal static unsafe partial class OpenSsl
{
    private const string Crypto = "libcrypto.so.3";
    private const int WrapAllowed = 1;

    private static readonly bool Loaded = OperatingSystem.IsLinux() && NativeLibrary.TryLoad(Crypto, out _);
    private static readonly ConcurrentBag<KeygenContext> P256Contexts = [];
    private static readonly ConcurrentBag<KeygenContext> P521Contexts = [];

    // Keys that others take the curve from; kept for the life of the process.
    private static readonly Lazy<nint> P256Template = new(() => MakeTemplate(NamedCurve.P256));
    private static readonly Lazy<nint> P521Template = new(() => MakeTemplate(NamedCurve.P521));

    /// <summary>False where every caller has to take the managed way.</summary>
    public static bool IsAvailable => Loaded;

    /// <summary>Imports a point for <see cref="TryAgree"/>; null when it is not on the curve (or the library is absent).</summary>
    public static PeerKey? ImportPoint(NamedCurve curve, ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        if (!Loaded)
        {
            return null;
        }

        nint template = (curve == NamedCurve.P256 ? P256Template : P521Template).Value;
        nint key = template == 0 ? 0 : Native.EVP_PKEY_new();
        if (key == 0)
        {
            return null;
        }

        Span<byte> point = stackalloc byte[1 + (2 * 66)];
        point = point[..(1 + (2 * curve.FieldBytes))];
        point[0] = 4;
        x.CopyTo(point[1..]);
        y.CopyTo(point[(1 + curve.FieldBytes)..]);
        fixed (byte* p = point)
        {
            // Setting the point checks that it is on the curve. Decoding a SubjectPublicKeyInfo takes twenty times as long.
            if (Native.EVP_PKEY_copy_parameters(key, template) == 1 && Native.EVP_PKEY_set1_encoded_public_key(key, p, (nuint)point.Length) == 1)
            {
                return new PeerKey(key);
            }
        }

        Native.EVP_PKEY_free(key);
        Native.ERR_clear_error();
        return null;
    }

    /// <summary>A fresh key on the curve, agreed with <paramref name="peer"/>.</summary>
    /// <param name="curve">P-256 or P-521.</param>
    /// <param name="peer">A key on the same curve.</param>
    /// <param name="point">Receives 04, x, y of the fresh key: 1 + 2 * field bytes.</param>
    /// <param name="sharedSecret">Receives Z: field bytes.</param>
    /// <returns>False when any step failed; nothing of the buffers may be used then.</returns>
    public static bool TryAgree(NamedCurve curve, PeerKey peer, Span<byte> point, Span<byte> sharedSecret)
    {
        bool added = false;
        KeygenContext? generator = null;
        nint key = 0;
        nint agreement = 0;
        try
        {
            peer.DangerousAddRef(ref added);
            ConcurrentBag<KeygenContext> pool = curve == NamedCurve.P256 ? P256Contexts : P521Contexts;
            if (!pool.TryTake(out generator))
            {
                generator = KeygenContext.Create(curve.Name);
                if (generator is null)
                {
                    return false;
                }
            }

            if (Native.EVP_PKEY_generate(generator.Handle, &key) != 1)
            {
                generator.Dispose();
                generator = null;
                return false;
            }

            pool.Add(generator);
            nuint pointLength = 0;
            fixed (byte* p = point)
            fixed (byte* name = "encoded-pub-key\0"u8)
            {
                if (Native.EVP_PKEY_get_octet_string_param(key, name, p, (nuint)point.Length, &pointLength) != 1 || pointLength != (nuint)point.Length || point[0] != 4)
                {
                    return false;
                }
            }

            agreement = Native.EVP_PKEY_CTX_new_from_pkey(0, key, null);
            // The peer's point was checked when it was imported.
            if (agreement == 0 || Native.EVP_PKEY_derive_init(agreement) != 1 || Native.EVP_PKEY_derive_set_peer_ex(agreement, peer.DangerousGetHandle(), 0) != 1)
            {
                return false;
            }

            nuint length = (nuint)sharedSecret.Length;
            fixed (byte* z = sharedSecret)
            {
                return Native.EVP_PKEY_derive(agreement, z, &length) == 1 && length == (nuint)sharedSecret.Length;
            }
        }
        finally
        {
            if (agreement != 0)
            {
                Native.EVP_PKEY_CTX_free(agreement);
            }

            if (key != 0)
            {
                Native.EVP_PKEY_free(key);
            }

            if (added)
            {
                peer.DangerousRelease();
            }
        }
    }

    /// <summary>RFC 3394 with the default initial value.</summary>
    public static bool TryKeyWrap(ReadOnlySpan<byte> kek, ReadOnlySpan<byte> key, Span<byte> wrapped)
    {
        if (!Loaded)
        {
            return false;
        }

        nint cipher = kek.Length switch
        {
            16 => Native.EVP_aes_128_wrap(),
            24 => Native.EVP_aes_192_wrap(),
            32 => Native.EVP_aes_256_wrap(),
            _ => 0,
        };
        nint context = cipher == 0 ? 0 : Native.EVP_CIPHER_CTX_new();
        if (context == 0)
        {
            return false;
        }

        try
        {
            Native.EVP_CIPHER_CTX_set_flags(context, WrapAllowed);
            int written = 0;
            int final = 0;
            fixed (byte* k = kek)
            fixed (byte* i = key)
            fixed (byte* o = wrapped)
            {
                return Native.EVP_EncryptInit_ex(context, cipher, 0, k, null) == 1
                    && Native.EVP_EncryptUpdate(context, o, &written, i, key.Length) == 1
                    && Native.EVP_EncryptFinal_ex(context, o + written, &final) == 1
                    && written + final == wrapped.Length;
            }
        }
        finally
        {
            Native.EVP_CIPHER_CTX_free(context);
        }
    }

    private static nint MakeTemplate(NamedCurve curve)
    {
        using KeygenContext? generator = KeygenContext.Create(curve.Name);
        nint key = 0;
        return generator is not null && Native.EVP_PKEY_generate(generator.Handle, &key) == 1 ? key : 0;
    }

    /// <summary>A public key of a peer inside the library.</summary>
    internal sealed class PeerKey : SafeHandle
    {
        public PeerKey(nint handle)
            : base(0, ownsHandle: true) => SetHandle(handle);

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            Native.EVP_PKEY_free(handle);
            return true;
        }
    }

    /// <summary>Set-up of a key generator, which costs more than the generation; used by one thread at a time.</summary>
    private sealed class KeygenContext : IDisposable
    {
        private KeygenContext(nint handle) => Handle = handle;

        public nint Handle { get; private set; }

        public static KeygenContext? Create(string curve)
        {
            fixed (byte* type = "EC\0"u8)
            {
                nint context = Native.EVP_PKEY_CTX_new_from_name(0, type, null);
                if (context == 0)
                {
                    return null;
                }

                ReadOnlySpan<byte> group = curve == "P-256" ? "P-256\0"u8 : "P-521\0"u8;
                fixed (byte* name = group)
                {
                    if (Native.EVP_PKEY_keygen_init(context) == 1 && Native.EVP_PKEY_CTX_set_group_name(context, name) == 1)
                    {
                        return new KeygenContext(context);
                    }
                }

                Native.EVP_PKEY_CTX_free(context);
                return null;
            }
        }

        public void Dispose()
        {
            Native.EVP_PKEY_CTX_free(Handle);
            Handle = 0;
        }
    }

    // The names are those of the library.
    private static partial class Native
    {
        [LibraryImport(Crypto)]
        public static partial nint EVP_PKEY_new();

        [LibraryImport(Crypto)]
        public static partial int EVP_PKEY_copy_parameters(nint to, nint from);

        [LibraryImport(Crypto)]
        public static partial int EVP_PKEY_set1_encoded_public_key(nint key, byte* point, nuint length);

        [LibraryImport(Crypto)]
        public static partial nint EVP_PKEY_CTX_new_from_name(nint library, byte* name, byte* properties);

        [LibraryImport(Crypto)]
        public static partial int EVP_PKEY_keygen_init(nint context);

        [LibraryImport(Crypto)]
        public static partial int EVP_PKEY_CTX_set_group_name(nint context, byte* name);

        [LibraryImport(Crypto)]
        public static partial int EVP_PKEY_generate(nint context, nint* key);

        [LibraryImport(Crypto)]
        public static partial int EVP_PKEY_get_octet_string_param(nint key, byte* name, byte* buffer, nuint size, nuint* length);

        [LibraryImport(Crypto)]
        public static partial nint EVP_PKEY_CTX_new_from_pkey(nint library, nint key, byte* properties);

        [LibraryImport(Crypto)]
        public static partial int EVP_PKEY_derive_init(nint context);

        [LibraryImport(Crypto)]
        public static partial int EVP_PKEY_derive_set_peer_ex(nint context, nint peer, int validate);

        [LibraryImport(Crypto)]
        public static partial int EVP_PKEY_derive(nint context, byte* secret, nuint* length);

        [LibraryImport(Crypto)]
        public static partial void EVP_PKEY_CTX_free(nint context);

        [LibraryImport(Crypto)]
        public static partial void EVP_PKEY_free(nint key);

        [LibraryImport(Crypto)]
        public static partial void ERR_clear_error();

        [LibraryImport(Crypto)]
        public static partial nint EVP_CIPHER_CTX_new();

        [LibraryImport(Crypto)]
        public static partial void EVP_CIPHER_CTX_free(nint context);

        [LibraryImport(Crypto)]
        public static partial void EVP_CIPHER_CTX_set_flags(nint context, int flags);

        [LibraryImport(Crypto)]
        public static partial nint EVP_aes_128_wrap();

        [LibraryImport(Crypto)]
        public static partial nint EVP_aes_192_wrap();

        [LibraryImport(Crypto)]
        public static partial nint EVP_aes_256_wrap();

        [LibraryImport(Crypto)]
        public static partial int EVP_EncryptInit_ex(nint context, nint cipher, nint engine, byte* key, byte* iv);

        [LibraryImport(Crypto)]
        public static partial int EVP_EncryptUpdate(nint context, byte* output, int* written, byte* input, int length);

        [LibraryImport(Crypto)]
        public static partial int EVP_EncryptFinal_ex(nint context, byte* output, int* written);
    }
}
