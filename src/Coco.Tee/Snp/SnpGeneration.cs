// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Snp;

/// <summary>Processor generation; its name is the product name of AMD's key distribution service.</summary>
public enum SnpGeneration
{
    /// <summary>Family 0x19, models 0x00 to 0x0F.</summary>
    Milan,

    /// <summary>Family 0x19, models 0x10 to 0x1F and 0xA0 to 0xAF (Bergamo and Siena with it).</summary>
    Genoa,

    /// <summary>Family 0x1A, models 0x00 to 0x11.</summary>
    Turin,
}

/// <summary>From CPUID to generation, and its wire name.</summary>
public static class SnpGenerations
{
    /// <summary>The generation of a family and model (tee-evidence.md 2.6); a refusal for processors without known certificates.</summary>
    public static Result<SnpGeneration> Of(byte family, byte model) => (family, model) switch
    {
        (0x19, <= 0x0F) => SnpGeneration.Milan,
        (0x19, >= 0x10 and <= 0x1F) => SnpGeneration.Genoa,
        (0x19, >= 0xA0 and <= 0xAF) => SnpGeneration.Genoa,
        (0x1A, <= 0x11) => SnpGeneration.Turin,
        (0x19 or 0x1A, _) => new Refusal(RefusalCode.Unsupported, $"Processor model not supported: family 0x{family:x2}, model 0x{model:x2}") { Field = "CPUID_MOD_ID", Offset = SnpReportLayout.CpuModel },
        _ => new Refusal(RefusalCode.Unsupported, $"Processor family not supported: 0x{family:x2}") { Field = "CPUID_FAM_ID", Offset = SnpReportLayout.CpuFamily },
    };

    /// <summary>The product name in addresses and certificates: <c>Milan</c>, <c>Genoa</c>, <c>Turin</c>.</summary>
    public static string ProductName(this SnpGeneration generation) => generation switch
    {
        SnpGeneration.Milan => "Milan",
        SnpGeneration.Genoa => "Genoa",
        SnpGeneration.Turin => "Turin",
        _ => throw new ArgumentOutOfRangeException(nameof(generation)),
    };

    /// <summary>The generation of a product name, with or without a stepping (<c>Milan-B0</c>); false for others.</summary>
    public static bool TryParse(string? productName, out SnpGeneration generation)
    {
        ReadOnlySpan<char> name = productName;
        int dash = name.IndexOf('-');
        name = dash < 0 ? name : name[..dash];
        foreach (SnpGeneration one in (ReadOnlySpan<SnpGeneration>)[SnpGeneration.Milan, SnpGeneration.Genoa, SnpGeneration.Turin])
        {
            if (name.SequenceEqual(one.ProductName()))
            {
                generation = one;
                return true;
            }
        }

        generation = default;
        return false;
    }
}
