// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Client;
using Coco.Protocol;

namespace Coco.Cli.Kbs;

/// <summary>The command tree of <c>kbs-client</c>, flag for flag (kbs.md 6.6).</summary>
internal static class KbsClientCommands
{
    /// <summary>Adds the commands and their global options to a root.</summary>
    public static void AddTo(Command root)
    {
        var connection = new KbsConnection();
        root.Options.Add(connection.Url);
        root.Options.Add(connection.CertFile);
        root.Subcommands.Add(Attest(connection));
        root.Subcommands.Add(GetResource(connection));
        root.Subcommands.Add(Config(connection));
    }

    private static Command Attest(KbsConnection connection)
    {
        var keyFile = new Option<FileInfo?>("--tee-key-file") { Description = "PEM private key of the TEE; a fresh one is made without it" };
        var initData = new Argument<string?>("INIT_DATA") { Description = "Init-data text", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("attest", "Attest, and print the token") { keyFile, initData };
        command.SetAction(async (result, ct) =>
        {
            using JweDecryptionKey? key = ReadKey(result.GetValue(keyFile));
            using KbsClient client = NewClient(connection, result, key, result.GetValue(initData));
            AttestationToken token = Unwrap(await client.AttestAsync(ct).ConfigureAwait(false));
            Console.Out.WriteLine(token.Compact);
            return ExitCode.Success;
        });
        return command;
    }

    private static Command GetResource(KbsConnection connection)
    {
        var path = new Option<string>("--path") { Description = "repository/type/tag", Required = true };
        var keyFile = new Option<FileInfo?>("--tee-key-file") { Description = "PEM private key of the TEE" };
        var tokenFile = new Option<FileInfo?>("--attestation-token") { Description = "File with a token got before; then --tee-key-file is mandatory" };
        var initData = new Argument<string?>("INIT_DATA") { Description = "Init-data text", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("get-resource", "Fetch a resource, and print it in base64") { path, keyFile, tokenFile, initData };
        command.SetAction(async (result, ct) =>
        {
            using JweDecryptionKey? key = ReadKey(result.GetValue(keyFile));
            FileInfo? token = result.GetValue(tokenFile);
            if (token is not null && key is null)
            {
                throw new CommandFailedException("--attestation-token needs --tee-key-file: the answer is encrypted to the key that the token names");
            }

            using KbsClient client = token is null
                ? NewClient(connection, result, key, result.GetValue(initData))
                : KbsClient.CreateWithToken(
                    connection.ServerOf(result),
                    new AttestationToken((await File.ReadAllTextAsync(token.FullName, ct).ConfigureAwait(false)).Trim()),
                    key!,
                    connection.OptionsOf(result, "kbs-client/0.1.0"));
            using Secret secret = Unwrap(await client.GetResourceAsync(result.GetRequiredValue(path), ct: ct).ConfigureAwait(false));
            Console.Out.WriteLine(Convert.ToBase64String(secret.Reveal()));
            return ExitCode.Success;
        });
        return command;
    }

    private static Command Config(KbsConnection connection)
    {
        var config = new Command("config", "Administrate the key broker");
        config.Options.Add(connection.AdminTokenFile);
        config.Options.Add(connection.AuthPrivateKey);
        config.Subcommands.Add(SetAttestationPolicy(connection));
        config.Subcommands.Add(SetResourcePolicy(connection));
        config.Subcommands.Add(SetResource(connection));
        config.Subcommands.Add(DeleteResource(connection));
        config.Subcommands.Add(GetReferenceValue(connection));
        config.Subcommands.Add(SetSampleReferenceValue(connection));
        return config;
    }

    private static Command SetAttestationPolicy(KbsConnection connection)
    {
        var file = new Option<FileInfo>("--policy-file") { Description = "Rego file", Required = true };
        var type = new Option<string>("--type") { Description = "Kind of policy", DefaultValueFactory = _ => "rego" };
        var id = new Option<string?>("--id") { Description = "Policy id with its class, such as default_cpu" };
        var command = new Command("set-attestation-policy", "Set an appraisal policy of the attestation service") { file, type, id };
        command.SetAction(async (result, ct) =>
        {
            string? name = result.GetValue(id);
            if (name is null)
            {
                Console.Error.WriteLine("warning: no --id was given; default_cpu is set");
                name = "default_cpu";
            }

            string source = await File.ReadAllTextAsync(result.GetRequiredValue(file).FullName, ct).ConfigureAwait(false);
            using KbsAdminClient admin = connection.AdminOf(result);
            Unwrap(await admin.SetAttestationPolicyAsync(name, source, ct).ConfigureAwait(false));
            Console.Out.WriteLine("Set attestation policy success \n policy: " + Convert.ToBase64String(Encoding.UTF8.GetBytes(source)));
            return ExitCode.Success;
        });
        return command;
    }

    private static Command SetResourcePolicy(KbsConnection connection)
    {
        var file = new Option<FileInfo?>("--policy-file") { Description = "Rego file" };
        var allowAll = new Option<bool>("--allow-all") { Description = "Every resource for every verified token" };
        var denyAll = new Option<bool>("--deny-all") { Description = "Nothing for anybody" };
        var affirming = new Option<bool>("--affirming") { Description = "Only where every appraisal affirms" };
        var standard = new Option<bool>("--default") { Description = "The policy of a fresh server" };
        var command = new Command("set-resource-policy", "Set the policy that guards resources") { file, allowAll, denyAll, affirming, standard };
        command.SetAction(async (result, ct) =>
        {
            FileInfo? named = result.GetValue(file);
            bool[] chosen = [named is not null, result.GetValue(allowAll), result.GetValue(denyAll), result.GetValue(affirming), result.GetValue(standard)];
            if (chosen.Count(c => c) != 1)
            {
                throw new CommandFailedException("exactly one of --policy-file, --allow-all, --deny-all, --affirming, --default is needed");
            }

            string source = named is not null
                ? await File.ReadAllTextAsync(named.FullName, ct).ConfigureAwait(false)
                : chosen[1] ? NamedResourcePolicies.AllowAll : chosen[2] ? NamedResourcePolicies.DenyAll : chosen[3] ? NamedResourcePolicies.Affirming : NamedResourcePolicies.Default;
            using KbsAdminClient admin = connection.AdminOf(result);
            Unwrap(await admin.SetResourcePolicyAsync(source, ct).ConfigureAwait(false));
            Console.Out.WriteLine("Set resource policy success \n policy: " + Convert.ToBase64String(Encoding.UTF8.GetBytes(source)));
            return ExitCode.Success;
        });
        return command;
    }

    private static Command SetResource(KbsConnection connection)
    {
        var path = new Option<string>("--path") { Description = "repository/type/tag", Required = true };
        var file = new Option<FileInfo>("--resource-file") { Description = "The secret", Required = true };
        var command = new Command("set-resource", "Store a secret") { path, file };
        command.SetAction(async (result, ct) =>
        {
            byte[] value = await File.ReadAllBytesAsync(result.GetRequiredValue(file).FullName, ct).ConfigureAwait(false);
            using KbsAdminClient admin = connection.AdminOf(result);
            Unwrap(await admin.SetResourceAsync(result.GetRequiredValue(path), value, ct).ConfigureAwait(false));
            Console.Out.WriteLine("Set resource success \n resource: " + Convert.ToBase64String(value));
            return ExitCode.Success;
        });
        return command;
    }

    private static Command DeleteResource(KbsConnection connection)
    {
        var path = new Option<string>("--path") { Description = "repository/type/tag", Required = true };
        var command = new Command("delete-resource", "Remove a secret") { path };
        command.SetAction(async (result, ct) =>
        {
            using KbsAdminClient admin = connection.AdminOf(result);
            Unwrap(await admin.DeleteResourceAsync(result.GetRequiredValue(path), ct).ConfigureAwait(false));
            Console.Out.WriteLine("Delete resource success");
            return ExitCode.Success;
        });
        return command;
    }

    private static Command GetReferenceValue(KbsConnection connection)
    {
        var id = new Option<string>("--id") { Description = "Name of the reference value", Required = true };
        var command = new Command("get-reference-value", "Print a reference value") { id };
        command.SetAction(async (result, ct) =>
        {
            using KbsAdminClient admin = connection.AdminOf(result);
            string value = Unwrap(await admin.GetReferenceValueAsync(result.GetRequiredValue(id), ct).ConfigureAwait(false));

            // Scripts of existing installations expect the body as one quoted string.
            Console.Out.WriteLine('"' + value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal) + '"');
            return ExitCode.Success;
        });
        return command;
    }

    private static Command SetSampleReferenceValue(KbsConnection connection)
    {
        var name = new Argument<string>("NAME") { Description = "Name of the reference value" };
        var value = new Argument<string>("VALUE") { Description = "Its value" };
        var asInteger = new Option<bool>("--as-integer") { Description = "The value is a 32-bit integer" };
        var asBool = new Option<bool>("--as-bool") { Description = "The value is true or false" };
        var asSingle = new Option<bool>("--as-single-value") { Description = "The value alone, not a list of one" };
        var command = new Command("set-sample-reference-value", "Register a reference value") { name, value, asInteger, asBool, asSingle };
        command.SetAction(async (result, ct) =>
        {
            string text = result.GetRequiredValue(value);
            if (result.GetValue(asInteger) && result.GetValue(asBool))
            {
                throw new CommandFailedException("--as-integer and --as-bool exclude each other");
            }

            JsonNode node = result.GetValue(asInteger)
                ? int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)
                    ? JsonValue.Create(number)
                    : throw new CommandFailedException($"'{text}' is not a 32-bit integer")
                : result.GetValue(asBool)
                    ? text is "true" or "false" ? JsonValue.Create(text == "true") : throw new CommandFailedException($"'{text}' is neither true nor false")
                    : JsonValue.Create(text);
            var values = new JsonObject { [result.GetRequiredValue(name)] = result.GetValue(asSingle) ? node : new JsonArray(node) };
            using KbsAdminClient admin = connection.AdminOf(result);
            Unwrap(await admin.RegisterReferenceValuesAsync(values, ct).ConfigureAwait(false));
            Console.Out.WriteLine("Reference Values Updated");
            return ExitCode.Success;
        });
        return command;
    }

    private static KbsClient NewClient(KbsConnection connection, ParseResult result, JweDecryptionKey? key, string? initData) => KbsClient.Create(
        connection.ServerOf(result),
        new SampleEvidenceProvider(),
        connection.OptionsOf(result, "kbs-client/0.1.0"),
        key,
        initData);

    private static JweDecryptionKey? ReadKey(FileInfo? file)
    {
        if (file is null)
        {
            return null;
        }

        return JweDecryptionKey.FromPem(File.ReadAllText(file.FullName)).TryGet(out JweDecryptionKey? key, out Refusal? refusal)
            ? key
            : throw new CommandFailedException($"{file.FullName}: {refusal.Detail}");
    }

    private static T Unwrap<T>(Result<T> result)
        where T : notnull =>
        result.TryGet(out T? value, out Refusal? refusal) ? value : throw Failed(refusal);

    private static void Unwrap(Refusal? refusal)
    {
        if (refusal is not null)
        {
            throw Failed(refusal);
        }
    }

    private static CommandFailedException Failed(Refusal refusal) => new("Request Failed, Response: \"" + refusal.Detail + "\"");
}
