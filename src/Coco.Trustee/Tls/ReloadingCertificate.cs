// SPDX-License-Identifier: Apache-2.0
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Coco.Trustee;

/// <summary>The server certificate of two PEM files, read again when they change: a renewed certificate needs no restart.</summary>
internal sealed partial class ReloadingCertificate : IDisposable
{
    private readonly string _certificatePath;
    private readonly string _keyPath;
    private readonly ILogger _logger;
    private readonly SelfMadeCertificates? _maker;
    private readonly ITimer _timer;
    private byte[] _stamp;
    private SslStreamCertificateContext _context;

    /// <exception cref="InvalidOperationException">The files are missing, do not parse, or do not belong together.</exception>
    public ReloadingCertificate(string certificatePath, string keyPath, TimeProvider time, ILogger logger, SelfMadeCertificates? maker = null)
    {
        _maker = maker;
        _certificatePath = certificatePath;
        _keyPath = keyPath;
        _logger = logger;
        try
        {
            _stamp = Stamp();
            _context = Load();
        }
        catch (Exception e) when (e is IOException or CryptographicException or UnauthorizedAccessException)
        {
            throw new InvalidOperationException($"the TLS certificate {certificatePath} with key {keyPath} cannot be used: {e.Message}", e);
        }

        _timer = time.CreateTimer(_ => Refresh(), null, Pause(maker), Pause(maker));
    }

    /// <summary>The present certificate with its chain.</summary>
    public SslStreamCertificateContext Current => Volatile.Read(ref _context);

    /// <summary>End of its validity (UTC).</summary>
    public DateTimeOffset NotAfter => new(Current.TargetCertificate.NotAfter.ToUniversalTime());

    /// <summary>Looks whether the files changed; a pair that does not load leaves the old one in place.</summary>
    public void Refresh()
    {
        try
        {
            // A certificate of our own is renewed here too, long before its end.
            _maker?.Ensure();
            byte[] stamp = Stamp();
            if (stamp.AsSpan().SequenceEqual(_stamp))
            {
                return;
            }

            SslStreamCertificateContext fresh = Load();
            _stamp = stamp;
            Volatile.Write(ref _context, fresh);
            Log.Reloaded(_logger, _certificatePath, fresh.TargetCertificate.NotAfter.ToUniversalTime());
        }
        catch (Exception e) when (e is IOException or CryptographicException or UnauthorizedAccessException)
        {
            Log.NotReloaded(_logger, _certificatePath, e.Message);
        }
    }

    private static TimeSpan Pause(SelfMadeCertificates? maker) => maker is null ? TimeSpan.FromSeconds(2) : TimeSpan.FromHours(1);

    public void Dispose() => _timer.Dispose();

    // By content: a mounted secret changes behind links whose own times stay.
    private byte[] Stamp()
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string path in (string[])[_certificatePath, _keyPath])
        {
            byte[] content = File.ReadAllBytes(path);
            digest.AppendData(content);
            CryptographicOperations.ZeroMemory(content);
        }

        return digest.GetHashAndReset();
    }

    private SslStreamCertificateContext Load()
    {
        var leaf = X509Certificate2.CreateFromPemFile(_certificatePath, _keyPath);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(_certificatePath);
        return SslStreamCertificateContext.Create(leaf, chain, offline: true);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 10001, Level = LogLevel.Information, Message = "TLS certificate {Path} was read again; valid until {NotAfter:u}")]
        public static partial void Reloaded(ILogger logger, string path, DateTime notAfter);

        [LoggerMessage(EventId = 10002, Level = LogLevel.Error, Message = "TLS certificate {Path} changed and cannot be used; the old one stays: {Reason}")]
        public static partial void NotReloaded(ILogger logger, string path, string reason);
    }
}
