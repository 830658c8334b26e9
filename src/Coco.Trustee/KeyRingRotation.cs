// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Coco.Storage;

namespace Coco.Trustee;

/// <summary>
/// Rotation of the keys at rest without a restart: reads the file of the key ring again when it changes, and seals everything anew when another
/// key has become the active one. Safe on every replica at once.
/// </summary>
internal sealed partial class KeyRingRotation(string path, IReadOnlyList<SealedStoreProvider> stores, bool acceptsPlain, TimeProvider time, ILogger<KeyRingRotation> log) : BackgroundService
{
    private const string Marker = "sealed-under";
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    // Longer than any replica takes to notice the file: until then one may still seal under the former key.
    private static readonly TimeSpan Settle = Pause * 3;
    private static readonly StoreNamespace Markers = StoreNamespace.Parse("coco_sealing").Require();

    private byte[] _read = [];
    private bool _sealing = true;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _read = ReadFile() ?? [];
        using var timer = new PeriodicTimer(Pause, time);
        do
        {
            Reload();
            if (_sealing)
            {
                await TrySealAsync(stoppingToken).ConfigureAwait(false);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    private byte[]? ReadFile()
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.NotRead(log, path, e.Message);
            return null;
        }
    }

    // By content: a mounted secret changes behind links whose own times stay.
    private void Reload()
    {
        if (ReadFile() is not { } bytes || bytes.AsSpan().SequenceEqual(_read))
        {
            return;
        }

        _read = bytes;
        if (!KeyRing.Parse(bytes).TryGet(out KeyRing? ring, out Refusal? refusal))
        {
            Log.NotRead(log, path, refusal.Detail);
            return;
        }

        _sealing |= stores.Any(s => s.Ring.ActiveKeyId != ring.ActiveKeyId);
        foreach (SealedStoreProvider store in stores)
        {
            store.Use(ring);
        }

        Log.Reloaded(log, path, string.Join(", ", ring.KeyIds), ring.ActiveKeyId);
    }

    private async Task TrySealAsync(CancellationToken ct)
    {
        try
        {
            string active = stores[0].Ring.ActiveKeyId;
            int changed = 0;
            foreach (SealedStoreProvider store in stores)
            {
                IKeyValueStore markers = await store.OpenAsync(Markers, ct).ConfigureAwait(false);
                if (!acceptsPlain && await markers.GetAsync(Marker, ct).ConfigureAwait(false) is { } marker && Encoding.ASCII.GetString(marker.Value.Span) == active)
                {
                    continue;
                }

                int now = await SealAsync(store, ct).ConfigureAwait(false);
                if (now > 0)
                {
                    await Task.Delay(Settle, time, ct).ConfigureAwait(false);
                    now += await SealAsync(store, ct).ConfigureAwait(false);
                }

                changed += now;
                await markers.PutAsync(Marker, Encoding.ASCII.GetBytes(active), default, ct).ConfigureAwait(false);
            }

            _sealing = stores[0].Ring.ActiveKeyId != active;
            if (changed > 0)
            {
                Log.Sealed(log, changed, active);
            }
        }
        catch (StoreUnavailableException e)
        {
            Log.NotSealed(log, e.Message);
        }
    }

    private static async Task<int> SealAsync(SealedStoreProvider store, CancellationToken ct)
    {
        int changed = 0;
        foreach (StoreNamespace name in await store.ListNamespacesAsync(ct).ConfigureAwait(false))
        {
            changed += await store.ResealAsync(name, null, ct).ConfigureAwait(false);
        }

        return changed;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 10020, Level = LogLevel.Information, Message = "key ring {Path} was read again; keys {Ids}, active {Active}")]
        public static partial void Reloaded(ILogger logger, string path, string ids, string active);

        [LoggerMessage(EventId = 10021, Level = LogLevel.Error, Message = "key ring {Path} cannot be used; the former one stays: {Reason}")]
        public static partial void NotRead(ILogger logger, string path, string reason);

        [LoggerMessage(EventId = 10022, Level = LogLevel.Information, Message = "{Count} records were sealed anew; all are under key {Active}, other keys are no longer needed")]
        public static partial void Sealed(ILogger logger, int count, string active);

        [LoggerMessage(EventId = 10023, Level = LogLevel.Warning, Message = "records could not be sealed anew yet: {Reason}")]
        public static partial void NotSealed(ILogger logger, string reason);
    }
}
