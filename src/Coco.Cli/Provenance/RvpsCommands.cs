// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Coco.ReferenceValues;
using Grpc.Net.Client;

namespace Coco.Cli.Provenance;

/// <summary>The commands of <c>rvps-tool</c> (rvps.md 8), under <c>coco rvps</c> and under that name.</summary>
internal static class RvpsCommands
{
    public static Command Build()
    {
        var group = new Command("rvps", "Reference values of a provider, over gRPC");
        AddTo(group);
        return group;
    }

    public static void AddTo(Command parent)
    {
        var register = new Command("register", "Hand a message to the provider");
        Option<string> registerAddress = Address();
        var path = new Option<string>("--path", "-p") { Description = "File with the message", Required = true };
        register.Add(registerAddress);
        register.Add(path);
        register.SetAction(async (parsed, ct) =>
        {
            string message = await File.ReadAllTextAsync(parsed.GetValue(path)!, ct).ConfigureAwait(false);
            using GrpcChannel channel = Open(parsed.GetValue(registerAddress)!);
            return await ReferenceValueTool.RegisterAsync(channel, message, Console.Out, Console.Error, ct).ConfigureAwait(false);
        });

        var query = new Command("query", "Show a value; without an id, all");
        Option<string> queryAddress = Address();
        var id = new Option<string?>("--reference-value-id", "-r", "-i") { Description = "Name of the value" };
        query.Add(queryAddress);
        query.Add(id);
        query.SetAction(async (parsed, ct) =>
        {
            using GrpcChannel channel = Open(parsed.GetValue(queryAddress)!);
            return await ReferenceValueTool.QueryAsync(channel, parsed.GetValue(id), Console.Out, Console.Error, ct).ConfigureAwait(false);
        });

        var delete = new Command("delete", "Remove a value");
        Option<string> deleteAddress = Address();
        var name = new Option<string>("--name", "-n") { Description = "Name of the value", Required = true };
        delete.Add(deleteAddress);
        delete.Add(name);
        delete.SetAction(async (parsed, ct) =>
        {
            using GrpcChannel channel = Open(parsed.GetValue(deleteAddress)!);
            return await ReferenceValueTool.DeleteAsync(channel, parsed.GetValue(name)!, Console.Out, Console.Error, ct).ConfigureAwait(false);
        });
        parent.Add(register);
        parent.Add(query);
        parent.Add(delete);
    }

    private static Option<string> Address() => new("--addr", "-a")
    {
        Description = "Address of the provider",
        DefaultValueFactory = _ => ReferenceValueTool.DefaultAddress,
    };

    private static GrpcChannel Open(string address) =>
        GrpcChannel.ForAddress(address.Contains("://", StringComparison.Ordinal) ? address : "http://" + address);
}
