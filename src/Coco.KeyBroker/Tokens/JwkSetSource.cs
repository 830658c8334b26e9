// SPDX-License-Identifier: Apache-2.0
using System.Net.Http.Headers;
using System.Text.Json;

namespace Coco.KeyBroker;

/// <summary>A JWK set at an address, kept and renewed: by a timer, and when a key is asked for that it does not have.</summary>
/// <remarks>Only <c>https</c> and files. At most 1 MiB and 10 seconds a fetch, no redirects, one fetch at a time, at most one a minute for unknown keys.</remarks>
internal sealed class JwkSetSource
{
    private const int MaxBytes = 1 << 20;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RenewAfter = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan PauseAfterMiss = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(5);

    private readonly Uri? _uri;
    private readonly string? _path;
    private readonly HttpMessageInvoker _http;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private volatile State _state = new(null, 0, "not loaded yet");
    private long _generation;

    private JwkSetSource(Uri? uri, string? path, HttpMessageInvoker http, TimeProvider time)
    {
        _uri = uri;
        _path = path;
        _http = http;
        _time = time;
    }

    private sealed record State(JwkSet? Set, long LoadedAt, string? Failure);

    /// <summary>Grows when the keys changed, so that what was decided with the old ones is decided again.</summary>
    public long Generation => Interlocked.Read(ref _generation);

    /// <summary>Why there are no keys; null when there are some.</summary>
    public string? Failure => _state.Set is null ? _state.Failure : null;

    /// <summary>Checks the form of an address.</summary>
    public static Result<JwkSetSource> Create(string address, HttpMessageInvoker http, TimeProvider time)
    {
        if (!address.Contains("://", StringComparison.Ordinal))
        {
            return new JwkSetSource(null, address, http, time);
        }

        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri))
        {
            return new Refusal(RefusalCode.Malformed, $"'{address}' is not an address of a JWK set");
        }

        return uri.Scheme switch
        {
            "file" => new JwkSetSource(null, uri.LocalPath, http, time),
            "https" => new JwkSetSource(uri, null, http, time),
            _ => new Refusal(RefusalCode.Unsupported, $"a JWK set is read from https or a file, not from {uri.Scheme}"),
        };
    }

    /// <summary>The key with that <c>kid</c>; null when the set does not have it, also after it was asked for again.</summary>
    public async ValueTask<Jwk?> FindAsync(string keyId, CancellationToken ct)
    {
        State state = _state;
        TimeSpan age = _time.GetElapsedTime(state.LoadedAt);
        if (state.LoadedAt == 0 || age > RenewAfter || (state.Set is null && age > PauseAfterFailure))
        {
            state = await LoadAsync(state, ct);
        }

        if (state.Set?.Find(keyId) is { } key)
        {
            return key;
        }

        if (_time.GetElapsedTime(state.LoadedAt) > PauseAfterMiss)
        {
            state = await LoadAsync(state, ct);
        }

        return state.Set?.Find(keyId);
    }

    /// <summary>Loads if it was never loaded; for readiness.</summary>
    public async ValueTask<Refusal?> CheckAsync(CancellationToken ct)
    {
        State state = _state;
        if (state.Set is null && (state.LoadedAt == 0 || _time.GetElapsedTime(state.LoadedAt) > PauseAfterFailure))
        {
            state = await LoadAsync(state, ct);
        }

        return state.Set is null ? new Refusal(RefusalCode.NotFound, "a JWK set could not be loaded: " + state.Failure) : null;
    }

    private async ValueTask<State> LoadAsync(State seen, CancellationToken ct)
    {
        await _gate.WaitAsync(ct);
        try
        {
            if (!ReferenceEquals(seen, _state))
            {
                return _state;
            }

            Result<JwkSet> loaded = _path is not null ? ReadFile(_path) : await FetchAsync(_uri!, ct);
            long now = Math.Max(1, _time.GetTimestamp());
            if (loaded.TryGet(out JwkSet? set, out Refusal? refusal))
            {
                if (seen.Set is null || seen.Set.ToJson().ToJsonString() != set.ToJson().ToJsonString())
                {
                    Interlocked.Increment(ref _generation);
                }

                return _state = new State(set, now, null);
            }

            // Keys that were good stay while their address does not answer.
            return _state = seen with { LoadedAt = now, Failure = refusal.Detail };
        }
        finally
        {
            _gate.Release();
        }
    }

    private static Result<JwkSet> ReadFile(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            if (file.Length > MaxBytes)
            {
                return new Refusal(RefusalCode.TooLarge, $"a JWK set has at most {MaxBytes} bytes");
            }

            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return JwkSet.Parse(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Refusal(RefusalCode.NotFound, "the file cannot be read: " + e.Message);
        }
    }

    private async ValueTask<Result<JwkSet>> FetchAsync(Uri uri, CancellationToken ct)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limited.CancelAfter(Timeout);
        try
        {
            if ((await GetAsync(uri, limited.Token)).TryGet(out byte[]? bytes, out Refusal? refusal)
                && JwkSet.Parse(bytes).TryGet(out JwkSet? direct, out refusal) && !direct.Keys.IsEmpty)
            {
                return direct;
            }

            // The address may be that of an OpenID provider (kbs.md 5.2).
            string issuer = uri.AbsoluteUri.EndsWith('/') ? uri.AbsoluteUri : uri.AbsoluteUri + "/";
            if (!(await GetAsync(new Uri(issuer + ".well-known/openid-configuration"), limited.Token)).TryGet(out byte[]? document, out Refusal? why))
            {
                return refusal ?? why;
            }

            if (!HostileJson.ParseObject(document).TryGet(out JsonElement configuration, out why)
                || !HostileJson.RequireString(configuration, "jwks_uri").TryGet(out string? jwks, out why))
            {
                return why.Within("OpenID configuration");
            }

            if (!Uri.TryCreate(jwks, UriKind.Absolute, out Uri? keys) || keys.Scheme != "https")
            {
                return new Refusal(RefusalCode.Unsupported, "the jwks_uri of the OpenID configuration is not https");
            }

            return (await GetAsync(keys, limited.Token)).TryGet(out byte[]? set, out why) ? JwkSet.Parse(set) : why;
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return new Refusal(RefusalCode.NotFound, "the address does not answer: " + e.Message);
        }
    }

    private async ValueTask<Result<byte[]>> GetAsync(Uri uri, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        using HttpResponseMessage response = await _http.SendAsync(request, ct);
        if (!response.IsSuccessStatusCode)
        {
            return new Refusal(RefusalCode.NotFound, $"the address answers {(int)response.StatusCode}");
        }

        using Stream body = await response.Content.ReadAsStreamAsync(ct);
        byte[] buffer = new byte[MaxBytes + 1];
        int length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, ct);
        return length > MaxBytes ? new Refusal(RefusalCode.TooLarge, $"a JWK set has at most {MaxBytes} bytes") : buffer[..length];
    }
}
