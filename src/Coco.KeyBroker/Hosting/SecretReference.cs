// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using Coco.Protocol;

namespace Coco.KeyBroker;

/// <summary>Resolves what a configuration document says about a secret: the value, <c>file:///path</c> or <c>env://NAME</c>.</summary>
public static class SecretReference
{
    /// <summary>The secret; line ends at the end of a file are dropped.</summary>
    /// <exception cref="ArgumentException">The file or the variable is not there.</exception>
    public static Secret Resolve(ConfigSecret secret)
    {
        ArgumentNullException.ThrowIfNull(secret);
        string text = secret.Reveal();
        if (text.StartsWith("env://", StringComparison.Ordinal))
        {
            string name = text["env://".Length..];
            return Encode(Environment.GetEnvironmentVariable(name) ?? throw new ArgumentException($"the environment variable {name} is not set"));
        }

        if (!text.StartsWith("file://", StringComparison.Ordinal))
        {
            return Encode(text);
        }

        string path = text["file://".Length..];
        try
        {
            byte[] bytes = File.ReadAllBytes(path);
            var resolved = Secret.CopyOf(bytes.AsSpan().TrimEnd("\r\n"u8));
            CryptographicOperations.ZeroMemory(bytes);
            return resolved;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"the secret's file {path} cannot be read", e);
        }
    }

    private static Secret Encode(string text) => Secret.CopyOf(Encoding.UTF8.GetBytes(text));
}
