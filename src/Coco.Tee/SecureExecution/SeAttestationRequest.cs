// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Coco.Tee.SecureExecution;

/// <summary>Makes attestation request control blocks (ARCB): a measurement key and a nonce that only an ultravisor with the host key can read.</summary>
/// <remarks>Source: tee-evidence.md 10.1. Big-endian.</remarks>
public static class SeAttestationRequest
{
    /// <summary>Length of the measurement key in bytes.</summary>
    public const int MeasurementKeySize = 64;

    /// <summary>Length of the nonce in bytes.</summary>
    public const int NonceSize = 16;

    /// <summary>Length of the measurement in bytes (HMAC-SHA512).</summary>
    public const int MeasurementSize = 64;

    /// <summary>Flag 1: a nonce is in the request.</summary>
    public const ulong NonceFlag = 1UL << 62;

    /// <summary>Flag 2: the digest of the image's host key goes into the additional data.</summary>
    public const ulong ImageHostKeyFlag = 1UL << 61;

    /// <summary>Flag 3: the digest of the attestation's host key goes into the additional data.</summary>
    public const ulong AttestationHostKeyFlag = 1UL << 60;

    private const int HeaderSize = 48;
    private const int SlotSize = 80;
    private const int CoordinateSize = 80;
    private const int FieldSize = 66;
    private const int EncryptedSize = MeasurementKeySize + NonceSize;
    private const int MostSlots = 255;

    /// <summary>Makes a request for some hosts.</summary>
    /// <param name="hostKeys">Public host keys (P-521) from host key documents that were verified.</param>
    /// <param name="customerKey">The service's key for this request (P-521); fresh for each.</param>
    /// <param name="protectionKey">Request protection key, 32 bytes; fresh for each request.</param>
    /// <param name="iv">12 bytes; fresh for each request.</param>
    /// <param name="measurementKey">64 bytes.</param>
    /// <param name="nonce">16 bytes.</param>
    /// <param name="flags">What is asked for; <see cref="NonceFlag"/> says that the nonce counts.</param>
    public static byte[] Create(
        IReadOnlyList<ECParameters> hostKeys,
        ECDiffieHellman customerKey,
        ReadOnlySpan<byte> protectionKey,
        ReadOnlySpan<byte> iv,
        ReadOnlySpan<byte> measurementKey,
        ReadOnlySpan<byte> nonce,
        ulong flags)
    {
        ArgumentNullException.ThrowIfNull(hostKeys);
        ArgumentNullException.ThrowIfNull(customerKey);
        ArgumentOutOfRangeException.ThrowIfZero(hostKeys.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(hostKeys.Count, MostSlots);
        int aadSize = HeaderSize + 16 + (2 * CoordinateSize) + (hostKeys.Count * SlotSize);
        byte[] request = new byte[aadSize + EncryptedSize + 16];
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(8), 0x100);
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(12), (uint)request.Length);
        iv.CopyTo(request.AsSpan(16));
        request[39] = (byte)hostKeys.Count;
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(44), EncryptedSize);
        BinaryPrimitives.WriteUInt64BigEndian(request.AsSpan(48), flags);
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(56), 1);
        WriteCoordinates(customerKey.ExportParameters(includePrivateParameters: false), request.AsSpan(64));
        for (int i = 0; i < hostKeys.Count; i++)
        {
            CreateSlot(hostKeys[i], customerKey, protectionKey).CopyTo(request, 64 + (2 * CoordinateSize) + (i * SlotSize));
        }

        Span<byte> secret = stackalloc byte[EncryptedSize];
        try
        {
            measurementKey.CopyTo(secret);
            nonce.CopyTo(secret[MeasurementKeySize..]);
            using var gcm = new AesGcm(protectionKey, 16);
            gcm.Encrypt(iv, secret, request.AsSpan(aadSize, EncryptedSize), request.AsSpan(aadSize + EncryptedSize), request.AsSpan(0, aadSize));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }

        return request;
    }

    /// <summary>A key slot: the digest of the host key, and the request protection key encrypted to it.</summary>
    public static byte[] CreateSlot(ECParameters hostKey, ECDiffieHellman customerKey, ReadOnlySpan<byte> protectionKey)
    {
        ArgumentNullException.ThrowIfNull(customerKey);
        byte[] slot = new byte[SlotSize];
        SHA256.HashData(Coordinates(hostKey), slot);
        using ECDiffieHellman host = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP521, Q = hostKey.Q });
        using ECDiffieHellmanPublicKey peer = host.PublicKey;
        byte[] shared = customerKey.DeriveRawSecretAgreement(peer);
        byte[] key = SHA256.HashData([.. shared, 0, 0, 0, 1]);
        try
        {
            // The key is used for this one message, which is why the document fixes the IV to zero.
            using var gcm = new AesGcm(key, 16);
            gcm.Encrypt(new byte[12], protectionKey, slot.AsSpan(32, 32), slot.AsSpan(64));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(shared);
            CryptographicOperations.ZeroMemory(key);
        }

        return slot;
    }

    /// <summary>x and y of a P-521 key, 80 bytes each with zeros in front.</summary>
    public static byte[] Coordinates(ECParameters key)
    {
        byte[] bytes = new byte[2 * CoordinateSize];
        WriteCoordinates(key, bytes);
        return bytes;
    }

    private static void WriteCoordinates(ECParameters key, Span<byte> destination)
    {
        key.Q.X!.CopyTo(destination[(CoordinateSize - FieldSize)..]);
        key.Q.Y!.CopyTo(destination[((2 * CoordinateSize) - FieldSize)..]);
    }
}
