// SPDX-License-Identifier: Apache-2.0
namespace Coco.Storage;

/// <summary>For work in the background that takes long: lets what waits for a thread go first, so that a batch of records does not hold up requests.</summary>
public static class FairTurn
{
    /// <summary>Goes on behind everything that waits for a thread of the pool now.</summary>
    public static Task PassAsync() =>
        Task.Factory.StartNew(static () => { }, CancellationToken.None, TaskCreationOptions.PreferFairness, TaskScheduler.Default);
}
