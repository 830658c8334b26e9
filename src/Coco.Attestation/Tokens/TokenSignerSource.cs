// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using Coco.Storage;

namespace Coco.Attestation.Tokens;

/// <summary>Gives the signer: the host's own, the configured key, or one that the replicas share through the store. Loads once.</summary>
internal sealed class TokenSignerSource(IStoreProvider stores, AttestationOptions options, ITokenSigner? own = null)
{
    /// <summary>The namespace of generated keys. A host with a key ring seals it.</summary>
    internal const string Namespace = "attestation_signing_key";

    private readonly SemaphoreSlim _gate = new(1, 1);
    private ITokenSigner? _signer = own;

    /// <summary>The signer.</summary>
    /// <exception cref="InvalidOperationException">The configured key cannot be used.</exception>
    public async ValueTask<ITokenSigner> GetAsync(CancellationToken ct)
    {
        if (Volatile.Read(ref _signer) is { } ready)
        {
            return ready;
        }

        await _gate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (_signer is null)
            {
                Volatile.Write(ref _signer, await LoadAsync(ct).ConfigureAwait(false));
            }

            return _signer!;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async ValueTask<ITokenSigner> LoadAsync(CancellationToken ct)
    {
        bool rsa = options.Token.Form != TokenForm.Ear;
        SignerCertificates certificates = SignerCertificates.None;
        Secret pkcs8;
        if (options.Signer is { } configured)
        {
            certificates = Need(SignerCertificates.Parse(configured.CertificateUrl, configured.CertificateChainPem));
            pkcs8 = FromPem(configured.KeyPem, rsa);
        }
        else
        {
            pkcs8 = await SharedAsync(rsa, ct).ConfigureAwait(false);
        }

        return rsa ? Need(RsaTokenSigner.Create(pkcs8, certificates)) : Need(EcdsaTokenSigner.Create(pkcs8, certificates));
    }

    private async ValueTask<Secret> SharedAsync(bool rsa, CancellationToken ct)
    {
        string key = rsa ? "rs384.pkcs8" : "es256.pkcs8";
        IKeyValueStore store = await stores.OpenAsync(StoreNamespace.Parse(Namespace).Require(), ct).ConfigureAwait(false);
        StoredValue? kept = await store.GetAsync(key, ct).ConfigureAwait(false);
        if (kept is null)
        {
            byte[] made = Generate(rsa);
            try
            {
                await store.PutAsync(key, made, new PutOptions { OnlyIfAbsent = true }, ct).ConfigureAwait(false);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(made);
            }

            // Whoever wrote first wins; everybody reads what stands.
            kept = await store.GetAsync(key, ct).ConfigureAwait(false)
                ?? throw new StoreUnavailableException("the signing key that was just written cannot be read");
        }

        return Secret.CopyOf(kept.Value.Value.Span);
    }

    private static byte[] Generate(bool rsa)
    {
        using AsymmetricAlgorithm made = rsa ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return made.ExportPkcs8PrivateKey();
    }

    private static Secret FromPem(Secret pem, bool rsa)
    {
        char[] text = Encoding.UTF8.GetChars(pem.Reveal().ToArray());
        byte[]? der = null;
        try
        {
            using AsymmetricAlgorithm key = rsa ? RSA.Create() : ECDsa.Create();
            key.ImportFromPem(text);
            der = key.ExportPkcs8PrivateKey();
            return Secret.CopyOf(der);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new InvalidOperationException(
                rsa ? "the token signing key is not an RSA private key in PEM" : "Only P-256 attestation token signing keys are supported", e);
        }
        finally
        {
            Array.Clear(text);
            CryptographicOperations.ZeroMemory(der);
        }
    }

    private static T Need<T>(Result<T> result)
        where T : notnull =>
        result.TryGet(out T? value, out Refusal? why) ? value : throw new InvalidOperationException(why.Detail);
}
