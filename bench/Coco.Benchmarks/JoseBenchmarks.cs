// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using BenchmarkDotNet.Attributes;

namespace Coco.Benchmarks;

/// <summary>What one answer of the key broker and one token cost, beside the bare cryptography in them.</summary>
public class JoseBenchmarks : IFigures
{
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(1024);
    private readonly byte[] _point = new byte[65];
    private readonly byte[] _z = new byte[32];
    private JweRecipient _recipient = null!;
    private JweRecipient _managed = null!;
    private Jwk _jwk = null!;
    private OpenSsl.PeerKey? _peer;
    private ECDiffieHellman _managedPeer = null!;
    private SigningKey _signer = null!;
    private VerificationKey _verifier = null!;
    private string _token = string.Empty;
    private JwsMessage _message = null!;
    private ECDsa _rawKey = null!;
    private byte[] _rawSignature = [];
    private JsonElement _runtimeData;
    private byte[] _runtimeBytes = [];

    /// <inheritdoc/>
    public static string Group => "jose";

    /// <inheritdoc/>
    public static IEnumerable<Figure> Figures(Measured run)
    {
        yield return new Figure("jwe-seal-p256", run.PerSecond(nameof(SealP256)), "per-second", run.PerSecond(nameof(RawAgreement)));
        yield return new Figure("jwe-seal-p256-managed", run.PerSecond(nameof(SealP256Managed)), "per-second", run.PerSecond(nameof(RawManagedAgreement)));
        yield return new Figure("jwe-seal-p256-allocated", run.Bytes(nameof(SealP256)), "bytes", null);
        yield return new Figure("jwe-import-p256", run.PerSecond(nameof(ImportP256)), "per-second", null);
        yield return new Figure("jws-verify-es256", run.PerSecond(nameof(VerifyToken)), "per-second", run.PerSecond(nameof(RawVerify)));
        yield return new Figure("jws-parse", run.PerSecond(nameof(ParseToken)), "per-second", null);
        yield return new Figure("jws-sign-es256", run.PerSecond(nameof(SignToken)), "per-second", run.PerSecond(nameof(RawSign)));
        yield return new Figure("canonical-json", run.PerSecond(nameof(Canonicalise)), "per-second", run.PerSecond(nameof(ParseOnly)));
    }

    /// <summary>Makes keys and messages.</summary>
    [GlobalSetup]
    public void Setup()
    {
        using JweDecryptionKey key = JweDecryptionKey.Generate(JweAlgorithms.EcdhEsA256Kw);
        _jwk = key.PublicJwk;
        _recipient = JweRecipient.Create(_jwk, JweAlgorithms.KeyBroker).Require();
        _managed = JweRecipient.Create(_jwk, JweAlgorithms.KeyBroker, managed: true).Require();
        _peer = OpenSsl.ImportPoint(NamedCurve.P256, _jwk.First, _jwk.Second);
        _managedPeer = ECDiffieHellman.Create(_jwk.EcParameters());
        _signer = SigningKey.Generate(JwsAlgorithms.ES256);
        _verifier = _signer.ToVerificationKey();
        _token = Jws.Sign(new JsonObject { ["typ"] = "JWT" }, Encoding.UTF8.GetBytes("{\"claims\":\"" + new string('x', 3000) + "\"}"), _signer);
        _message = JwsMessage.Parse(_token).Require();
        _rawKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _rawSignature = _rawKey.SignData(_message.SigningInput.Span, HashAlgorithmName.SHA256);
        var data = new JsonObject { ["nonce"] = Convert.ToBase64String(_z), ["additional-evidence"] = "", ["tee-pubkey"] = _jwk.ToJson() };
        _runtimeBytes = Jws.ToUtf8(data);
        _runtimeData = HostileJson.Parse(_runtimeBytes).Require();
    }

    /// <summary>An answer of 1 KiB to a kept key.</summary>
    [Benchmark]
    public byte[] SealP256() => _recipient.Encrypt(_secret);

    /// <summary>The same where the library is absent.</summary>
    [Benchmark]
    public byte[] SealP256Managed() => _managed.Encrypt(_secret);

    /// <summary>The limit: a fresh key and the agreement, by OpenSSL (the base library where it is absent).</summary>
    [Benchmark]
    public bool RawAgreement() => _peer is null ? RawManagedAgreement() : OpenSsl.TryAgree(NamedCurve.P256, _peer, _point, _z);

    /// <summary>The same by the base library.</summary>
    [Benchmark]
    public bool RawManagedAgreement()
    {
        using ECDiffieHellman ephemeral = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        _ = ephemeral.ExportParameters(false);
        return ephemeral.DeriveRawSecretAgreement(_managedPeer.PublicKey).Length == 32;
    }

    /// <summary>A guest's key, new.</summary>
    [Benchmark]
    public void ImportP256()
    {
        using JweRecipient recipient = JweRecipient.Create(_jwk, JweAlgorithms.KeyBroker).Require();
    }

    /// <summary>A parsed token of 4 KiB.</summary>
    [Benchmark]
    public Refusal? VerifyToken() => _message.Verify(_verifier, JwsAlgorithms.AttestationToken);

    /// <summary>The limit of it.</summary>
    [Benchmark]
    public bool RawVerify() => _rawKey.VerifyData(_message.SigningInput.Span, _rawSignature, HashAlgorithmName.SHA256);

    /// <summary>A token, parsed only.</summary>
    [Benchmark]
    public JwsMessage ParseToken() => JwsMessage.Parse(_token).Require();

    /// <summary>A token, signed.</summary>
    [Benchmark]
    public string SignToken() => Jws.Sign(new JsonObject { ["typ"] = "JWT" }, _message.Payload.Span, _signer);

    /// <summary>The limit of it.</summary>
    [Benchmark]
    public byte[] RawSign() => _rawKey.SignData(_message.SigningInput.Span, HashAlgorithmName.SHA256);

    /// <summary>Runtime data in canonical form.</summary>
    [Benchmark]
    public byte[] Canonicalise() => CanonicalJson.Write(_runtimeData).Require();

    /// <summary>The same, only parsed.</summary>
    [Benchmark]
    public JsonElement ParseOnly() => HostileJson.Parse(_runtimeBytes).Require();
}
