// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Intel;

/// <summary>How current a platform, module or quoting enclave is. Wire names: <see cref="TcbStatuses"/>.</summary>
public enum TcbStatus
{
    /// <summary>All known issues are mitigated.</summary>
    UpToDate,

    /// <summary>Software of the TEE has to be hardened.</summary>
    SwHardeningNeeded,

    /// <summary>The platform has to be configured.</summary>
    ConfigurationNeeded,

    /// <summary>Both.</summary>
    ConfigurationAndSwHardeningNeeded,

    /// <summary>Below the level that mitigates all known issues.</summary>
    OutOfDate,

    /// <summary>The same, and the platform has to be configured.</summary>
    OutOfDateConfigurationNeeded,

    /// <summary>The TD was launched by an older module than the one that runs now: launching it again makes it current.</summary>
    TdRelaunchAdvised,

    /// <summary>The same, and the platform has to be configured.</summary>
    TdRelaunchAdvisedConfigurationNeeded,

    /// <summary>Revoked: nothing it says is trusted.</summary>
    Revoked,
}

/// <summary>The names of <see cref="TcbStatus"/> as Intel's collateral and the claims write them (case-sensitive).</summary>
public static class TcbStatuses
{
    /// <summary>The name.</summary>
    public static string ToWireName(this TcbStatus status) => status switch
    {
        TcbStatus.UpToDate => "UpToDate",
        TcbStatus.SwHardeningNeeded => "SWHardeningNeeded",
        TcbStatus.ConfigurationNeeded => "ConfigurationNeeded",
        TcbStatus.ConfigurationAndSwHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
        TcbStatus.OutOfDate => "OutOfDate",
        TcbStatus.OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
        TcbStatus.TdRelaunchAdvised => "TDRelaunchAdvised",
        TcbStatus.TdRelaunchAdvisedConfigurationNeeded => "TDRelaunchAdvisedConfigurationNeeded",
        TcbStatus.Revoked => "Revoked",
        _ => throw new ArgumentOutOfRangeException(nameof(status)),
    };

    /// <summary>The status of a name; the two relaunch statuses included, which only verifiers give.</summary>
    public static bool TryParse(string? name, out TcbStatus status)
    {
        for (status = TcbStatus.UpToDate; status <= TcbStatus.Revoked; status++)
        {
            if (name == status.ToWireName())
            {
                return true;
            }
        }

        status = TcbStatus.Revoked;
        return false;
    }
}
