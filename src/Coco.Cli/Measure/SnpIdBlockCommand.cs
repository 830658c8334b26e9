// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Coco.Tee.Launch;

namespace Coco.Cli.Measure;

/// <summary><c>coco measure snp-id-block</c>: the signed block with which an owner allows one launch digest (QEMU <c>id-block</c> and <c>id-auth</c>).</summary>
internal static class SnpIdBlockCommand
{
    /// <summary>The command.</summary>
    public static Command Build()
    {
        var measurement = new Option<string>("--measurement") { Description = "launch digest, 48 bytes in hexadecimal or base64", Required = true };
        var idKey = new Option<string>("--idkey") { Description = "identity key, PEM, P-384", Required = true };
        var authorKey = new Option<string?>("--authorkey") { Description = "author key, PEM, P-384, that vouches for the identity key" };
        var family = new Option<string?>("--family-id") { Description = "FAMILY_ID, at most 16 bytes in hexadecimal" };
        var image = new Option<string?>("--image-id") { Description = "IMAGE_ID, at most 16 bytes in hexadecimal" };
        var svn = new Option<uint>("--guest-svn") { Description = "GUEST_SVN" };
        var policy = new Option<string>("--policy") { Description = "POLICY", DefaultValueFactory = _ => "0x30000" };
        Option<string> format = OutputFormat.Option();
        var command = new Command("snp-id-block", "Signed identity block of an SNP guest: the firmware launches nothing but the digest in it") { measurement, idKey, authorKey, family, image, svn, policy, format };
        command.SetAction(async (result, ct) =>
        {
            using ECDsa id = await KeyAsync(result.GetValue(idKey)!, ct).ConfigureAwait(false);
            using ECDsa? author = result.GetValue(authorKey) is { } path ? await KeyAsync(path, ct).ConfigureAwait(false) : null;
            byte[] Id(Option<string?> option) => result.GetValue(option) is { } hex ? SevInputOptions.Hex(hex, option.Name) : [];
            SnpIdBlock block = MeasureCommands.Require(SnpIdBlock.Create(
                Digest(result.GetValue(measurement)!), id, author, Id(family), Id(image), result.GetValue(svn), SevInputOptions.Number(result.GetValue(policy)!, "--policy")));
            string[][] parts =
            [
                ["id-block", Convert.ToBase64String(block.Block)],
                ["id-auth", Convert.ToBase64String(block.Authentication)],
                ["id_key_digest", Convert.ToHexStringLower(block.IdKeyDigest)],
                ["author_key_digest", Convert.ToHexStringLower(block.AuthorKeyDigest)],
            ];
            if (result.IsJson(format))
            {
                await Console.Out.WriteLineAsync(new JsonObject([.. parts.Select(p => KeyValuePair.Create(p[0], (JsonNode?)JsonValue.Create(p[1])))]).ToJsonString()).ConfigureAwait(false);
                return ExitCode.Success;
            }

            foreach (string[] part in parts.Where(p => p[1].Length > 0))
            {
                await Console.Out.WriteLineAsync($"{part[0]}={part[1]}").ConfigureAwait(false);
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static byte[] Digest(string text)
    {
        byte[] buffer = new byte[48];
        return text.Length != 96 && Convert.TryFromBase64String(text, buffer, out int written) && written == buffer.Length ? buffer : SevInputOptions.Hex(text, "--measurement");
    }

    private static async Task<ECDsa> KeyAsync(string path, CancellationToken ct)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(await File.ReadAllTextAsync(path, ct).ConfigureAwait(false));
            return key;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new CommandFailedException($"{path}: not a private key on P-384 in PEM: {e.Message}");
        }
    }
}
