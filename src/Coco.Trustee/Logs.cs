// SPDX-License-Identifier: Apache-2.0
namespace Coco.Trustee;

/// <summary>Logging: text on a terminal, JSON lines elsewhere; levels by <c>COCO_LOG</c>, or by <c>RUST_LOG</c> as existing deployments set it.</summary>
internal static class Logs
{
    public static void SetUp(ILoggingBuilder logging)
    {
        logging.ClearProviders();
        string? format = Environment.GetEnvironmentVariable("COCO_LOG_FORMAT");
        if (format == "text" || (format is null && !Console.IsOutputRedirected))
        {
            logging.AddSimpleConsole(o =>
            {
                o.SingleLine = true;
                o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
                o.UseUtcTimestamp = true;
            });
        }
        else
        {
            logging.AddJsonConsole(o =>
            {
                o.UseUtcTimestamp = true;
                o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
            });
        }

        logging.SetMinimumLevel(LogLevel.Information);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddFilter("System.Net.Http", LogLevel.Warning);
        logging.AddFilter("Grpc", LogLevel.Warning);
        string? levels = Environment.GetEnvironmentVariable("COCO_LOG") ?? Environment.GetEnvironmentVariable("RUST_LOG");
        foreach (string part in (levels ?? string.Empty).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] pair = part.Split('=', 2);
            if (Level(pair[^1]) is not { } level)
            {
                continue;
            }

            if (pair.Length == 1)
            {
                logging.SetMinimumLevel(level);
            }
            else
            {
                logging.AddFilter("Coco." + pair[0], level);
            }
        }
    }

    private static LogLevel? Level(string name) => name.ToUpperInvariant() switch
    {
        "TRACE" => LogLevel.Trace,
        "DEBUG" => LogLevel.Debug,
        "INFO" => LogLevel.Information,
        "WARN" or "WARNING" => LogLevel.Warning,
        "ERROR" => LogLevel.Error,
        "OFF" => LogLevel.None,
        _ => null,
    };
}
