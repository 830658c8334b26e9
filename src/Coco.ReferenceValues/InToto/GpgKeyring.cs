// SPDX-License-Identifier: Apache-2.0
using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Org.BouncyCastle.Bcpg;
using Org.BouncyCastle.Bcpg.OpenPgp;
using Org.BouncyCastle.Math;

namespace Coco.ReferenceValues.InToto;

/// <summary>Public keys of a GnuPG keyring, which <c>gpg</c> exports and which are read here: RSA, DSA and Ed25519, with their subkeys.</summary>
internal sealed class GpgKeyring(string? home)
{
    private const int MaxBytes = 4 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The key whose id, or whose subkey's id, ends in <paramref name="id"/>.</summary>
    public async ValueTask<Result<InTotoKey>> FindAsync(string id, CancellationToken ct)
    {
        if (id.Length is < 8 or > 64 || !id.All(char.IsAsciiHexDigit))
        {
            return new Refusal(RefusalCode.Malformed, $"'{id}' is no id of a GPG key: 8 to 64 hexadecimal digits");
        }

        if (!(await ExportAsync(id, ct).ConfigureAwait(false)).TryGet(out byte[]? exported, out Refusal? why))
        {
            return why;
        }

        try
        {
            foreach (PgpPublicKeyRing ring in new PgpPublicKeyRingBundle(exported).GetKeyRings())
            {
                if (ring.GetPublicKeys().Any(k => IdOf(k).EndsWith(id, StringComparison.OrdinalIgnoreCase)))
                {
                    return Read(ring);
                }
            }
        }
        catch (Exception e) when (e is IOException or PgpException or ArgumentException or InvalidOperationException or InvalidCastException)
        {
            return new Refusal(RefusalCode.Malformed, $"the GPG key {id} cannot be read: {e.Message}");
        }

        return new Refusal(RefusalCode.NotFound, $"no GPG key {id} in the keyring");
    }

    private static Result<InTotoKey> Read(PgpPublicKeyRing ring)
    {
        PgpPublicKey main = ring.GetPublicKey();
        if (ToJson(main) is not { } json)
        {
            return new Refusal(RefusalCode.Unsupported, $"GPG key {IdOf(main)} is of the unsupported algorithm {main.Algorithm}");
        }

        if (main.HasRevocation())
        {
            return new Refusal(RefusalCode.Revoked, $"GPG key {IdOf(main)} is revoked");
        }

        var subkeys = new JsonObject();
        foreach (PgpPublicKey subkey in ring.GetPublicKeys().Where(k => !k.IsMasterKey && !k.HasRevocation() && IsBound(main, k)))
        {
            if (ToJson(subkey) is { } inner)
            {
                subkeys[IdOf(subkey)] = inner;
            }
        }

        json["subkeys"] = subkeys;
        using JsonDocument document = JsonDocument.Parse(json.ToJsonString());
        return InTotoKey.Parse(IdOf(main), document.RootElement);
    }

    // A subkey counts when the main key certifies that it is its own.
    private static bool IsBound(PgpPublicKey main, PgpPublicKey subkey)
    {
        foreach (PgpSignature signature in subkey.GetSignatures())
        {
            if (signature.SignatureType == PgpSignature.SubkeyBinding && signature.KeyId == main.KeyId)
            {
                signature.InitVerify(main);
                if (signature.VerifyCertification(main, subkey))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static JsonObject? ToJson(PgpPublicKey key)
    {
        (string Type, string Method, JsonNode Numbers)? parts = key.PublicKeyPacket.Key switch
        {
            RsaPublicBcpgKey rsa => ("rsa", "pgp+rsa-pkcsv1.5", new JsonObject { ["n"] = Hex(rsa.Modulus), ["e"] = Hex(rsa.PublicExponent) }),
            DsaPublicBcpgKey dsa => ("dsa", "pgp+dsa-fips-180-2", new JsonObject { ["p"] = Hex(dsa.P), ["q"] = Hex(dsa.Q), ["g"] = Hex(dsa.G), ["y"] = Hex(dsa.Y) }),
            ECPublicBcpgKey ed when key.Algorithm == PublicKeyAlgorithmTag.EdDsa_Legacy => ("eddsa", "pgp+eddsa-ed25519", new JsonObject { ["q"] = Hex(ed.EncodedPoint) }),
            _ => null,
        };
        if (parts is not { } p)
        {
            return null;
        }

        var json = new JsonObject
        {
            ["type"] = p.Type,
            ["method"] = p.Method,
            ["hashes"] = new JsonArray("pgp+SHA2"),
            ["keyid"] = IdOf(key),
            ["keyval"] = new JsonObject { ["public"] = p.Numbers, ["private"] = "" },
        };
        if (key.GetValidSeconds() is var validity and > 0)
        {
            json["creation_time"] = new DateTimeOffset(key.CreationTime, TimeSpan.Zero).ToUnixTimeSeconds();
            json["validity_period"] = validity;
        }

        return json;
    }

    private static string IdOf(PgpPublicKey key) => Convert.ToHexStringLower(key.GetFingerprint());

    private static string Hex(BigInteger number) => Convert.ToHexStringLower(number.ToByteArrayUnsigned());

    private async ValueTask<Result<byte[]>> ExportAsync(string id, CancellationToken ct)
    {
        var info = new ProcessStartInfo("gpg") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (string word in (string[])["--batch", "--no-tty", .. home is null ? [] : new[] { "--homedir", home }, "--export", "--", id])
        {
            info.ArgumentList.Add(word);
        }

        Process process;
        try
        {
            process = Process.Start(info)!;
        }
        catch (Win32Exception e)
        {
            return new Refusal(RefusalCode.Unsupported, $"gpg could not be started: {e.Message}");
        }

        using (process)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            limit.CancelAfter(Patience);
            try
            {
                process.StandardInput.Close();
                using var exported = new MemoryStream();
                Task errors = process.StandardError.BaseStream.CopyToAsync(Stream.Null, limit.Token);
                byte[] block = new byte[64 << 10];
                for (int read; (read = await process.StandardOutput.BaseStream.ReadAsync(block, limit.Token).ConfigureAwait(false)) > 0;)
                {
                    if (exported.Length + read > MaxBytes)
                    {
                        process.Kill(entireProcessTree: true);
                        return new Refusal(RefusalCode.TooLarge, $"the GPG key {id} has more than {MaxBytes} bytes");
                    }

                    await exported.WriteAsync(block.AsMemory(0, read), limit.Token).ConfigureAwait(false);
                }

                await errors.ConfigureAwait(false);
                await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
                return exported.ToArray();
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                ct.ThrowIfCancellationRequested();
                return new Refusal(RefusalCode.Unsupported, $"gpg did not answer within {Patience.TotalSeconds} s");
            }
        }
    }
}
