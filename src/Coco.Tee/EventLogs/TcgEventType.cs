// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.EventLogs;

/// <summary>Event types (TCG PC Client Platform Firmware Profile, section 10.4.1) and how their data are read.</summary>
public static class TcgEventType
{
    /// <summary>EV_NO_ACTION.</summary>
    public const uint NoAction = 0x3;

    /// <summary>EV_SEPARATOR.</summary>
    public const uint Separator = 0x4;

    /// <summary>EV_EVENT_TAG.</summary>
    public const uint EventTag = 0x6;

    /// <summary>EV_IPL.</summary>
    public const uint Ipl = 0xD;

    /// <summary>EV_EFI_BOOT_SERVICES_APPLICATION.</summary>
    public const uint EfiBootServicesApplication = 0x80000003;

    /// <summary>EV_PLATFORM_CONFIG_FLAGS.</summary>
    public const uint PlatformConfigFlags = 0xA;

    /// <summary>The name in claims; null for a type that logs may not have.</summary>
    public static string? ToName(uint type) => type switch
    {
        0x0 => "EV_PREBOOT_CERT",
        0x1 => "EV_POST_CODE",
        0x2 => "EV_UNUSED",
        NoAction => "EV_NO_ACTION",
        Separator => "EV_SEPARATOR",
        0x5 => "EV_ACTION",
        EventTag => "EV_EVENT_TAG",
        0x7 => "EV_S_CRTM_CONTENTS",
        0x8 => "EV_S_CRTM_VERSION",
        0x9 => "EV_CPU_MICROCODE",
        PlatformConfigFlags => "EV_PLATFORM_CONFIG_FLAGS",
        0xB => "EV_TABLE_OF_DEVICES",
        0xC => "EV_COMPACT_HASH",
        Ipl => "EV_IPL",
        0xE => "EV_IPL_PARTITION_DATA",
        0xF => "EV_NONHOST_CODE",
        0x10 => "EV_NONHOST_CONFIG",
        0x11 => "EV_NONHOST_INFO",
        0x12 => "EV_OMIT_BOOT_DEVICE_EVENTS",
        0x80000000 => "EV_EFI_EVENT_BASE",
        0x80000001 => "EV_EFI_VARIABLE_DRIVER_CONFIG",
        0x80000002 => "EV_EFI_VARIABLE_BOOT",
        EfiBootServicesApplication => "EV_EFI_BOOT_SERVICES_APPLICATION",
        0x80000004 => "EV_EFI_BOOT_SERVICES_DRIVER",
        0x80000005 => "EV_EFI_RUNTIME_SERVICES_DRIVER",
        0x80000006 => "EV_EFI_GPT_EVENT",
        0x80000007 => "EV_EFI_ACTION",
        0x80000008 => "EV_EFI_PLATFORM_FIRMWARE_BLOB",
        0x80000009 => "EV_EFI_HANDOFF_TABLES",
        0x8000000A => "EV_EFI_PLATFORM_FIRMWARE_BLOB2",
        0x8000000B => "EV_EFI_HANDOFF_TABLES2",
        0x8000000C => "EV_EFI_VARIABLE_BOOT2",
        0x80000010 => "EV_EFI_HCRTM_EVENT",
        0x800000E0 => "EV_EFI_VARIABLE_AUTHORITY",
        0x800000E1 => "EV_EFI_SPDM_FIRMWARE_BLOB",
        0x800000E2 => "EV_EFI_SPDM_FIRMWARE_CONFIG",
        _ => null,
    };

    /// <summary>How the event data of a type are read.</summary>
    internal static EventDataForm FormOf(uint type) => type switch
    {
        0x1 or 0x5 or 0xC or 0x12 or 0x80000007 => EventDataForm.Text,
        EventTag => EventDataForm.Tag,
        PlatformConfigFlags => EventDataForm.Flags,
        Ipl => EventDataForm.InitialProgramLoader,
        0x80000001 or 0x80000002 or 0x8000000C or 0x800000E0 => EventDataForm.Variable,
        EfiBootServicesApplication => EventDataForm.Image,
        0x8000000A or 0x8000000B => EventDataForm.Blob2,
        _ => EventDataForm.None,
    };
}

/// <summary>The forms of event data (tee-evidence.md 4.5).</summary>
internal enum EventDataForm
{
    /// <summary>Not read.</summary>
    None,

    /// <summary>UTF-8.</summary>
    Text,

    /// <summary>UTF-8 with control characters.</summary>
    Flags,

    /// <summary>Length byte, description, blob.</summary>
    Blob2,

    /// <summary>What a boot loader measured.</summary>
    InitialProgramLoader,

    /// <summary>UEFI_VARIABLE_DATA.</summary>
    Variable,

    /// <summary>UEFI_IMAGE_LOAD_EVENT.</summary>
    Image,

    /// <summary>TCG_PCClientTaggedEvent.</summary>
    Tag,
}
