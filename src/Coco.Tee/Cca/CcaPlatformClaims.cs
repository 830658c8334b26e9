// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Formats.Cbor;

namespace Coco.Tee.Cca;

/// <summary>The claims of a platform token.</summary>
/// <remarks>Source: tee-evidence.md 8.1.</remarks>
public sealed class CcaPlatformClaims
{
    private const int MostComponents = 64;

    private CcaPlatformClaims()
    {
    }

    /// <summary>Profile.</summary>
    public string Profile { get; private init; } = string.Empty;

    /// <summary>Challenge: the digest of the realm attestation key.</summary>
    public ReadOnlyMemory<byte> Challenge { get; private init; }

    /// <summary>Implementation id, 32 bytes.</summary>
    public ReadOnlyMemory<byte> ImplementationId { get; private init; }

    /// <summary>Instance id, 33 bytes: it names the platform key.</summary>
    public ReadOnlyMemory<byte> InstanceId { get; private init; }

    /// <summary>Platform configuration.</summary>
    public ReadOnlyMemory<byte> Configuration { get; private init; }

    /// <summary>Security lifecycle state.</summary>
    public int Lifecycle { get; private init; }

    /// <summary>Firmware components, at least one.</summary>
    public ImmutableArray<CcaSoftwareComponent> Components { get; private init; }

    /// <summary>Hash of the platform's measurements.</summary>
    public string HashAlgorithm { get; private init; } = string.Empty;

    /// <summary>Where a verification service is; null when it is not said. Never contacted.</summary>
    public string? VerificationService { get; private init; }

    /// <summary>Reads them; unknown keys are passed over, missing and doubled ones refused.</summary>
    public static Result<CcaPlatformClaims> Parse(ReadOnlyMemory<byte> bytes) => CborFields.Read<CcaPlatformClaims>(bytes, "platform claims", reader =>
    {
        string? profile = null, hash = null, service = null;
        byte[]? challenge = null, implementation = null, instance = null, configuration = null;
        int? lifecycle = null;
        ImmutableArray<CcaSoftwareComponent> components = default;
        reader.ReadStartMap();
        while (reader.PeekState() != CborReaderState.EndMap)
        {
            switch (CborFields.ReadKey(reader))
            {
                case 10:
                    challenge = reader.ReadByteString();
                    break;
                case 256:
                    instance = reader.ReadByteString();
                    break;
                case 265:
                    profile = reader.ReadTextString();
                    break;
                case 2395:
                    lifecycle = reader.ReadInt32();
                    break;
                case 2396:
                    implementation = reader.ReadByteString();
                    break;
                case 2399:
                    if (!ReadComponents(reader).TryGet(out components, out Refusal? refusal))
                    {
                        return refusal;
                    }

                    break;
                case 2400:
                    service = reader.ReadTextString();
                    break;
                case 2401:
                    configuration = reader.ReadByteString();
                    break;
                case 2402:
                    hash = reader.ReadTextString();
                    break;
                default:
                    CborFields.Skip(reader);
                    break;
            }
        }

        reader.ReadEndMap();
        if (profile is not ("http://arm.com/CCA-SSD/1.0.0" or "tag:arm.com,2023:cca_platform#1.0.0"))
        {
            return new Refusal(RefusalCode.Unsupported, "platform profile is missing or unknown") { Field = "cca-platform-profile" };
        }

        if (challenge?.Length is not (32 or 48 or 64))
        {
            return Bad("cca-platform-challenge", "missing, or not 32, 48 or 64 bytes");
        }

        if (implementation?.Length != 32)
        {
            return Bad("cca-platform-implementation-id", "missing, or not 32 bytes");
        }

        if (instance?.Length != 33)
        {
            return Bad("cca-platform-instance-id", "missing, or not 33 bytes");
        }

        if (configuration is null)
        {
            return Bad("cca-platform-config", "missing");
        }

        // Each state is one value of the high byte, with any low byte.
        if (lifecycle is not { } state || state is < 0 or > 0x60FF || (state & 0x0F00) != 0)
        {
            return Bad("cca-platform-lifecycle", "missing, or no known state");
        }

        if (components.IsDefaultOrEmpty)
        {
            return Bad("cca-platform-sw-components", "missing or empty");
        }

        return hash is null
            ? Bad("cca-platform-hash-algo-id", "missing")
            : new CcaPlatformClaims
            {
                Profile = profile,
                Challenge = challenge,
                ImplementationId = implementation,
                InstanceId = instance,
                Configuration = configuration,
                Lifecycle = state,
                Components = components,
                HashAlgorithm = hash,
                VerificationService = service,
            };
    });

    private static Result<ImmutableArray<CcaSoftwareComponent>> ReadComponents(CborReader reader)
    {
        var list = ImmutableArray.CreateBuilder<CcaSoftwareComponent>();
        reader.ReadStartArray();
        while (reader.PeekState() != CborReaderState.EndArray)
        {
            if (list.Count == MostComponents)
            {
                return new Refusal(RefusalCode.TooLarge, $"cca-platform-sw-components: more than {MostComponents}") { Field = "cca-platform-sw-components" };
            }

            string? type = null, version = null, hash = null;
            byte[]? measurement = null, signer = null;
            reader.ReadStartMap();
            while (reader.PeekState() != CborReaderState.EndMap)
            {
                long? key = CborFields.ReadKey(reader);
                switch (key)
                {
                    case 1:
                        type = reader.ReadTextString();
                        break;
                    case 2:
                        measurement = reader.ReadByteString();
                        break;
                    case 4:
                        version = reader.ReadTextString();
                        break;
                    case 5:
                        signer = reader.ReadByteString();
                        break;
                    case 6:
                        hash = reader.ReadTextString();
                        break;
                    default:
                        return Bad("cca-platform-sw-components", $"unknown member {key}");
                }
            }

            reader.ReadEndMap();
            if (measurement?.Length is not (32 or 48 or 64) || signer?.Length is not (32 or 48 or 64))
            {
                return Bad("cca-platform-sw-components", "measurement or signer id is missing, or not 32, 48 or 64 bytes");
            }

            list.Add(new CcaSoftwareComponent(type, measurement, version, signer, hash));
        }

        reader.ReadEndArray();
        return list.ToImmutable();
    }

    private static Refusal Bad(string field, string what) => Refusal.Malformed(field, 0, what);
}
