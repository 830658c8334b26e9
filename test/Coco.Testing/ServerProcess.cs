// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Coco.Testing;

/// <summary>A real server that a test started; ended by its own process id.</summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private readonly StringBuilder _output = new();

    private ServerProcess(Process process)
    {
        Process = process;
        process.OutputDataReceived += (_, e) => Append(e.Data);
        process.ErrorDataReceived += (_, e) => Append(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>The process.</summary>
    public Process Process { get; }

    /// <summary>What it wrote so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Starts a program.</summary>
    public static ServerProcess Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? folder = null)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder ?? string.Empty };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return new ServerProcess(Process.Start(start) ?? throw new InvalidOperationException(program + " did not start"));
    }

    /// <summary>Runs a program to its end and gives its output; throws when it fails.</summary>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? folder = null)
    {
        await using ServerProcess run = Start(program, arguments, environment, folder);
        await run.Process.WaitForExitAsync();
        return run.Process.ExitCode == 0
            ? run.Output
            : throw new InvalidOperationException($"{program} ended with {run.Process.ExitCode}: {run.Output}");
    }

    /// <summary>Waits until something accepts connections on a loopback port; throws with the server's output when it ends before.</summary>
    public async Task WaitForPortAsync(int port, TimeSpan limit)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < limit)
        {
            if (Process.HasExited)
            {
                throw new InvalidOperationException("the server ended: " + Output);
            }

            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync("127.0.0.1", port);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(50);
            }
        }

        throw new TimeoutException("the server did not listen: " + Output);
    }

    /// <summary>Waits until its output holds a text, or holds it several times.</summary>
    public async Task WaitForOutputAsync(string text, TimeSpan limit, int times = 1)
    {
        var clock = Stopwatch.StartNew();
        while (Output.Split(text).Length <= times)
        {
            if (Process.HasExited)
            {
                await Process.WaitForExitAsync();
                if (Output.Split(text).Length > times)
                {
                    return;
                }

                throw new InvalidOperationException("the server ended: " + Output);
            }

            if (clock.Elapsed > limit)
            {
                throw new TimeoutException($"'{text}' did not come: {Output}");
            }

            await Task.Delay(20);
        }
    }

    /// <summary>Ends it without warning (SIGKILL).</summary>
    public async Task KillAsync()
    {
        if (!Process.HasExited)
        {
            Process.Kill(entireProcessTree: true);
        }

        await Process.WaitForExitAsync();
    }

    /// <summary>Asks it to end (SIGTERM) and waits; kills it when it does not.</summary>
    public async Task TerminateAsync(TimeSpan limit)
    {
        if (Process.HasExited)
        {
            return;
        }

        using Process kill = Process.Start(new ProcessStartInfo("/bin/kill") { ArgumentList = { "-TERM", Process.Id.ToString() } })!;
        await kill.WaitForExitAsync();
        using var timeout = new CancellationTokenSource(limit);
        try
        {
            await Process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            await KillAsync();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Process.Dispose();
    }

    private void Append(string? line)
    {
        if (line is not null)
        {
            lock (_output)
            {
                _output.AppendLine(line);
            }
        }
    }
}
