// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Builtins.Net;
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>Networks, and the requests that only a host can make.</summary>
internal static class NetBuiltins
{
    private const string NotAnAddress = "not a valid textual representation of an IP address or CIDR: ";

    private static readonly string[] RequestKeys =
    [
        "method", "url", "body", "enable_redirect", "force_json_decode", "force_yaml_decode", "headers", "raw_body",
        "tls_use_system_certs", "tls_ca_cert", "tls_ca_cert_file", "tls_ca_cert_env_variable", "tls_client_cert",
        "tls_client_cert_file", "tls_client_cert_env_variable", "tls_client_key", "tls_client_key_file",
        "tls_client_key_env_variable", "tls_insecure_skip_verify", "tls_server_name", "timeout", "cache", "force_cache",
        "force_cache_duration_seconds", "raise_error", "caching_mode", "max_retry_attempts", "cache_ignored_headers",
    ];

    internal static IEnumerable<Builtin> All() =>
    [
        new("net.cidr_contains", [Str, Str], static (c, a) => Contains(c, a[0].TextOf(), a[1].TextOf())),
        new("net.cidr_contains_matches", [Any, Any], static (c, a) => ContainsMatches(c, a[0], a[1])),
        new("net.cidr_expand", [Str], static (c, a) => Expand(c, a[0].TextOf())),
        new("net.cidr_intersects", [Str, Str], static (c, a) => Intersects(c, a[0].TextOf(), a[1].TextOf())),
        new("net.cidr_overlap", [Str, Str], static (c, a) => Contains(c, a[0].TextOf(), a[1].TextOf())) { IsV0Only = true },
        new("net.cidr_is_valid", [Any], static (c, a) => a[0] is RegoString s && IpNetwork.TryParse(s.Value, out _)),
        new("net.cidr_merge", [Arr | Set], static (c, a) => Merge(c, a[0])),
        new("net.lookup_ip_addr", [Str], static (c, a) => Lookup(c, a[0].TextOf())) { Requires = RegoGrants.NameResolution },
        new("http.send", [Obj], static (c, a) => Send(c, (RegoObject)a[0])) { Requires = RegoGrants.Http },
    ];

    // A network, or one address as a network of its own.
    private static bool TryNetworkOrAddress(BuiltinContext context, string text, out IpNetwork network)
    {
        if (IpNetwork.TryParseAddress(text, out var isV6, out var address))
        {
            network = new IpNetwork(isV6, address, isV6 ? 128 : 32);
            return true;
        }

        if (IpNetwork.TryParse(text, out network))
        {
            return true;
        }

        context.Fail(NotAnAddress + text);
        return false;
    }

    private static bool TryNetwork(BuiltinContext context, string text, out IpNetwork network)
    {
        if (IpNetwork.TryParse(text, out network))
        {
            return true;
        }

        context.Fail($"invalid CIDR address: {text}");
        return false;
    }

    private static RegoValue? Contains(BuiltinContext context, string network, string other) =>
        TryNetwork(context, network, out var outer) && TryNetworkOrAddress(context, other, out var inner) ? outer.Contains(inner) : null;

    private static RegoValue? Intersects(BuiltinContext context, string left, string right) =>
        TryNetwork(context, left, out var a) && TryNetwork(context, right, out var b) ? a.Overlaps(b) : null;

    private static RegoValue? Expand(BuiltinContext context, string text)
    {
        if (!TryNetwork(context, text, out var network))
        {
            return null;
        }

        var hostBits = network.Bits - network.Prefix;
        var count = hostBits > 40 ? long.MaxValue / 2 : 1L << hostBits;
        context.ChargeValues(count);
        context.Charge(count);
        var addresses = new RegoValue[count];
        for (var i = 0; i < addresses.Length; i++)
        {
            addresses[i] = IpNetwork.Format(network.IsV6, network.First + (uint)i);
        }

        return RegoSet.Adopt(addresses);
    }

    private static RegoValue? ContainsMatches(BuiltinContext context, RegoValue networks, RegoValue others)
    {
        var left = new List<(RegoValue Index, IpNetwork Network)>();
        var right = new List<(RegoValue Index, IpNetwork Network)>();
        if (!TryOperand(context, 1, networks, TryNetwork, left) || !TryOperand(context, 2, others, TryNetworkOrAddress, right))
        {
            return null;
        }

        var result = new List<RegoValue>();
        foreach (var (index, network) in left)
        {
            context.Charge(1 + (right.Count / 4));
            foreach (var (otherIndex, other) in right)
            {
                if (network.Contains(other))
                {
                    context.ChargeValues(1);
                    result.Add(RegoArray.Of(index, otherIndex));
                }
            }
        }

        return RegoSet.OfList(result);
    }

    private delegate bool Reader(BuiltinContext context, string text, out IpNetwork network);

    private static bool TryOperand(
        BuiltinContext context, int operand, RegoValue value, Reader read, List<(RegoValue Index, IpNetwork Network)> result)
    {
        switch (value)
        {
            case RegoString:
                return TryElement(context, operand, value, value, read, result);
            case RegoObject members:
                for (var i = 0; i < members.Count; i++)
                {
                    if (!TryElement(context, operand, members.Values[i], members.Keys[i], read, result))
                    {
                        return false;
                    }
                }

                return true;
            case RegoArray or RegoSet:
                var items = value.ItemsOf();
                for (var i = 0; i < items.Length; i++)
                {
                    if (!TryElement(context, operand, items[i], value is RegoArray ? RegoNumber.Of(i) : items[i], read, result))
                    {
                        return false;
                    }
                }

                return true;
            default:
                context.FailOperand(operand, "one of {string, array, set, object}", value);
                return false;
        }
    }

    private static bool TryElement(
        BuiltinContext context, int operand, RegoValue element, RegoValue index, Reader read, List<(RegoValue Index, IpNetwork Network)> result)
    {
        context.Charge(1);
        var text = element as RegoString ?? (element is RegoArray { Count: > 0 } tuple ? tuple[0] as RegoString : null);
        if (text is null)
        {
            context.Fail($"operand {operand}: element must be string or non-empty array");
            return false;
        }

        if (!read(context, text.Value, out var network))
        {
            return false;
        }

        result.Add((index, network));
        return true;
    }

    private static RegoValue? Merge(BuiltinContext context, RegoValue networks)
    {
        context.Charge(networks.ItemsOf().Length * 2L);
        var ranges = new List<(bool IsV6, UInt128 First, UInt128 Last)>();
        foreach (var item in networks.ItemsOf())
        {
            if (item is not RegoString text)
            {
                return context.FailElement(1, networks, "strings", item);
            }

            if (!IpNetwork.TryParse(text.Value, out var network))
            {
                if (!IpNetwork.TryParseAddress(text.Value, out var isV6, out var address))
                {
                    return context.Fail(NotAnAddress + text.Value);
                }

                if (isV6)
                {
                    return context.Fail("IPv6 invalid: needs prefix length");
                }

                if (IpNetwork.OfClass(address) is not { } classNetwork)
                {
                    return context.Fail("IPv4 invalid: needs prefix length");
                }

                network = classNetwork;
            }

            ranges.Add((network.IsV6, network.First, network.Last));
        }

        ranges.Sort();
        var merged = new List<(bool IsV6, UInt128 First, UInt128 Last)>();
        foreach (var range in ranges)
        {
            if (merged.Count > 0 && merged[^1].IsV6 == range.IsV6 && (range.First <= merged[^1].Last || range.First - 1 == merged[^1].Last))
            {
                merged[^1] = merged[^1] with { Last = UInt128.Max(merged[^1].Last, range.Last) };
            }
            else
            {
                merged.Add(range);
            }
        }

        var result = new List<RegoValue>();
        foreach (var (isV6, first, last) in merged)
        {
            foreach (var network in IpNetwork.Cover(isV6, first, last))
            {
                context.ChargeValues(1);
                result.Add(network.ToString());
            }
        }

        return RegoSet.OfList(result);
    }

    private static RegoValue? Lookup(BuiltinContext context, string name)
    {
        if (context.Recall("net.lookup_ip_addr", name) is { } kept)
        {
            return kept;
        }

        if (IpNetwork.TryParseAddress(name, out var isV6, out var address))
        {
            return RegoSet.Of(IpNetwork.Format(isV6, address));
        }

        if (context.Host.LookupAddresses?.Invoke(name) is not { Count: > 0 } found)
        {
            return context.Fail($"lookup {name}: no such host");
        }

        context.ChargeValues(found.Count);
        return context.Keep("net.lookup_ip_addr", name, RegoSet.Of([.. found.Select(static one => (RegoValue)RegoString.Of(one))]));
    }

    private static RegoValue? Send(BuiltinContext context, RegoObject request)
    {
        var unknown = request.Keys.ToArray().Where(static key => key is not RegoString name || !RequestKeys.Contains(name.Value)).ToArray();
        if (unknown.Length > 0)
        {
            return context.FailType($"invalid request parameters(s): {RegoSet.Of(unknown)}");
        }

        var missing = new[] { "method", "url" }.Where(key => request.Get(key) is null).Select(static key => (RegoValue)RegoString.Of(key)).ToArray();
        if (missing.Length > 0)
        {
            return context.FailType($"missing required request parameters(s): {RegoSet.Of(missing)}");
        }

        if (context.Recall("http.send", request) is { } kept)
        {
            return kept;
        }

        return context.Host.SendHttp?.Invoke(request) is { } response
            ? context.Keep("http.send", request, response)
            : context.Fail("the host sends no requests");
    }
}
