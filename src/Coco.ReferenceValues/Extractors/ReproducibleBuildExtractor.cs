// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;

namespace Coco.ReferenceValues.Extractors;

/// <summary>
/// Rebuilds software from a build specification and takes the digests of what comes out (rvps.md 6.4). Off unless a builder is configured: the
/// builder runs code that the message chose.
/// </summary>
/// <remarks>
/// The builder is a program of the operator's: <c>BUILDER SPEC-URL DIRECTORY</c>. It writes the outputs below the directory and ends with 0. Every
/// regular file there becomes a reference value named by its file name.
/// </remarks>
internal sealed class ReproducibleBuildExtractor(TimeProvider clock, ReferenceValuesOptions options) : IReferenceValueExtractor
{
    private const int MaxOutputs = 10_000;

    public string ProvenanceType => "reproducible-build";

    public async ValueTask<Result<ExtractedProvenance>> ExtractAsync(string payload, CancellationToken ct)
    {
        if (options.ReproducibleBuilder is not { } builder)
        {
            return new Refusal(RefusalCode.Forbidden, "no builder is configured, so nothing is rebuilt here");
        }

        if (!Payloads.DecodeBase64(payload, "reproducible-build payload").TryGet(out byte[]? bytes, out Refusal? why)
            || !Payloads.ParseJson(bytes, "reproducible-build payload").TryGet(out JsonElement root, out why))
        {
            return why;
        }

        if (root.Text("buildspec_uri") is not { } text || !Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.Scheme != Uri.UriSchemeHttps)
        {
            return new Refusal(RefusalCode.Malformed, "buildspec_uri is not an https URL") { Field = "buildspec_uri" };
        }

        DirectoryInfo directory = Directory.CreateTempSubdirectory("coco-rebuild-");
        try
        {
            return await BuildAsync(builder, uri, directory.FullName, ct).ConfigureAwait(false) is { } failed ? failed : Outputs(directory);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private async ValueTask<Refusal?> BuildAsync(string builder, Uri uri, string directory, CancellationToken ct)
    {
        var info = new ProcessStartInfo(builder) { WorkingDirectory = directory, UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        info.ArgumentList.Add(uri.AbsoluteUri);
        info.ArgumentList.Add(directory);
        Process process;
        try
        {
            process = Process.Start(info)!;
        }
        catch (Win32Exception e)
        {
            return new Refusal(RefusalCode.Unsupported, $"the builder could not be started: {e.Message}");
        }

        using (process)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            limit.CancelAfter(options.ReproducibleBuildTimeout);
            process.StandardInput.Close();
            try
            {
                await Task.WhenAll(
                    process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, limit.Token),
                    process.StandardError.BaseStream.CopyToAsync(Stream.Null, limit.Token),
                    process.WaitForExitAsync(limit.Token)).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                ct.ThrowIfCancellationRequested();
                return new Refusal(RefusalCode.TooLarge, $"the build did not end within {options.ReproducibleBuildTimeout}");
            }

            return process.ExitCode == 0 ? null : new Refusal(RefusalCode.Mismatch, $"the build ended with {process.ExitCode}");
        }
    }

    private Result<ExtractedProvenance> Outputs(DirectoryInfo directory)
    {
        DateTimeOffset until = ReferenceValueRecord.DefaultExpiration(clock.GetUtcNow());
        var records = new SortedDictionary<string, ReferenceValueRecord>(StringComparer.Ordinal);
        foreach (FileInfo file in directory.EnumerateFiles("*", SearchOption.AllDirectories).Where(f => f.LinkTarget is null).OrderBy(f => f.FullName, StringComparer.Ordinal))
        {
            if (records.Count == MaxOutputs)
            {
                return new Refusal(RefusalCode.TooLarge, $"the build gave more than {MaxOutputs} files");
            }

            using FileStream stream = file.OpenRead();
            string digest = Convert.ToHexStringLower(SHA256.HashData(stream));
            if (!records.TryAdd(file.Name, ReferenceValueRecord.OfHashes(file.Name, [new HashEntry("sha256", digest)], until)))
            {
                return new Refusal(RefusalCode.Conflict, $"the build gave two files named '{file.Name}', and names are all that reference values are told apart by");
            }
        }

        return records.Count == 0
            ? new Refusal(RefusalCode.NotFound, "the build gave no file")
            : new ExtractedProvenance([.. records.Values], []);
    }
}
