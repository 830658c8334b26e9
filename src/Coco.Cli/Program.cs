// SPDX-License-Identifier: Apache-2.0
using Coco.Cli;

return await CommandLine.RunAsync(args, ProgramName.Get()).ConfigureAwait(false);
