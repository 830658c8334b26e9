// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Coco.Protocol;

namespace Coco.Cli.EvidenceCommands;

/// <summary>A file that holds evidence, or something of it: bytes, and JSON when it is that.</summary>
internal sealed class EvidenceFile
{
    private const int MaximumLength = 32 * 1024 * 1024;

    private EvidenceFile(string path, ReadOnlyMemory<byte> bytes, JsonElement? json, TeeType? named)
    {
        Path = path;
        Bytes = bytes;
        Json = json;
        NamedTee = named;
    }

    /// <summary>Where it was read from.</summary>
    public string Path { get; }

    /// <summary>All bytes.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The JSON value; null when it is no JSON.</summary>
    public JsonElement? Json { get; }

    /// <summary>The TEE that a wrapper <c>{"tee": …, "evidence": …}</c> names; null without one.</summary>
    public TeeType? NamedTee { get; }

    /// <summary>Reads it; <c>-</c> is standard input.</summary>
    /// <exception cref="CommandFailedException">It cannot be read.</exception>
    public static async Task<EvidenceFile> ReadAsync(string path, CancellationToken ct)
    {
        byte[] bytes;
        try
        {
            if (path == "-")
            {
                using Stream input = Console.OpenStandardInput();
                using var buffer = new MemoryStream();
                await input.CopyToAsync(buffer, ct).ConfigureAwait(false);
                bytes = buffer.ToArray();
            }
            else
            {
                var info = new FileInfo(path);
                if (info.Exists && info.Length > MaximumLength)
                {
                    throw new CommandFailedException($"{path} has {info.Length} bytes, more than {MaximumLength}");
                }

                bytes = await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException($"cannot read {path}: {e.Message}");
        }

        return Of(path, bytes);
    }

    /// <summary>Wraps bytes.</summary>
    public static EvidenceFile Of(string path, byte[] bytes)
    {
        ReadOnlySpan<byte> trimmed = bytes.AsSpan().TrimStart(" \r\n\t"u8);
        if (trimmed.Length == 0 || trimmed[0] is not ((byte)'{' or (byte)'[') || !HostileJson.Parse(trimmed, MaximumLength).TryGet(out JsonElement json, out _))
        {
            return new EvidenceFile(path, bytes, null, null);
        }

        return json.ValueKind == JsonValueKind.Object
            && json.TryGetProperty("tee", out JsonElement tee)
            && tee.ValueKind == JsonValueKind.String
            && json.TryGetProperty("evidence", out JsonElement inner)
            && TeeTypes.TryParse(tee.GetString(), out TeeType named)
                ? new EvidenceFile(path, bytes, inner, named)
                : new EvidenceFile(path, bytes, json, null);
    }

    /// <summary>Whether it is a JSON object with all of these members.</summary>
    public bool HasMembers(params ReadOnlySpan<string> names)
    {
        if (Json is not { ValueKind: JsonValueKind.Object } json)
        {
            return false;
        }

        foreach (string name in names)
        {
            if (!json.TryGetProperty(name, out _))
            {
                return false;
            }
        }

        return true;
    }
}
