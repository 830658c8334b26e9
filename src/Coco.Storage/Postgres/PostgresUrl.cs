// SPDX-License-Identifier: Apache-2.0
using Npgsql;

namespace Coco.Storage;

/// <summary>Turns a <c>postgres://user:password@host:port/database</c> URL (the form of <c>POSTGRES_URL</c>) into a connection string.</summary>
public static class PostgresUrl
{
    /// <summary>Gives other text back as it is.</summary>
    /// <exception cref="ArgumentException">The URL does not parse.</exception>
    public static string ToConnectionString(string text)
    {
        if (!text.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase) && !text.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase))
        {
            return text;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url))
        {
            throw new ArgumentException("the PostgreSQL URL does not parse", nameof(text));
        }

        var settings = new NpgsqlConnectionStringBuilder { Host = Uri.UnescapeDataString(url.Host), Port = url.Port > 0 ? url.Port : 5432 };
        string[] user = url.UserInfo.Split(':', 2);
        if (user[0].Length > 0)
        {
            settings.Username = Uri.UnescapeDataString(user[0]);
        }

        if (user.Length > 1)
        {
            settings.Password = Uri.UnescapeDataString(user[1]);
        }

        string database = Uri.UnescapeDataString(url.AbsolutePath.TrimStart('/'));
        if (database.Length > 0)
        {
            settings.Database = database;
        }

        foreach (string pair in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = pair.Split('=', 2);
            if (parts[0] == "sslmode" && parts.Length == 2 && Enum.TryParse(parts[1].Replace("-", string.Empty, StringComparison.Ordinal), true, out SslMode mode))
            {
                settings.SslMode = mode;
            }
            else if (parts[0] == "host" && parts.Length == 2)
            {
                settings.Host = Uri.UnescapeDataString(parts[1]);
            }
        }

        return settings.ConnectionString;
    }
}
