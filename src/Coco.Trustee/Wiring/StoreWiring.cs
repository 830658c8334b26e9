// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using Coco.Attestation.Policies;
using Coco.KeyBroker;
using Coco.ReferenceValues;
using Coco.Storage;

namespace Coco.Trustee;

/// <summary>Opens the stores that the settings name.</summary>
internal static class StoreWiring
{
    private static readonly TimeSpan WatchAge = TimeSpan.FromSeconds(1);

    /// <exception cref="ArgumentException">The type is unknown.</exception>
    /// <exception cref="StoreUnavailableException">It cannot be opened.</exception>
    public static IStoreProvider Open(StoreSettings settings, string home, TimeProvider time)
    {
        switch (settings.Type)
        {
            case "memory":
                return new MemoryStoreProvider(time);
            case "sqlite":
                string path = settings.Location ?? Path.Combine(home, "trustee.db");
                PrivateFiles.CreateFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
                return SqliteStoreProvider.Open(path, time);
            case "local_fs":
                return new LocalFsStoreProvider(settings.Location ?? "/opt/confidential-containers/storage/local_fs", time);
            case "local_json":
                return new LocalJsonStoreProvider(settings.Location ?? "/opt/confidential-containers/storage/local_json", time);
            case "postgres":
                return new PostgresStoreProvider(
                    settings.Location ?? throw new ArgumentException("PostgreSQL needs a connection: the backend's table, or POSTGRES_URL"), time);
            case "redis":
                return new RedisStoreProvider(settings.Location ?? "redis://127.0.0.1:6379", time);
            default:
                throw new ArgumentException($"unknown storage type '{settings.Type}'; known are memory, sqlite, local_fs, local_json, postgres, redis");
        }
    }

    /// <summary>Puts encryption at rest over a store when a key ring is configured.</summary>
    public static IStoreProvider Seal(IStoreProvider store, TrusteeSettings settings)
    {
        if (settings.KeyRingPath is not { } path)
        {
            return store;
        }

        KeyRing ring = KeyRing.Parse(File.ReadAllBytes(path)).TryGet(out KeyRing? parsed, out Refusal? refusal)
            ? parsed
            : throw new ArgumentException($"{path}: {refusal.Detail}");
        return new SealedStoreProvider(store, ring, settings.KeyRingAcceptsPlain);
    }

    /// <summary>
    /// Spares questions to the store, unless the settings want one each time: appraisals look for changed policies and reference values once a
    /// second, and resources in PostgreSQL are kept in memory for as long as nobody changes any.
    /// </summary>
    public static IStoreProvider Watch(IStoreProvider store, TrusteeSettings settings, TimeProvider time)
    {
        if (settings.StrictConsistency)
        {
            return store;
        }

        var watched = new WatchedStoreProvider(
            store, ImmutableHashSet.Create(StringComparer.Ordinal, AttestationPolicyStore.Namespace, ReferenceValueService.Namespace), WatchAge, time);
        return settings.StoreOverrides.GetValueOrDefault(KeyBrokerNamespaces.Resources, settings.Store).Type == "postgres"
            ? new LeasedStoreProvider(watched, ImmutableHashSet.Create(StringComparer.Ordinal, KeyBrokerNamespaces.Resources), time)
            : watched;
    }
}
