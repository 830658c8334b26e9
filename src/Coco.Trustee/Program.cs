// SPDX-License-Identifier: Apache-2.0
using Coco.Trustee;

return await TrusteeCommandLine.RunAsync(args).ConfigureAwait(false);
