// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Coco.ReferenceValues;
using Grpc.Net.Client;

namespace Coco.Cli.Measure;

/// <summary>How measurements are printed, and registered as reference values.</summary>
internal sealed class MeasureOutput
{
    private readonly Option<string> _format = FormatOption();
    private readonly Option<string?> _name = new("--name") { Description = "name of the (first) reference value, instead of the default policy's" };
    private readonly Option<string?> _register = new("--register") { Description = "address of a reference value provider that gets them, for example http://127.0.0.1:50003" };

    /// <summary>Adds the options.</summary>
    public void AddTo(Command command)
    {
        command.Add(_format);
        command.Add(_name);
        command.Add(_register);
    }

    /// <summary>Prints, and registers when asked to.</summary>
    public async Task<int> WriteAsync(ParseResult result, List<Measurement> measurements, string? note, CancellationToken ct)
    {
        if (result.GetValue(_name) is { } name)
        {
            measurements[0] = measurements[0] with { Name = name };
        }

        string message = MessageOf(measurements);
        switch (result.GetValue(_format))
        {
            case "json":
                var json = new JsonObject();
                foreach (Measurement one in measurements)
                {
                    json[one.Name] = Convert.ToHexStringLower(one.Value);
                }

                await Console.Out.WriteLineAsync(json.ToJsonString()).ConfigureAwait(false);
                break;
            case "rvps":
                await Console.Out.WriteLineAsync(message).ConfigureAwait(false);
                break;
            default:
                bool base64 = result.GetValue(_format) == "base64";
                foreach (Measurement one in measurements)
                {
                    string value = base64 ? Convert.ToBase64String(one.Value) : Convert.ToHexStringLower(one.Value);
                    await Console.Out.WriteLineAsync(measurements.Count == 1 ? value : $"{one.Name} {value}").ConfigureAwait(false);
                }

                break;
        }

        if (note is not null)
        {
            await Console.Error.WriteLineAsync(note).ConfigureAwait(false);
        }

        if (result.GetValue(_register) is not { } address)
        {
            return ExitCode.Success;
        }

        using GrpcChannel channel = GrpcChannel.ForAddress(address);
        return await ReferenceValueTool.RegisterAsync(channel, message, Console.Error, Console.Error, ct).ConfigureAwait(false);
    }

    /// <summary>The message that a provider takes: type <c>sample</c>, each value a list with one digest, or the digest where policies want that.</summary>
    private static string MessageOf(IReadOnlyList<Measurement> measurements)
    {
        var values = new JsonObject();
        foreach (Measurement one in measurements)
        {
            string value = Convert.ToHexStringLower(one.Value);
            values[one.Name] = one.IsScalar ? value : new JsonArray(value);
        }

        return new JsonObject
        {
            ["version"] = "0.1.0",
            ["type"] = "sample",
            ["payload"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(values.ToJsonString())),
        }.ToJsonString();
    }

    private static Option<string> FormatOption()
    {
        var option = new Option<string>("--output-format", "--output", "-o") { Description = "hex, base64, json, or rvps: a message for a reference value provider", DefaultValueFactory = _ => "hex" };
        option.AcceptOnlyFromAmong("hex", "base64", "json", "rvps");
        return option;
    }
}
