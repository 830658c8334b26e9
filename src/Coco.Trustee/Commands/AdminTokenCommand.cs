// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;

namespace Coco.Trustee;

/// <summary><c>trustee admin-token</c>: prints a short-lived token for a server that was started without a configured administrator.</summary>
internal static class AdminTokenCommand
{
    public static Command Build()
    {
        var hours = new Option<double>("--hours") { Description = "Life of the token in hours", DefaultValueFactory = _ => 8 };
        var subject = new Option<string>("--subject") { Description = "Who it is for, as the audit log shows it", DefaultValueFactory = _ => Environment.UserName };
        var command = new Command("admin-token", "Print a fresh administrator's token") { hours, subject };
        command.SetAction(result =>
        {
            double life = result.GetValue(hours);
            if (life is not (> 0 and <= 24 * 365))
            {
                throw new ArgumentException("--hours takes a number above 0, at most 8760");
            }

            string home = TrusteeCommandLine.HomeOf(result);
            PrivateFiles.CreateFolder(home);
            using AdminAccess admin = AdminAccess.Open(home, TimeProvider.System);
            Console.Out.WriteLine(admin.Issue(result.GetValue(subject)!, "admin", TimeSpan.FromHours(life)));
            return 0;
        });
        return command;
    }
}
