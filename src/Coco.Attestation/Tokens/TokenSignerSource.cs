// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using Coco.Storage;

namespace Coco.Attestation.Tokens;

/// <summary>Gives the signer: the host's own, the configured key, or one that the replicas share through the store. Loads once.</summary>
internal sealed class TokenSignerSource(IStoreProvider stores, AttestationOptions options, ITokenSigner? own = null)
{
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
            pkcs8 = await StoredKey.GetOrCreateAsync(
                stores,
                rsa ? "rs384.pkcs8" : "es256.pkcs8",
                rsa ? static () => RSA.Create(2048) : static () => ECDsa.Create(ECCurve.NamedCurves.nistP256),
                ct).ConfigureAwait(false);
        }

        return rsa ? Need(RsaTokenSigner.Create(pkcs8, certificates)) : Need(EcdsaTokenSigner.Create(pkcs8, certificates));
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
