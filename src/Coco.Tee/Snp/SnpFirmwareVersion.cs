// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Snp;

/// <summary>Version of the SNP firmware.</summary>
/// <param name="Major">API major.</param>
/// <param name="Minor">API minor.</param>
/// <param name="Build">Build.</param>
public readonly record struct SnpFirmwareVersion(byte Major, byte Minor, byte Build)
{
    /// <summary><c>major.minor.build</c>.</summary>
    public override string ToString() => $"{Major}.{Minor}.{Build}";
}
