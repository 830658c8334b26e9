// SPDX-License-Identifier: Apache-2.0
using System.Net.Sockets;
using System.Text;

namespace Coco.EndToEnd.Tests;

/// <summary>A TCP connection on which a test misbehaves.</summary>
internal sealed class RawConnection : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TcpClient _client = new();

    public static async Task<RawConnection> OpenAsync(Uri server)
    {
        var connection = new RawConnection();
        await connection._client.ConnectAsync("127.0.0.1", server.Port);
        return connection;
    }

    public async Task SendAsync(string text) => await _client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>Sends one character again and again, until the server ends the connection; gives what it said before.</summary>
    public async Task<string> DripUntilClosedAsync(char c)
    {
        using var stop = new CancellationTokenSource(Limit);
        Task<string> answer = ReadToEndAsync();
        while (!answer.IsCompleted)
        {
            stop.Token.ThrowIfCancellationRequested();
            try
            {
                await SendAsync(c.ToString());
            }
            catch (IOException)
            {
                break;
            }

            await Task.WhenAny(answer, Task.Delay(100, stop.Token));
        }

        return await answer;
    }

    /// <summary>Reads until the server ends the connection.</summary>
    public async Task<string> ReadToEndAsync()
    {
        using var stop = new CancellationTokenSource(Limit);
        var text = new StringBuilder();
        byte[] buffer = new byte[4096];
        try
        {
            for (int n = 1; n > 0; text.Append(Encoding.ASCII.GetString(buffer, 0, n)))
            {
                n = await _client.GetStream().ReadAsync(buffer, stop.Token);
            }
        }
        catch (IOException)
        {
            // A reset ends it as well.
        }

        return text.ToString();
    }

    public void Dispose() => _client.Dispose();
}
