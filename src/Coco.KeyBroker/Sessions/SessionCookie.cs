// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>The sealed form of a <see cref="Session"/>: what <c>kbs-session-id</c> holds.</summary>
/// <remarks>
/// <para>Base64url of: form (1) | key id (4) | salt (32) | GCM nonce (12) | ciphertext | tag (16). The AES-256-GCM key is HMAC-SHA-256 of
/// the salt under the ring key, and no salt seals many cookies, so that random nonces never run out.</para>
/// <para>Plaintext: id (16) | expiry, Unix seconds (8) | protocol version (1) | kind of nonce (1) | TEE, hash, policy (each length (1) and
/// ASCII) | nonce to the end. The form byte and the key id are authenticated.</para>
/// </remarks>
internal static class SessionCookie
{
    /// <summary>Name of the cookie.</summary>
    public const string Name = "kbs-session-id";

    /// <summary>A nonce longer than this goes to the store, so that the cookie stays below the 4 KiB that clients keep.</summary>
    public const int MaxNonceBytes = 2048;

    private const byte Form = 1;
    private const int HeadLength = 1 + 4;
    private const int SaltLength = CookieCiphers.SaltLength;
    private const int GcmNonceLength = 12;
    private const int TagLength = CookieCiphers.TagLength;
    private const int Overhead = HeadLength + SaltLength + GcmNonceLength + TagLength;
    private const int MaxCookieCharacters = 4096;
    private const byte NonceRaw32 = 0;
    private const byte NonceText = 1;
    private const byte NonceStored = 2;

    /// <summary>Seals under the ring's newest key.</summary>
    public static string Seal(Session session, SessionKeyRing ring)
    {
        Span<byte> plain = stackalloc byte[MaxNonceBytes + 512];
        int length = Write(session, plain);
        SessionKey key = ring.Newest;
        byte[] cookie = new byte[Overhead + length];
        cookie[0] = Form;
        BinaryPrimitives.WriteUInt32BigEndian(cookie.AsSpan(1), key.Id);
        Span<byte> nonce = cookie.AsSpan(HeadLength + SaltLength, GcmNonceLength);
        RandomNumberGenerator.Fill(nonce);
        key.Ciphers.Seal(
            cookie.AsSpan(HeadLength, SaltLength),
            nonce,
            plain[..length],
            cookie.AsSpan(Overhead - TagLength, length),
            cookie.AsSpan(cookie.Length - TagLength),
            cookie.AsSpan(0, HeadLength));
        return Base64Url.EncodeToString(cookie);
    }

    /// <summary>The id of the key that sealed a cookie, or why the text is no cookie of ours.</summary>
    public static Result<SealedSession> Decode(string text)
    {
        if (text.Length > MaxCookieCharacters || !StrictBase64.DecodeUrl(text).TryGet(out byte[]? bytes, out _) || bytes.Length < Overhead + 16 || bytes[0] != Form)
        {
            return new Refusal(RefusalCode.Unauthenticated, "the session cookie has not the form of one of ours");
        }

        return new SealedSession(bytes, BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(1)));
    }

    /// <summary>Opens a cookie; the caller still has to compare the expiry with its clock.</summary>
    public static Result<Session> Open(SealedSession cookie, SessionKey key)
    {
        byte[] bytes = cookie.Bytes;
        int length = bytes.Length - Overhead;
        Span<byte> plain = length <= 4096 ? stackalloc byte[length] : new byte[length];
        return key.Ciphers.TryOpen(
            bytes.AsSpan(HeadLength, SaltLength),
            bytes.AsSpan(HeadLength + SaltLength, GcmNonceLength),
            bytes.AsSpan(Overhead - TagLength, length),
            bytes.AsSpan(bytes.Length - TagLength),
            plain,
            bytes.AsSpan(0, HeadLength))
            ? Read(plain)
            : new Refusal(RefusalCode.BadSignature, "the session cookie was not sealed here");
    }

    private static int Write(Session session, Span<byte> plain)
    {
        Convert.FromHexString(session.Id, plain, out _, out int at);
        BinaryPrimitives.WriteInt64BigEndian(plain[at..], session.ExpiresAt.ToUnixTimeSeconds());
        at += 8;
        plain[at++] = (byte)session.Version;
        int kind = at++;
        WriteText(session.Tee.ToWireName(), plain, ref at);
        WriteText(session.HashAlgorithm ?? string.Empty, plain, ref at);
        WriteText(session.Policy ?? string.Empty, plain, ref at);
        if (session.Nonce is null)
        {
            plain[kind] = NonceStored;
        }
        else if (session.Nonce.Length == 44 && Convert.TryFromBase64String(session.Nonce, plain[at..], out int written) && written == 32
            && Convert.ToBase64String(plain.Slice(at, 32)) == session.Nonce)
        {
            plain[kind] = NonceRaw32;
            at += 32;
        }
        else
        {
            plain[kind] = NonceText;
            at += Encoding.UTF8.GetBytes(session.Nonce, plain[at..]);
        }

        return at;
    }

    private static void WriteText(string text, Span<byte> plain, ref int at)
    {
        int length = Encoding.ASCII.GetBytes(text, plain[(at + 1)..]);
        plain[at] = checked((byte)length);
        at += 1 + length;
    }

    private static Result<Session> Read(ReadOnlySpan<byte> plain)
    {
        var reader = new ByteReader(plain);
        if (!reader.TryRead(16, out ReadOnlySpan<byte> id)
            || !reader.TryReadUInt64BigEndian(out ulong expiry)
            || !reader.TryReadByte(out byte version)
            || !reader.TryReadByte(out byte kind)
            || !TryReadText(ref reader, out string tee)
            || !TryReadText(ref reader, out string hash)
            || !TryReadText(ref reader, out string policy)
            || !TeeTypes.TryParse(tee, out TeeType teeType)
            || version is < (byte)ProtocolVersion.V0_1_0 or > (byte)ProtocolVersion.V0_4_0
            || expiry > 253402300799)
        {
            return new Refusal(RefusalCode.Malformed, "the session cookie was sealed by another version of this program");
        }

        string? nonce = kind switch
        {
            NonceRaw32 when reader.Remaining == 32 => Convert.ToBase64String(reader.Rest),
            NonceText => Encoding.UTF8.GetString(reader.Rest),
            _ => null,
        };
        if (nonce is null && kind != NonceStored)
        {
            return new Refusal(RefusalCode.Malformed, "the session cookie was sealed by another version of this program");
        }

        return new Session(
            Convert.ToHexStringLower(id),
            (ProtocolVersion)version,
            teeType,
            nonce,
            hash.Length == 0 ? null : hash,
            policy.Length == 0 ? null : policy,
            DateTimeOffset.FromUnixTimeSeconds((long)expiry));
    }

    private static bool TryReadText(ref ByteReader reader, out string text)
    {
        if (reader.TryReadByte(out byte length) && reader.TryRead(length, out ReadOnlySpan<byte> bytes))
        {
            text = Encoding.ASCII.GetString(bytes);
            return true;
        }

        text = string.Empty;
        return false;
    }
}

/// <summary>A cookie that was decoded but not opened.</summary>
internal sealed record SealedSession(byte[] Bytes, uint KeyId);
