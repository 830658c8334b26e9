// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;

namespace Coco.Trustee;

/// <summary><c>trustee keygen</c>: an Ed25519 key pair for administrators' tokens, as existing tools make it.</summary>
internal static class KeygenCommand
{
    public static Command Build()
    {
        var file = new Option<string?>("-f", "--file") { Description = "Private key file; the public key goes to FILE.pub. Default HOME/key" };
        var command = new Command("keygen", "Make an Ed25519 key pair") { file };
        command.SetAction(result =>
        {
            string home = TrusteeCommandLine.HomeOf(result);
            string path = result.GetValue(file) ?? Path.Combine(home, "key");
            if (File.Exists(path) || File.Exists(path + ".pub"))
            {
                throw new InvalidOperationException($"{path} or {path}.pub exists already; it is not overwritten");
            }

            PrivateFiles.CreateFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
            using SigningKey key = SigningKey.Generate(JwsAlgorithms.EdDSA);
            PrivateFiles.Write(path + ".pub", new string(System.Security.Cryptography.PemEncoding.Write("PUBLIC KEY", key.ToVerificationKey().SubjectPublicKeyInfo.Span)) + "\n");
            PrivateFiles.Write(path, key.ExportPem());
            Console.Out.WriteLine(path);
            return 0;
        });
        return command;
    }
}
