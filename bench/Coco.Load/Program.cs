// SPDX-License-Identifier: Apache-2.0
using Coco.Load;

if (args is ["bare", var bareOptions])
{
    string[] parts = bareOptions.Split(',');
    await BareServer.RunAsync(int.Parse(parts[0]), parts.Contains("plain"));
    return 0;
}

return await LoadSuite.RunAsync(args);
