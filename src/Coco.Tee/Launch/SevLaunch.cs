// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;

namespace Coco.Tee.Launch;

/// <summary>Launch digests of plain SEV and SEV-ES guests: SHA-256 over what the firmware measures.</summary>
/// <remarks>Source: kubernetes.md 4.7.</remarks>
public static class SevLaunch
{
    /// <summary>The digest of a plain SEV guest, 32 bytes.</summary>
    public static Result<byte[]> Sev(OvmfFirmware firmware, LaunchOptions options) => Compute(firmware, options, withProcessors: false);

    /// <summary>The digest of a SEV-ES guest, 32 bytes.</summary>
    public static Result<byte[]> SevEs(OvmfFirmware firmware, LaunchOptions options) => Compute(firmware, options, withProcessors: true);

    /// <summary>The SEV-ES digests for 1, 2, 3 … processors; null when the inputs cannot be launched.</summary>
    internal static IEnumerable<byte[]>? Walk(OvmfFirmware firmware, LaunchOptions options, int most)
    {
        int vcpus = firmware.ResetEip is null ? 1 : most;
        if ((options.Kernel is not null && firmware.HashTableAddress is null)
            || !Processors.PagesOf(firmware, options with { Vcpus = vcpus }, features: 0).TryGet(out Processors? processors, out _))
        {
            return null;
        }

        return Enumerate(firmware, options, processors, vcpus);

        static IEnumerable<byte[]> Enumerate(OvmfFirmware firmware, LaunchOptions options, Processors processors, int vcpus)
        {
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            hash.AppendData(firmware.Raw.Span);
            if (options.Kernel is { } kernel)
            {
                hash.AppendData(kernel.ToTable());
            }

            for (int i = 0; i < vcpus; i++)
            {
                hash.AppendData(processors.Page(i));
                yield return hash.GetCurrentHash();
            }
        }
    }

    private static Result<byte[]> Compute(OvmfFirmware firmware, LaunchOptions options, bool withProcessors)
    {
        ArgumentNullException.ThrowIfNull(firmware);
        ArgumentNullException.ThrowIfNull(options);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(firmware.Raw.Span);
        if (options.Kernel is { } kernel)
        {
            if (firmware.HashTableAddress is null)
            {
                return new Refusal(RefusalCode.Unsupported, "a kernel is given, but the firmware does not look at its hashes (no SEV_HASH_TABLE_RV)");
            }

            hash.AppendData(kernel.ToTable());
        }

        if (withProcessors)
        {
            if (!Processors.PagesOf(firmware, options, features: 0).TryGet(out Processors? pages, out Refusal? refusal))
            {
                return refusal;
            }

            for (int i = 0; i < options.Vcpus; i++)
            {
                hash.AppendData(pages.Page(i));
            }
        }

        return hash.GetHashAndReset();
    }
}
