// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using System.Runtime.InteropServices;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.HighLevelAPI;

namespace Coco.KeyBroker;

/// <summary>A session of a PKCS #11 module, used by one caller at a time and opened again when the token was away.</summary>
internal sealed class Pkcs11Module : IDisposable
{
    private readonly string _path;
    private readonly int _slotIndex;
    private readonly Secret _pin;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Pkcs11InteropFactories _factories = new();
    private IPkcs11Library? _library;
    private ISession? _session;

    static Pkcs11Module() =>
        // The package asks for libdl under the name that only development packages install.
        NativeLibrary.SetDllImportResolver(typeof(Pkcs11InteropFactories).Assembly, static (name, assembly, path) =>
            name.StartsWith("libdl", StringComparison.Ordinal) && NativeLibrary.TryLoad("libdl.so.2", assembly, path, out nint handle) ? handle : 0);

    public Pkcs11Module(string path, int slotIndex, Secret pin)
    {
        _path = path;
        _slotIndex = slotIndex;
        _pin = pin;
    }

    /// <summary>Runs something in the session.</summary>
    /// <exception cref="IOException">The module, the token or the log-in failed.</exception>
    public async ValueTask<T> RunAsync<T>(Func<ISession, T> work, CancellationToken ct)
    {
        await _gate.WaitAsync(ct);
        try
        {
            return await Task.Run(() => RunTwice(work), ct);
        }
        catch (Exception e) when (e is Pkcs11Exception or UnmanagedException or DllNotFoundException or TargetInvocationException)
        {
            throw new IOException("the PKCS #11 module failed: " + e.Message, e);
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose()
    {
        Close();
        _library?.Dispose();
    }

    private T RunTwice<T>(Func<ISession, T> work)
    {
        bool fresh = _session is null;
        try
        {
            return work(_session ??= Open());
        }
        catch (Pkcs11Exception e) when (!fresh && e.RV is CKR.CKR_SESSION_HANDLE_INVALID or CKR.CKR_SESSION_CLOSED or CKR.CKR_DEVICE_REMOVED or CKR.CKR_TOKEN_NOT_PRESENT or CKR.CKR_USER_NOT_LOGGED_IN)
        {
            Close();
            return work(_session = Open());
        }
    }

    private ISession Open()
    {
        _library ??= _factories.Pkcs11LibraryFactory.LoadPkcs11Library(_factories, _path, AppType.MultiThreaded);
        List<ISlot> slots = _library.GetSlotList(SlotsType.WithTokenPresent);
        if (_slotIndex >= slots.Count)
        {
            throw new IOException($"the PKCS #11 module has {slots.Count} slots with a token, so none of index {_slotIndex}");
        }

        ISession session = slots[_slotIndex].OpenSession(SessionType.ReadWrite);
        try
        {
            session.Login(CKU.CKU_USER, _pin.Reveal().ToArray());
        }
        catch (Pkcs11Exception e) when (e.RV == CKR.CKR_USER_ALREADY_LOGGED_IN)
        {
            // Another session of this process logged in, which counts for all.
        }
        catch
        {
            session.Dispose();
            throw;
        }

        return session;
    }

    private void Close()
    {
        try
        {
            _session?.Dispose();
        }
        catch (Pkcs11Exception)
        {
            // It was gone already.
        }

        _session = null;
    }
}
