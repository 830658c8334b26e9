// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Launch;

/// <summary>Launch digests of SNP guests: the MEASUREMENT that a report of such a guest holds.</summary>
/// <remarks>Source: kubernetes.md 4.8.</remarks>
public static class SnpLaunch
{
    private const ulong FourGigabytes = 1UL << 32;

    /// <summary>The digest, 48 bytes.</summary>
    /// <param name="firmware">The image; with <paramref name="firmwareDigest"/> only its table is used.</param>
    /// <param name="options">What else the guest is launched with.</param>
    /// <param name="firmwareDigest">The digest after the firmware's pages (see <see cref="FirmwareDigest"/>); empty: it is computed.</param>
    public static Result<byte[]> Snp(OvmfFirmware firmware, LaunchOptions options, ReadOnlySpan<byte> firmwareDigest = default)
    {
        ArgumentNullException.ThrowIfNull(firmware);
        ArgumentNullException.ThrowIfNull(options);
        if (firmwareDigest.Length is not (0 or SnpLaunchContext.DigestLength))
        {
            return new Refusal(RefusalCode.Malformed, $"a firmware digest has {SnpLaunchContext.DigestLength} bytes, not {firmwareDigest.Length}");
        }

        if (!Processors.PagesOf(firmware, options, options.GuestFeatures).TryGet(out Processors? processors, out Refusal? refusal))
        {
            return refusal;
        }

        var context = new SnpLaunchContext(firmwareDigest);
        if (firmwareDigest.IsEmpty)
        {
            context.Normal(FourGigabytes - (ulong)firmware.Raw.Length, firmware.Raw.Span);
        }

        if (AddSections(context, firmware, options) is { } bad)
        {
            return bad;
        }

        for (int i = 0; i < options.Vcpus; i++)
        {
            context.Processor(processors.Page(i));
        }

        return context.Digest;
    }

    /// <summary>The digest of a guest that is started by an SVSM, 48 bytes. The monitor is QEMU; a kernel is not measured.</summary>
    /// <param name="firmware">The guest's firmware.</param>
    /// <param name="svsm">The SVSM image.</param>
    /// <param name="variableStoreLength">Length of the firmware's variable store, which lies between the two, in bytes.</param>
    /// <param name="options">Processors.</param>
    public static Result<byte[]> WithSvsm(OvmfFirmware firmware, OvmfFirmware svsm, uint variableStoreLength, LaunchOptions options)
    {
        ArgumentNullException.ThrowIfNull(firmware);
        ArgumentNullException.ThrowIfNull(svsm);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Monitor != LaunchMonitor.Qemu || options.Kernel is not null || options.Vcpus is < 1 or > 4096)
        {
            return new Refusal(RefusalCode.Unsupported, "an SVSM is launched by QEMU, without a measured kernel, with 1 to 4096 processors");
        }

        if (!SvsmEntry(firmware, svsm, variableStoreLength).TryGet(out uint entry, out Refusal? refusal))
        {
            return refusal;
        }

        ulong firmwareAddress = FourGigabytes - (ulong)firmware.Raw.Length;
        ulong svsmAddress = firmwareAddress - variableStoreLength - (ulong)svsm.Raw.Length;
        var context = new SnpLaunchContext();
        context.Normal(firmwareAddress, firmware.Raw.Span);
        context.Normal(svsmAddress, svsm.Raw.Span);
        if (AddSections(context, svsm, options) is { } bad)
        {
            return bad;
        }

        byte[] processor = Vmsa.BuildForSvsm(entry, options);
        for (int i = 0; i < options.Vcpus; i++)
        {
            context.Processor(processor);
        }

        return context.Digest;
    }

    /// <summary>Where processors start in an SVSM that lies below a firmware and its variable store.</summary>
    public static Result<uint> SvsmEntry(OvmfFirmware firmware, OvmfFirmware svsm, uint variableStoreLength)
    {
        ArgumentNullException.ThrowIfNull(firmware);
        ArgumentNullException.ThrowIfNull(svsm);
        if (svsm.SvsmEntry is not { } entry)
        {
            return new Refusal(RefusalCode.Malformed, "the image has no SVSM entry point in its table");
        }

        ulong below = FourGigabytes - (ulong)firmware.Raw.Length;
        return (ulong)svsm.Raw.Length + variableStoreLength > below
            ? new Refusal(RefusalCode.TooLarge, "the images do not fit below 4 GiB")
            : (uint)(below - variableStoreLength - (ulong)svsm.Raw.Length + entry);
    }

    /// <summary>The digest after the firmware's pages alone, 48 bytes: it can stand for the image in <see cref="Snp"/>.</summary>
    public static byte[] FirmwareDigest(OvmfFirmware firmware)
    {
        ArgumentNullException.ThrowIfNull(firmware);
        var context = new SnpLaunchContext();
        context.Normal(FourGigabytes - (ulong)firmware.Raw.Length, firmware.Raw.Span);
        return context.Digest;
    }

    /// <summary>The digests for 1, 2, 3 … processors; null when the inputs cannot be launched. Stops where the firmware does not start further ones.</summary>
    internal static IEnumerable<byte[]>? Walk(OvmfFirmware firmware, LaunchOptions options, byte[] firmwareDigest, int most)
    {
        int vcpus = firmware.ResetEip is null ? 1 : most;
        var context = new SnpLaunchContext(firmwareDigest);
        return AddSections(context, firmware, options) is null
            && Processors.PagesOf(firmware, options with { Vcpus = vcpus }, options.GuestFeatures).TryGet(out Processors? processors, out _)
                ? Enumerate(context, processors, vcpus)
                : null;

        static IEnumerable<byte[]> Enumerate(SnpLaunchContext context, Processors processors, int vcpus)
        {
            byte[] boot = SnpLaunchContext.HashPage(processors.Page(0)), other = SnpLaunchContext.HashPage(processors.Page(1));
            for (int i = 0; i < vcpus; i++)
            {
                context.HashedProcessor(i == 0 ? boot : other);
                yield return context.Digest;
            }
        }
    }

    private static Refusal? AddSections(SnpLaunchContext context, OvmfFirmware firmware, LaunchOptions options)
    {
        bool kernelMeasured = false;
        foreach (OvmfSection section in firmware.Sections)
        {
            switch (section.Type)
            {
                case OvmfSectionType.SecureMemory when options.Monitor == LaunchMonitor.Gce:
                    context.Unmeasured(section.Address, section.Size);
                    break;
                case OvmfSectionType.SecureMemory or OvmfSectionType.SvsmCallingArea:
                    context.Zero(section.Address, section.Size);
                    break;
                case OvmfSectionType.Secrets:
                    context.Secrets(section.Address);
                    break;
                case OvmfSectionType.Cpuid when options.Monitor == LaunchMonitor.Ec2:
                    // Measured last, below.
                    break;
                case OvmfSectionType.Cpuid:
                    context.Cpuid(section.Address);
                    break;
                case OvmfSectionType.KernelHashes when options.Kernel is null:
                    context.Zero(section.Address, section.Size);
                    break;
                case OvmfSectionType.KernelHashes:
                    if (firmware.HashTableAddress is not { } table || section.Size != SnpLaunchContext.PageLength)
                    {
                        return new Refusal(RefusalCode.Unsupported, "a kernel is given, but the firmware's page for its hashes is not one page, or its place in it is not told");
                    }

                    if (!options.Kernel!.ToPage((int)(table & (SnpLaunchContext.PageLength - 1))).TryGet(out byte[]? page, out Refusal? refusal))
                    {
                        return refusal;
                    }

                    context.Normal(section.Address, page);
                    kernelMeasured = true;
                    break;
                default:
                    return new Refusal(RefusalCode.Unsupported, $"the firmware has a metadata section of the unknown type {(uint)section.Type}");
            }
        }

        if (options.Monitor == LaunchMonitor.Ec2)
        {
            foreach (OvmfSection section in firmware.Sections.Where(s => s.Type == OvmfSectionType.Cpuid))
            {
                context.Cpuid(section.Address);
            }
        }

        return options.Kernel is not null && !kernelMeasured
            ? new Refusal(RefusalCode.Unsupported, "a kernel is given, but the firmware's metadata has no SNP_KERNEL_HASHES section")
            : null;
    }
}
