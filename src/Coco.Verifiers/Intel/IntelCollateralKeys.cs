// SPDX-License-Identifier: Apache-2.0
using Coco.Tee.Intel;

namespace Coco.Verifiers.Intel;

/// <summary>Names of the four pieces of collateral that a quote needs (forms of <see cref="CollateralKinds"/>).</summary>
/// <param name="TcbInfo">TCB info.</param>
/// <param name="QeIdentity">QE identity.</param>
/// <param name="PckCrl">List of the PCK CA.</param>
/// <param name="RootCrl">List of the root.</param>
public sealed record IntelCollateralKeys(CollateralKey TcbInfo, CollateralKey QeIdentity, CollateralKey PckCrl, CollateralKey RootCrl)
{
    /// <summary>The names for a platform.</summary>
    /// <param name="tee">What its quotes speak of.</param>
    /// <param name="fmspc">FMSPC, hexadecimal.</param>
    /// <param name="isPlatformCa">Whether the Platform CA issued its PCK certificate; else the Processor CA did.</param>
    /// <param name="series">Which series.</param>
    public static IntelCollateralKeys For(IntelTee tee, string fmspc, bool isPlatformCa, TcbUpdateSeries series)
    {
        ArgumentNullException.ThrowIfNull(fmspc);
        string kind = tee == IntelTee.TrustDomain ? "tdx" : "sgx";
        string update = series == TcbUpdateSeries.Early ? "early" : "standard";
        return new IntelCollateralKeys(
            new CollateralKey(CollateralKinds.IntelTcbInfo, $"{kind}/{fmspc.ToUpperInvariant()}/{update}"),
            new CollateralKey(CollateralKinds.IntelQeIdentity, $"{kind}/{update}"),
            new CollateralKey(CollateralKinds.IntelPckCrl, isPlatformCa ? "platform" : "processor"),
            new CollateralKey(CollateralKinds.IntelRootCrl, "root"));
    }
}
