// SPDX-License-Identifier: Apache-2.0
using Coco.Tee.Intel;
using Coco.Verifiers.Intel;

namespace Coco.Verifiers.Tests.Intel;

public sealed class TcbEvaluationTests
{
    [Theory]
    [InlineData(TcbStatus.UpToDate, TcbStatus.UpToDate, TcbStatus.UpToDate, TcbStatus.UpToDate)]
    [InlineData(TcbStatus.UpToDate, null, TcbStatus.ConfigurationNeeded, TcbStatus.UpToDate)]
    [InlineData(TcbStatus.UpToDate, TcbStatus.OutOfDate, TcbStatus.UpToDate, TcbStatus.OutOfDate)]
    [InlineData(TcbStatus.UpToDate, null, TcbStatus.OutOfDateConfigurationNeeded, TcbStatus.OutOfDate)]
    [InlineData(TcbStatus.SwHardeningNeeded, TcbStatus.UpToDate, TcbStatus.OutOfDate, TcbStatus.OutOfDate)]
    [InlineData(TcbStatus.ConfigurationNeeded, TcbStatus.OutOfDate, TcbStatus.UpToDate, TcbStatus.OutOfDateConfigurationNeeded)]
    [InlineData(TcbStatus.ConfigurationAndSwHardeningNeeded, null, TcbStatus.OutOfDate, TcbStatus.OutOfDateConfigurationNeeded)]
    [InlineData(TcbStatus.OutOfDate, TcbStatus.OutOfDate, TcbStatus.OutOfDate, TcbStatus.OutOfDate)]
    [InlineData(TcbStatus.OutOfDateConfigurationNeeded, TcbStatus.OutOfDate, TcbStatus.UpToDate, TcbStatus.OutOfDateConfigurationNeeded)]
    [InlineData(TcbStatus.UpToDate, TcbStatus.Revoked, TcbStatus.UpToDate, TcbStatus.Revoked)]
    [InlineData(TcbStatus.UpToDate, TcbStatus.OutOfDate, TcbStatus.Revoked, TcbStatus.Revoked)]
    [InlineData(TcbStatus.Revoked, null, TcbStatus.UpToDate, TcbStatus.Revoked)]
    public void Merge_AsIntelsLibrariesDo(TcbStatus platform, TcbStatus? module, TcbStatus quotingEnclave, TcbStatus expected) =>
        Assert.Equal(expected, TcbEvaluation.Merge(platform, module, quotingEnclave));

    [Theory]
    [InlineData(TcbStatus.OutOfDate, TcbStatus.UpToDate, TcbStatus.TdRelaunchAdvised)]
    [InlineData(TcbStatus.OutOfDate, TcbStatus.SwHardeningNeeded, TcbStatus.TdRelaunchAdvised)]
    [InlineData(TcbStatus.OutOfDate, TcbStatus.ConfigurationNeeded, TcbStatus.TdRelaunchAdvisedConfigurationNeeded)]
    [InlineData(TcbStatus.OutOfDateConfigurationNeeded, TcbStatus.UpToDate, TcbStatus.TdRelaunchAdvisedConfigurationNeeded)]
    [InlineData(TcbStatus.OutOfDate, TcbStatus.OutOfDate, TcbStatus.OutOfDate)]
    [InlineData(TcbStatus.UpToDate, TcbStatus.OutOfDate, TcbStatus.UpToDate)]
    [InlineData(TcbStatus.Revoked, TcbStatus.UpToDate, TcbStatus.Revoked)]
    public void AdviseRelaunch_OnlyWhenTheRunningModuleIsCurrent(TcbStatus launch, TcbStatus current, TcbStatus expected) =>
        Assert.Equal(expected, TcbEvaluation.AdviseRelaunch(launch, current));
}
