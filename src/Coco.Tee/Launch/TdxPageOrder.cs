// SPDX-License-Identifier: Apache-2.0
namespace Coco.Tee.Launch;

/// <summary>In which order a host adds and measures the pages of a section: MRTD depends on it.</summary>
public enum TdxPageOrder
{
    /// <summary>Each page is added and then measured (Linux 6.16 and later).</summary>
    PageByPage,

    /// <summary>All pages of a section are added, then all are measured (kernels before TDX was merged).</summary>
    SectionBySection,
}
