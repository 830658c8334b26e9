// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;

namespace Coco.Client;

/// <summary>
/// A workload's side of the key broker protocol 0.4.0: handshake, then resources in the attested session, or with a token (passport).
/// One session; thread-safe for resources, one handshake at a time.
/// </summary>
/// <remarks>Source: kbs.md sections 2, 4. Refusals carry the server's own words; an unreachable server is an <see cref="HttpRequestException"/>.</remarks>
public sealed class KbsClient : IDisposable
{
    private const string Version = "0.4.0";

    private readonly KbsHttp _http;
    private readonly IEvidenceProvider? _evidence;
    private readonly JweDecryptionKey _key;
    private readonly bool _ownsKey;
    private readonly string? _initData;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private AttestationToken? _token;

    private KbsClient(KbsHttp http, IEvidenceProvider? evidence, JweDecryptionKey key, bool ownsKey, string? initData, AttestationToken? token)
    {
        _http = http;
        _evidence = evidence;
        _key = key;
        _ownsKey = ownsKey;
        _initData = initData;
        _token = token;
    }

    /// <summary>Told of each step of the handshake, with the message that goes or came; for demonstrations and diagnosis. No secrets.</summary>
    public Action<string, string>? Trace { get; set; }

    /// <summary>A client that attests with evidence, and a key pair of its own.</summary>
    /// <param name="server">Base address, <c>https://host:port</c>.</param>
    /// <param name="evidence">Where evidence comes from.</param>
    /// <param name="options">Connection; null for defaults.</param>
    /// <param name="key">The TEE key; null makes a fresh P-256 pair. The caller keeps a key that it gave.</param>
    /// <param name="initData">Init-data text that the TEE was started with; null for none.</param>
    public static KbsClient Create(Uri server, IEvidenceProvider evidence, KbsConnectionOptions? options = null, JweDecryptionKey? key = null, string? initData = null)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentNullException.ThrowIfNull(evidence);
        return new KbsClient(
            new KbsHttp(server, options ?? new KbsConnectionOptions(), cookies: true),
            evidence,
            key ?? JweDecryptionKey.Generate(JweAlgorithms.EcdhEsA256Kw),
            key is null,
            initData,
            null);
    }

    /// <summary>A client that presents a token got elsewhere, with the key that the token names.</summary>
    public static KbsClient CreateWithToken(Uri server, AttestationToken token, JweDecryptionKey key, KbsConnectionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentNullException.ThrowIfNull(token);
        ArgumentNullException.ThrowIfNull(key);
        return new KbsClient(new KbsHttp(server, options ?? new KbsConnectionOptions(), cookies: false), null, key, false, null, token);
    }

    /// <summary>Runs the handshake and gives the token.</summary>
    public async ValueTask<Result<AttestationToken>> AttestAsync(CancellationToken ct = default)
    {
        if (_evidence is null)
        {
            throw new InvalidOperationException("this client was made with a token; it has no evidence to attest with");
        }

        using Activity span = ClientTrace.Start("attest");
        await _gate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            return await HandshakeAsync(_evidence, ct).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Fetches a resource, after a handshake where none was made yet; the caller disposes the secret.</summary>
    /// <param name="path"><c>repository/type/tag</c>, or any plugin's path when <paramref name="plugin"/> is given.</param>
    /// <param name="plugin">First segment after <c>/kbs/v0/</c>.</param>
    /// <param name="ct">Cancels.</param>
    public async ValueTask<Result<Secret>> GetResourceAsync(string path, string plugin = "resource", CancellationToken ct = default)
    {
        using Activity span = ClientTrace.Start("get-resource");
        if (_token is null && !(await AttestAsync(ct).ConfigureAwait(false)).TryGet(out _, out Refusal? notAttested))
        {
            return notAttested;
        }

        var request = new HttpRequestMessage(HttpMethod.Get, $"kbs/v0/{plugin}/{path.TrimStart('/')}");
        if (_evidence is null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token!.Compact);
        }

        Trace?.Invoke("get", $"GET /kbs/v0/{plugin}/{path}");
        KbsAnswer answer = await _http.SendAsync(request, ct).ConfigureAwait(false);
        Trace?.Invoke("answer", Encoding.UTF8.GetString(answer.Body));
        if (answer.Status != HttpStatusCode.OK)
        {
            return KbsHttp.ToRefusal(answer);
        }

        if (!JweMessage.ParseFlattened(answer.Body).TryGet(out JweMessage? message, out Refusal? malformed))
        {
            return malformed.Within("answer");
        }

        return _key.Decrypt(message, JweAlgorithms.EcdhEsA256Kw | JweAlgorithms.RsaOaep256 | JweAlgorithms.MlKem768A192Kw);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _gate.Dispose();
        if (_ownsKey)
        {
            _key.Dispose();
        }
    }

    private async ValueTask<Result<AttestationToken>> HandshakeAsync(IEvidenceProvider evidence, CancellationToken ct)
    {
        var request = new JsonObject
        {
            ["version"] = Version,
            ["tee"] = evidence.Tee.ToWireName(),
            ["extra-params"] = new JsonObject { ["supported-hash-algorithms"] = new JsonArray([.. RcarChallenge.AllHashes.Select(h => (JsonNode)h.ToWireName())]) },
        };
        if (!(await PostAsync("auth", request, ct).ConfigureAwait(false)).TryGet(out JsonElement answerOfAuth, out Refusal? refusal)
            || !RcarChallenge.Parse(answerOfAuth, RcarChallenge.AllHashes).TryGet(out RcarChallenge? challenge, out refusal))
        {
            return refusal;
        }

        JsonObject runtimeData = RuntimeDataForms.Device(challenge.Nonce, _key.PublicJwk);
        JsonObject hashed = RuntimeDataForms.Primary(challenge.Nonce, _key.PublicJwk, string.Empty);
        byte[] digest = challenge.Hash.Compute(CanonicalJson.Write(hashed).Require());
        byte[] initDataDigest = [];
        JsonNode? initData = null;
        if (_initData is not null)
        {
            if (!InitDataDigest(_initData).TryGet(out initDataDigest!, out refusal))
            {
                return refusal;
            }

            initData = new JsonObject { ["format"] = "toml", ["body"] = _initData };
        }

        JsonElement body = await evidence.GetEvidenceAsync(new EvidenceRequest(digest, hashed, initDataDigest), ct).ConfigureAwait(false);
        var attestation = new JsonObject
        {
            ["init-data"] = initData,
            ["runtime-data"] = runtimeData,
            ["tee-evidence"] = new JsonObject
            {
                ["primary_evidence"] = JsonNode.Parse(body.GetRawText()),
                ["additional_evidence"] = string.Empty,
            },
        };
        if (!(await PostAsync("attest", attestation, ct).ConfigureAwait(false)).TryGet(out JsonElement answer, out refusal))
        {
            return refusal;
        }

        if (!HostileJson.RequireString(answer, "token").TryGet(out string? token, out refusal))
        {
            return refusal.Within("answer of attest");
        }

        return _token = new AttestationToken(token);
    }

    private static Result<byte[]> InitDataDigest(string text) =>
        InitData.Parse(text).TryGet(out InitData? parsed, out Refusal? refusal) ? parsed.Digest() : refusal.Within("init-data");

    private async ValueTask<Result<JsonElement>> PostAsync(string endpoint, JsonObject content, CancellationToken ct)
    {
        byte[] bytes = Jws.ToUtf8(content);
        Trace?.Invoke(endpoint, Encoding.UTF8.GetString(bytes));
        var request = new HttpRequestMessage(HttpMethod.Post, "kbs/v0/" + endpoint) { Content = new ByteArrayContent(bytes) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        KbsAnswer answer = await _http.SendAsync(request, ct).ConfigureAwait(false);
        Trace?.Invoke("answer", Encoding.UTF8.GetString(answer.Body));
        return answer.Status == HttpStatusCode.OK ? HostileJson.ParseObject(answer.Body, 16 << 20) : KbsHttp.ToRefusal(answer);
    }
}
