// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Coco.Protocol;
using Coco.Storage;
using Microsoft.Extensions.Logging;

namespace Coco.Attestation.Policies;

/// <summary>The appraisal policies in the store, compiled once per version (attestation-service.md 8). Thread-safe.</summary>
public sealed partial class AttestationPolicyStore
{
    /// <summary>The store namespace, as in the reference.</summary>
    public const string Namespace = "attestation_service_policy";

    private const string Suffix = ".rego";
    private const string ResourcePrefix = "Coco.Attestation.Policies.";
    private const int MaxCompiled = 1024;

    private readonly IStoreProvider _stores;
    private readonly IAppraisalPolicyCompiler _compiler;
    private readonly AttestationOptions _options;
    private readonly ILogger<AttestationPolicyStore> _log;
    private readonly ConcurrentDictionary<string, Compiled> _compiled = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private Snapshot _snapshot = new(-1);
    private IKeyValueStore? _store;

    internal AttestationPolicyStore(IStoreProvider stores, IAppraisalPolicyCompiler compiler, AttestationOptions options, ILogger<AttestationPolicyStore> log)
    {
        _stores = stores;
        _compiler = compiler;
        _options = options;
        _log = log;
    }

    /// <summary>The policies that a fresh store gets: id to text.</summary>
    public static ImmutableSortedDictionary<string, string> Defaults { get; } = LoadDefaults("Defaults.");

    /// <summary>The same for Simple tokens.</summary>
    internal static ImmutableSortedDictionary<string, string> SimpleDefaults { get; } = LoadDefaults("Simple.");

    /// <summary>Stores a policy under its full id (with the class, for example <c>default_cpu</c>); refused when it does not compile.</summary>
    public async ValueTask<Refusal?> SetAsync(PolicyId id, string source, CancellationToken ct)
    {
        if (Check(id, source) is { } bad)
        {
            return bad;
        }

        IKeyValueStore store = await OpenAsync(ct).ConfigureAwait(false);
        await store.PutAsync(id.Value + Suffix, Encoding.UTF8.GetBytes(source), default, ct).ConfigureAwait(false);
        Log.Changed(_log, id.Value, HashOf(source));
        return null;
    }

    /// <summary>The text; <see cref="RefusalCode.NotFound"/> when there is none.</summary>
    public async ValueTask<Result<string>> GetAsync(PolicyId id, CancellationToken ct)
    {
        IKeyValueStore store = await OpenAsync(ct).ConfigureAwait(false);
        return await store.GetAsync(id.Value + Suffix, ct).ConfigureAwait(false) is { } stored
            ? Encoding.UTF8.GetString(stored.Value.Span)
            : NotFound(id.Value);
    }

    /// <summary>Id to SHA-384 of the text, lower-case hexadecimal.</summary>
    public async ValueTask<ImmutableSortedDictionary<string, string>> ListAsync(CancellationToken ct)
    {
        IKeyValueStore store = await OpenAsync(ct).ConfigureAwait(false);
        ImmutableSortedDictionary<string, string>.Builder all = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        await foreach (string key in store.ListAsync(string.Empty, ct).ConfigureAwait(false))
        {
            if (key.EndsWith(Suffix, StringComparison.Ordinal) && await store.GetAsync(key, ct).ConfigureAwait(false) is { } stored)
            {
                all[key[..^Suffix.Length]] = Convert.ToHexStringLower(SHA384.HashData(stored.Value.Span));
            }
        }

        return all.ToImmutable();
    }

    /// <summary>Removes; <see cref="RefusalCode.NotFound"/> when there is none. A default comes back at the next start.</summary>
    public async ValueTask<Refusal?> DeleteAsync(PolicyId id, CancellationToken ct)
    {
        IKeyValueStore store = await OpenAsync(ct).ConfigureAwait(false);
        if (await store.DeleteAsync(id.Value + Suffix, ct).ConfigureAwait(false) is null)
        {
            return NotFound(id.Value);
        }

        Log.Deleted(_log, id.Value);
        return null;
    }

    /// <summary>Whether a text is a policy, without storing it.</summary>
    public Refusal? Check(PolicyId id, string source)
    {
        int bytes = Encoding.UTF8.GetByteCount(source);
        if (bytes > _options.MaxPolicyBytes)
        {
            return new Refusal(RefusalCode.TooLarge, $"policy has {bytes} bytes, at most {_options.MaxPolicyBytes} are taken");
        }

        return _compiler.Compile(source, id.Value + Suffix).TryGet(out _, out Refusal? why) ? null : why;
    }

    /// <summary>The compiled policy of a full id.</summary>
    internal async ValueTask<Result<CompiledPolicy>> CompiledAsync(string storedId, CancellationToken ct)
    {
        IKeyValueStore store = await OpenAsync(ct).ConfigureAwait(false);
        long generation = await store.GetGenerationAsync(ct).ConfigureAwait(false);
        Snapshot snapshot = Volatile.Read(ref _snapshot);
        if (snapshot.Generation != generation)
        {
            snapshot = new Snapshot(generation);
            Volatile.Write(ref _snapshot, snapshot);
        }

        if (!snapshot.Policies.TryGetValue(storedId, out Result<CompiledPolicy> known))
        {
            known = await CompileStoredAsync(store, storedId, ct).ConfigureAwait(false);
            if (snapshot.Policies.Count < MaxCompiled)
            {
                snapshot.Policies[storedId] = known;
            }
        }

        return known;
    }

    /// <summary>Compiles a text that is not stored.</summary>
    internal Result<CompiledPolicy> Compile(string source, string name) => _compiler.Compile(source, name);

    /// <summary>Opens the store and writes the defaults that are absent; once.</summary>
    internal async ValueTask<IKeyValueStore> OpenAsync(CancellationToken ct)
    {
        if (Volatile.Read(ref _store) is { } ready)
        {
            return ready;
        }

        await _gate.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (_store is { } other)
            {
                return other;
            }

            IKeyValueStore store = await _stores.OpenAsync(StoreNamespace.Parse(Namespace).Require(), ct).ConfigureAwait(false);
            foreach ((string id, string text) in _options.Token.Form == TokenForm.Ear ? Defaults : SimpleDefaults)
            {
                await store.PutAsync(id + Suffix, Encoding.UTF8.GetBytes(text), new PutOptions { OnlyIfAbsent = true }, ct).ConfigureAwait(false);
            }

            Volatile.Write(ref _store, store);
            return store;
        }
        finally
        {
            _gate.Release();
        }
    }

    internal static string HashOf(string source) => Convert.ToHexStringLower(SHA384.HashData(Encoding.UTF8.GetBytes(source)));

    private async ValueTask<Result<CompiledPolicy>> CompileStoredAsync(IKeyValueStore store, string storedId, CancellationToken ct)
    {
        if (await store.GetAsync(storedId + Suffix, ct).ConfigureAwait(false) is not { } stored)
        {
            return NotFound(storedId);
        }

        // A write of one policy does not make the others compile again.
        if (_compiled.TryGetValue(storedId, out Compiled? known) && known.Version == stored.Version)
        {
            return known.Policy;
        }

        if (!_compiler.Compile(Encoding.UTF8.GetString(stored.Value.Span), storedId + Suffix).TryGet(out CompiledPolicy? policy, out Refusal? why))
        {
            return why.Within($"policy '{storedId}' does not compile") with { Code = RefusalCode.PolicyDenied };
        }

        if (_compiled.Count >= MaxCompiled)
        {
            _compiled.Clear();
        }

        _compiled[storedId] = new Compiled(stored.Version, policy);
        return policy;
    }

    private static Refusal NotFound(string id) => new(RefusalCode.NotFound, $"Policy `{id}{Suffix}` not found");

    private static ImmutableSortedDictionary<string, string> LoadDefaults(string folder)
    {
        string prefix = ResourcePrefix + folder;
        ImmutableSortedDictionary<string, string>.Builder all = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        Assembly assembly = typeof(AttestationPolicyStore).Assembly;
        foreach (string name in assembly.GetManifestResourceNames())
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                using Stream stream = assembly.GetManifestResourceStream(name)!;
                using var reader = new StreamReader(stream, Encoding.UTF8);
                all[name[prefix.Length..^Suffix.Length]] = reader.ReadToEnd();
            }
        }

        return all.ToImmutable();
    }

    // What was found at one generation of the store; a write makes a new one.
    private sealed class Snapshot(long generation)
    {
        public long Generation { get; } = generation;

        public ConcurrentDictionary<string, Result<CompiledPolicy>> Policies { get; } = new(StringComparer.Ordinal);
    }

    private sealed record Compiled(long Version, CompiledPolicy Policy);

    private static partial class Log
    {
        [LoggerMessage(EventId = 4010, Level = LogLevel.Information, Message = "appraisal policy {Id} set, sha384 {Hash}")]
        public static partial void Changed(ILogger logger, string id, string hash);

        [LoggerMessage(EventId = 4011, Level = LogLevel.Information, Message = "appraisal policy {Id} deleted")]
        public static partial void Deleted(ILogger logger, string id);
    }
}
