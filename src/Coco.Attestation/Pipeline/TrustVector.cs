// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;

namespace Coco.Attestation.Pipeline;

/// <summary>The AR4SI trustworthiness vector: eight claims, each unset or a signed byte (attestation-service.md 9).</summary>
internal sealed class TrustVector
{
    /// <summary>The claims in the order of their CBOR keys.</summary>
    public static readonly ImmutableArray<string> Names =
    [
        "instance-identity", "configuration", "executables", "file-system", "hardware", "runtime-opaque", "storage-opaque", "sourced-data",
    ];

    private readonly sbyte?[] _values = new sbyte?[8];

    /// <summary>All claims zero: what a policy without the rule gives.</summary>
    public static TrustVector Zero
    {
        get
        {
            var vector = new TrustVector();
            Array.Fill(vector._values, (sbyte)0);
            return vector;
        }
    }

    /// <summary>The value of the claim at a CBOR key.</summary>
    public sbyte? this[int key] => _values[key];

    /// <summary>The worst tier of the claims that are set.</summary>
    public TrustTier Status
    {
        get
        {
            TrustTier worst = TrustTier.None;
            foreach (sbyte? value in _values)
            {
                TrustTier tier = value is { } v ? TierOf(v) : TrustTier.None;
                if (tier > worst)
                {
                    worst = tier;
                }
            }

            return worst;
        }
    }

    /// <summary>Whether no claim is set.</summary>
    public bool IsEmpty => Array.TrueForAll(_values, v => v is null);

    /// <summary>The tier of a value.</summary>
    public static TrustTier TierOf(sbyte value) => value switch
    {
        >= -1 and <= 1 => TrustTier.None,
        (>= -32 and <= -2) or (>= 2 and <= 31) => TrustTier.Affirming,
        (>= -96 and <= -33) or (>= 32 and <= 95) => TrustTier.Warning,
        _ => TrustTier.Contraindicated,
    };

    /// <summary>Sets a claim; refuses unknown names and values outside a signed byte.</summary>
    public Refusal? Set(string name, decimal value)
    {
        int key = Names.IndexOf(name);
        if (key < 0)
        {
            return new Refusal(RefusalCode.PolicyDenied, $"the policy sets the unknown trust claim '{name}'") { Field = name };
        }

        if (value != decimal.Truncate(value) || value is < sbyte.MinValue or > sbyte.MaxValue)
        {
            return new Refusal(RefusalCode.PolicyDenied, $"the policy sets '{name}' to {value}, which is not an integer from -128 to 127") { Field = name };
        }

        _values[key] = (sbyte)value;
        return null;
    }

    /// <summary>Claims and values, unset ones left out.</summary>
    public IEnumerable<(string Name, sbyte Value)> Claims()
    {
        for (int i = 0; i < _values.Length; i++)
        {
            if (_values[i] is { } value)
            {
                yield return (Names[i], value);
            }
        }
    }
}

/// <summary>The tiers of trust, from least to most severe.</summary>
internal enum TrustTier
{
    None,
    Affirming,
    Warning,
    Contraindicated,
}

/// <summary>How tiers are written.</summary>
internal static class TrustTiers
{
    public static string ToWireName(this TrustTier tier) => tier switch
    {
        TrustTier.None => "none",
        TrustTier.Affirming => "affirming",
        TrustTier.Warning => "warning",
        TrustTier.Contraindicated => "contraindicated",
        _ => throw new ArgumentOutOfRangeException(nameof(tier)),
    };
}
