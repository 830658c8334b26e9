// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Coco.KeyBroker;

/// <summary>Settings of the <c>nebula-ca</c> plugin.</summary>
public sealed record NebulaCaOptions
{
    /// <summary>Where the certificate authority is kept.</summary>
    public required string WorkDirectory { get; init; }

    /// <summary>The program <c>nebula-cert</c>.</summary>
    public required string ProgramPath { get; init; }

    /// <summary>Name of the certificate authority.</summary>
    public string CaName { get; init; } = "Trustee Nebula CA plugin";

    /// <summary>Other options of <c>nebula-cert ca</c>, without dashes in front.</summary>
    public ImmutableSortedDictionary<string, string> CaOptions { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}

/// <summary>The <c>nebula-ca</c> plugin: certificates of the overlay network Nebula for attested guests, signed by an authority of its own (kbs.md 3.2, 7.5).</summary>
internal sealed partial class NebulaCaPlugin(NebulaCaOptions options, ILogger<NebulaCaPlugin> log) : IBrokerPlugin
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly SemaphoreSlim _gate = new(1, 1);

    public string Name => "nebula-ca";

    private string CaCertificate => Path.Combine(options.WorkDirectory, "ca", "ca.crt");

    private string CaKey => Path.Combine(options.WorkDirectory, "ca", "ca.key");

    public ValueTask<Result<bool>> RequiresAdminAsync(BrokerRequest request, CancellationToken ct) => new(false);

    public ValueTask<Result<bool>> RequiresEncryptionAsync(BrokerRequest request, CancellationToken ct) => new(true);

    public async ValueTask<Result<Secret>> HandleAsync(BrokerRequest request, CancellationToken ct)
    {
        if (request.Method != "GET" || request.Path is not ["credential"])
        {
            return new Refusal(RefusalCode.NotFound, "the plugin gives credentials only");
        }

        if (!Arguments(request.Query).TryGet(out ImmutableArray<string> wanted, out Refusal? refusal))
        {
            return refusal;
        }

        await EnsureAuthorityAsync(ct);
        string folder = Path.Combine(options.WorkDirectory, "tmp-" + Path.GetRandomFileName());
        CreateFolder(folder);
        try
        {
            string certificate = Path.Combine(folder, "node.crt");
            string key = Path.Combine(folder, "node.key");
            if (await RunAsync(["sign", "-ca-crt", CaCertificate, "-ca-key", CaKey, "-out-crt", certificate, "-out-key", key, .. wanted], ct) is { } failed)
            {
                return failed;
            }

            return Answer(await File.ReadAllBytesAsync(certificate, ct), await File.ReadAllBytesAsync(key, ct), await File.ReadAllBytesAsync(CaCertificate, ct));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The options of the program, out of a guest's query: only what has the form that its name says, so that nothing becomes an option of its own.</summary>
    internal static Result<ImmutableArray<string>> Arguments(ImmutableSortedDictionary<string, string> query)
    {
        var arguments = ImmutableArray.CreateBuilder<string>();
        if (!query.TryGetValue("name", out string? name) || !IsWord(name, 253))
        {
            return Bad("name", "letters, digits, '.', '_' and '-'");
        }

        if (!query.TryGetValue("ip", out string? ip) || !IsNetwork(ip))
        {
            return Bad("ip", "an address with the length of its prefix");
        }

        arguments.AddRange("-name", name, "-ip", ip);
        if (query.TryGetValue("duration", out string? duration))
        {
            if (duration.Length is 0 or > 32 || !duration.All(static c => char.IsAsciiDigit(c) || c is 'h' or 'm' or 's' or '.'))
            {
                return Bad("duration", "numbers with h, m, s");
            }

            arguments.AddRange("-duration", duration);
        }

        if (query.TryGetValue("groups", out string? groups))
        {
            if (groups.Length > 1024 || !groups.Split(',').All(static g => IsWord(g, 128)))
            {
                return Bad("groups", "words with commas between");
            }

            arguments.AddRange("-groups", groups);
        }

        if (query.TryGetValue("subnets", out string? subnets))
        {
            if (subnets.Length > 1024 || !subnets.Split(',').All(IsNetwork))
            {
                return Bad("subnets", "networks with commas between");
            }

            arguments.AddRange("-subnets", subnets);
        }

        return arguments.ToImmutable();
    }

    private static bool IsWord(string text, int max) =>
        text.Length > 0 && text.Length <= max && text[0] != '-' && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or ':');

    private static bool IsNetwork(string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && IPAddress.TryParse(text.AsSpan(0, slash), out IPAddress? address)
            && int.TryParse(text.AsSpan(slash + 1), System.Globalization.NumberStyles.None, null, out int bits)
            && bits <= (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128)
            && !text.Contains('%', StringComparison.Ordinal);
    }

    private static Refusal Bad(string name, string allowed) => new(RefusalCode.Malformed, $"'{name}' must be {allowed}") { Field = name };

    private static Result<Secret> Answer(byte[] certificate, byte[] key, byte[] ca)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>((certificate.Length + key.Length + ca.Length) * 4);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            Numbers(json, "node_crt", certificate);
            Numbers(json, "node_key", key);
            Numbers(json, "ca_crt", ca);
            json.WriteEndObject();
        }

        CryptographicOperations.ZeroMemory(key);
        var secret = Secret.CopyOf(buffer.WrittenSpan);
        buffer.Clear();
        return secret;
    }

    // The reference's form for bytes (kbs.md 3.2).
    private static void Numbers(Utf8JsonWriter json, string name, byte[] bytes)
    {
        json.WriteStartArray(name);
        foreach (byte b in bytes)
        {
            json.WriteNumberValue((int)b);
        }

        json.WriteEndArray();
    }

    private async ValueTask EnsureAuthorityAsync(CancellationToken ct)
    {
        await _gate.WaitAsync(ct);
        try
        {
            if (File.Exists(CaCertificate) && File.Exists(CaKey))
            {
                return;
            }

            CreateFolder(Path.Combine(options.WorkDirectory, "ca"));
            IEnumerable<string> more = options.CaOptions.SelectMany(static o => new[] { "-" + o.Key, o.Value });
            if (await RunAsync(["ca", "-name", options.CaName, "-out-crt", CaCertificate, "-out-key", CaKey, .. more], ct) is { } failed)
            {
                throw new IOException("the certificate authority could not be made: " + failed.Detail);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private async ValueTask<Refusal?> RunAsync(ImmutableArray<string> arguments, CancellationToken ct)
    {
        var start = new ProcessStartInfo(options.ProgramPath, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limited.CancelAfter(Limit);
        using Process process = Process.Start(start) ?? throw new IOException("nebula-cert cannot be started");
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(limited.Token);
            string error = await process.StandardError.ReadToEndAsync(limited.Token);
            error += await output;
            await process.WaitForExitAsync(limited.Token);
            if (process.ExitCode == 0)
            {
                return null;
            }

            Log.Failed(log, arguments[0], error.Trim());
            return new Refusal(RefusalCode.Malformed, "nebula-cert refuses: " + error.Trim());
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    private static void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5070, LogLevel.Warning, "nebula-cert {Command} failed: {Error}")]
        public static partial void Failed(ILogger logger, string command, string error);
    }
}
