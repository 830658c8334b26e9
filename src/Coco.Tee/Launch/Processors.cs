// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Launch;

/// <summary>The save areas of a guest's processors: the boot processor's, and one that all others share.</summary>
internal sealed class Processors
{
    private const int MaximumVcpus = 4096;

    private readonly byte[] _boot;
    private readonly byte[] _others;

    private Processors(byte[] boot, byte[] others)
    {
        _boot = boot;
        _others = others;
    }

    internal static Result<Processors> PagesOf(OvmfFirmware firmware, LaunchOptions options, ulong features)
    {
        if (options.Vcpus is < 1 or > MaximumVcpus)
        {
            return new Refusal(RefusalCode.TooLarge, $"{options.Vcpus} processors, 1 to {MaximumVcpus} are taken");
        }

        if (options.Vcpus > 1 && firmware.ResetEip is null)
        {
            return new Refusal(RefusalCode.Unsupported, "the firmware does not say where further processors start (no SEV_ES_RESET_BLOCK)");
        }

        return new Processors(Vmsa.Build(Vmsa.BootEip, features, options), Vmsa.Build(firmware.ResetEip ?? 0, features, options));
    }

    internal byte[] Page(int index) => index == 0 ? _boot : _others;
}
