// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Runtime.CompilerServices;
using StackExchange.Redis;

namespace Coco.Storage;

/// <summary>Redis: for sessions, where it is in use already. Values lie under <c>namespace:key</c> as other implementations write them.</summary>
/// <remarks>Version and expiry lie under <c>coco:m:namespace:key</c>; conditional writes are scripts, so that they are atomic.</remarks>
public sealed class RedisStoreProvider : IStoreProvider, IAsyncDisposable
{
    private readonly ConfigurationOptions _options;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private ConnectionMultiplexer? _connection;

    /// <summary>Takes a <c>redis://[user:password@]host:port[/db]</c> URL; nothing is connected yet.</summary>
    public RedisStoreProvider(string url, TimeProvider time)
    {
        _options = Options(url);
        _time = time;
    }

    /// <inheritdoc/>
    public async ValueTask<IKeyValueStore> OpenAsync(StoreNamespace name, CancellationToken ct) =>
        new RedisStore(await ConnectAsync(ct).ConfigureAwait(false), name.Value, _time);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<StoreNamespace>> ListNamespacesAsync(CancellationToken ct)
    {
        ConnectionMultiplexer connection = await ConnectAsync(ct).ConfigureAwait(false);
        var names = new SortedSet<string>(StringComparer.Ordinal);
        await foreach (RedisKey key in RedisStore.ScanAsync(connection, "*", ct).ConfigureAwait(false))
        {
            string[] parts = key.ToString().Split(':', 2);
            if (parts.Length == 2 && parts[0] != "coco")
            {
                names.Add(parts[0]);
            }
        }

        return [.. names.Select(n => StoreNamespace.Parse(n)).Where(r => r.Refusal is null).Select(r => r.Require())];
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_connection is { } connection)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static ConfigurationOptions Options(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? parsed) || parsed.Scheme is not ("redis" or "rediss"))
        {
            throw new ArgumentException("expected redis://[user:password@]host:port[/db]", nameof(url));
        }

        var options = new ConfigurationOptions
        {
            AbortOnConnectFail = false,
            Ssl = parsed.Scheme == "rediss",
            ConnectTimeout = 3000,
            AsyncTimeout = 3000,
        };
        options.EndPoints.Add(parsed.Host, parsed.Port > 0 ? parsed.Port : 6379);
        string[] user = parsed.UserInfo.Split(':', 2);
        if (user.Length == 2)
        {
            options.User = user[0].Length > 0 ? Uri.UnescapeDataString(user[0]) : null;
            options.Password = Uri.UnescapeDataString(user[1]);
        }

        if (int.TryParse(parsed.AbsolutePath.TrimStart('/'), NumberStyles.None, CultureInfo.InvariantCulture, out int database))
        {
            options.DefaultDatabase = database;
        }

        return options;
    }

    private async ValueTask<ConnectionMultiplexer> ConnectAsync(CancellationToken ct)
    {
        if (_connection is { } ready)
        {
            return ready;
        }

        await _gate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            return _connection ??= await ConnectionMultiplexer.ConnectAsync(_options).ConfigureAwait(false);
        }
        catch (RedisException e)
        {
            throw new StoreUnavailableException("Redis cannot be reached", e);
        }
        finally
        {
            _gate.Release();
        }
    }
}

/// <summary>One namespace in Redis.</summary>
internal sealed class RedisStore(ConnectionMultiplexer connection, string ns, TimeProvider time) : IKeyValueStore
{
    // KEYS: value, metadata, version counter, generation. ARGV: now (ms), and as each script says.
    private const string Live = """
        local function live()
          local v = redis.call('GET', KEYS[1])
          if not v then return nil end
          local m = redis.call('GET', KEYS[2])
          local version, expiry = 0, -1
          if m then
            version, expiry = string.match(m, '^(%d+) (-?%d+)$')
            version = tonumber(version); expiry = tonumber(expiry)
          else
            version = redis.call('INCR', KEYS[3])
            redis.call('SET', KEYS[2], string.format('%.0f -1', version))
          end
          if expiry >= 0 and expiry <= tonumber(ARGV[1]) then return nil end
          return {v, string.format('%.0f', version), string.format('%.0f', expiry)}
        end

        """;

    private const string GetScript = Live + "return live()";

    private const string PutScript = Live + """
        local present = live()
        if ARGV[4] == '1' and present then return 0 end
        if ARGV[5] ~= '-1' and (not present or present[2] ~= ARGV[5]) then return 0 end
        local version = redis.call('INCR', KEYS[3])
        redis.call('SET', KEYS[1], ARGV[2])
        redis.call('SET', KEYS[2], string.format('%.0f', version) .. ' ' .. ARGV[3])
        if ARGV[3] ~= '-1' then
          redis.call('PEXPIREAT', KEYS[1], ARGV[3])
          redis.call('PEXPIREAT', KEYS[2], ARGV[3])
        end
        redis.call('INCR', KEYS[4])
        return 1
        """;

    private const string DeleteScript = Live + """
        local present = live()
        redis.call('DEL', KEYS[1], KEYS[2])
        if present then redis.call('INCR', KEYS[4]) end
        return present
        """;

    private IDatabase Database => connection.GetDatabase();

    /// <inheritdoc/>
    public ValueTask<StoredValue?> GetAsync(string key, CancellationToken ct) => EvaluateRowAsync(GetScript, key);

    /// <inheritdoc/>
    public async ValueTask<bool> PutAsync(string key, ReadOnlyMemory<byte> value, PutOptions options, CancellationToken ct)
    {
        StoreKeys.RequireValue(value);
        RedisResult result = await EvaluateAsync(
            PutScript,
            key,
            value,
            options.ExpiresAt?.ToUnixTimeMilliseconds() ?? -1,
            options.OnlyIfAbsent ? 1 : 0,
            options.IfVersion ?? -1).ConfigureAwait(false);
        return (long)result == 1;
    }

    /// <inheritdoc/>
    public ValueTask<StoredValue?> DeleteAsync(string key, CancellationToken ct) => EvaluateRowAsync(DeleteScript, key);

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken ct)
    {
        var keys = new SortedSet<string>(StringComparer.Ordinal);
        await foreach (RedisKey key in ScanAsync(connection, ns + ":" + prefix + "*", ct).ConfigureAwait(false))
        {
            keys.Add(key.ToString()[(ns.Length + 1)..]);
        }

        foreach (string key in keys)
        {
            if (await GetAsync(key, ct).ConfigureAwait(false) is not null)
            {
                yield return key;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask<long> GetGenerationAsync(CancellationToken ct)
    {
        try
        {
            return (long?)await Database.StringGetAsync("coco:g:" + ns).ConfigureAwait(false) ?? 0;
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            throw Unavailable(e);
        }
    }

    internal static async IAsyncEnumerable<RedisKey> ScanAsync(ConnectionMultiplexer connection, string pattern, [EnumeratorCancellation] CancellationToken ct)
    {
        foreach (System.Net.EndPoint endpoint in connection.GetEndPoints())
        {
            IServer server = connection.GetServer(endpoint);
            if (server.IsReplica)
            {
                continue;
            }

            await foreach (RedisKey key in server.KeysAsync(connection.GetDatabase().Database, pattern, pageSize: 1000).WithCancellation(ct).ConfigureAwait(false))
            {
                yield return key;
            }
        }
    }

    private static StoreUnavailableException Unavailable(Exception e) => new("Redis cannot be reached or refused the work", e);

    private async ValueTask<StoredValue?> EvaluateRowAsync(string script, string key)
    {
        RedisResult result = await EvaluateAsync(script, key).ConfigureAwait(false);
        if (result.IsNull)
        {
            return null;
        }

        long expiry = (long)result[2];
        return new StoredValue((byte[])result[0]!, (long)result[1])
        {
            ExpiresAt = expiry < 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(expiry),
        };
    }

    private async ValueTask<RedisResult> EvaluateAsync(string script, string key, params RedisValue[] more)
    {
        StoreKeys.Require(key);
        try
        {
            return await Database.ScriptEvaluateAsync(
                script,
                [$"{ns}:{key}", $"coco:m:{ns}:{key}", "coco:version", "coco:g:" + ns],
                [time.GetUtcNow().ToUnixTimeMilliseconds(), .. more]).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            throw Unavailable(e);
        }
    }
}
