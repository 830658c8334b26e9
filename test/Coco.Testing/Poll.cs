// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace Coco.Testing;

/// <summary>Waits for what another process does in its own time.</summary>
public static class Poll
{
    /// <summary>Asks again and again until the answer is yes; throws a <see cref="TimeoutException"/> that names what did not come.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition, string what, TimeSpan limit)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed > limit)
            {
                throw new TimeoutException(what + " did not come");
            }

            await Task.Delay(50);
        }
    }
}
