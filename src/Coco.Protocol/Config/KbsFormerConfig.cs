// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coco.Protocol;

/// <summary>Maps documents of former releases to today's form (kbs.md 7.6). Says what it did in the warnings.</summary>
internal static class KbsFormerConfig
{
    private static readonly string[] FlatServerKeys = ["sockets", "private_key", "certificate", "insecure_http"];

    public static JsonObject Modernise(JsonObject document, ConfigProblems problems)
    {
        var result = (JsonObject)document.DeepClone();
        if (IsFirst(result))
        {
            MapFirst(result, problems);
        }

        if (FlatServerKeys.Any(result.ContainsKey))
        {
            MapFlat(result, problems);
        }

        MapAdmin(result, problems);
        MapPlugins(result, problems);
        if (result["attestation_token"] is JsonObject token && token.ContainsKey("insecure_key") && !token.ContainsKey("insecure_header_jwk"))
        {
            Move(token, "insecure_key", token, "insecure_header_jwk");
            Warn(problems, "attestation_token.insecure_key", "is called insecure_header_jwk now");
        }

        return result;
    }

    // 0.5 to 0.7: a JSON file; the listener stood on the command line.
    private static bool IsFirst(JsonObject d) => d.ContainsKey("repository_type") || d.ContainsKey("repository_description") || d.ContainsKey("as_config_file_path");

    private static void MapFirst(JsonObject d, ConfigProblems problems)
    {
        Warn(problems, string.Empty, "a document of releases 0.5 to 0.7; give the listener, TLS and administration in the current form");
        d["plugins"] = new JsonArray(Repository(d["repository_description"] as JsonObject));
        var service = new JsonObject();
        if (d["as_addr"] is { } address)
        {
            service["type"] = "coco_as_grpc";
            service["as_addr"] = address.DeepClone();
        }

        if (d["amber"] is JsonObject amber)
        {
            service = (JsonObject)amber.DeepClone();
            service["type"] = "intel_ta";
        }

        LayOver(service, d["attestation_service"]);
        d["attestation_service"] = service;
        BelieveHeaderKeys(d, service, problems);
        d["http_server"] ??= new JsonObject();
        d["admin"] ??= new JsonObject { ["authorization_mode"] = "DenyAll" };
        foreach (string key in new[] { "repository_type", "repository_description", "as_addr", "as_config_file_path", "amber", "attestation_token_type" })
        {
            d.Remove(key);
        }
    }

    // 0.8 to 0.10: flat TOML.
    private static void MapFlat(JsonObject d, ConfigProblems problems)
    {
        Warn(problems, string.Empty, "a document of releases 0.8 to 0.10; it is read as its equivalent in the current form");
        var server = new JsonObject();
        foreach (string key in FlatServerKeys)
        {
            Move(d, key, server, key);
        }

        LayOver(server, d["http_server"]);
        d["http_server"] = server;
        var service = new JsonObject();
        if (d["grpc_config"] is JsonObject grpc)
        {
            service = (JsonObject)grpc.DeepClone();
            service["type"] = "coco_as_grpc";
        }
        else if (d["intel_trust_authority_config"] is JsonObject ita)
        {
            service = (JsonObject)ita.DeepClone();
            service["type"] = "intel_ta";
        }
        else if (d["as_config"] is JsonObject builtIn)
        {
            service["type"] = "coco_as_builtin";
            if (builtIn["rvps_config"] is JsonObject rvps && rvps["remote_addr"] is JsonValue remote && remote.GetValueKind() == JsonValueKind.String && remote.GetValue<string>().Length > 0)
            {
                service["rvps_config"] = new JsonObject { ["type"] = "GrpcRemote", ["address"] = remote.DeepClone() };
            }
        }

        Move(d, "timeout", service, "timeout");
        LayOver(service, d["attestation_service"]);
        d["attestation_service"] = service;
        if (d["attestation_token_config"] is JsonObject token)
        {
            if (token["attestation_token_type"]?.ToString() == "Jwk")
            {
                // The same key then named sets of keys.
                Move(token, "trusted_certs_paths", token, "trusted_jwk_sets");
            }

            token.Remove("attestation_token_type");
            Move(d, "attestation_token_config", d, "attestation_token");
        }

        BelieveHeaderKeys(d, service, problems);
        var admin = new JsonObject();
        Move(d, "auth_public_key", admin, "auth_public_key");
        Move(d, "insecure_api", admin, "insecure_api");
        LayOver(admin, d["admin"]);
        if (admin.Count == 0)
        {
            admin["authorization_mode"] = "DenyAll";
        }

        d["admin"] = admin;
        d["plugins"] = new JsonArray(Repository(d["repository_config"] as JsonObject));
        Move(d, "policy_engine_config", d, "policy_engine");
        foreach (string key in new[] { "grpc_config", "as_config", "intel_trust_authority_config", "repository_config" })
        {
            d.Remove(key);
        }
    }

    // What the environment and the command line say in today's words wins over what the document says in former ones.
    private static void LayOver(JsonObject table, JsonNode? over)
    {
        foreach ((string key, JsonNode? value) in over as JsonObject ?? [])
        {
            table[key] = value?.DeepClone();
        }
    }

    // The repository was no plugin then, and always there.
    private static JsonObject Repository(JsonObject? former)
    {
        var plugin = new JsonObject { ["name"] = "resource", ["type"] = former?["type"]?.DeepClone() ?? "LocalFs" };
        foreach (string key in former?.Select(static m => m.Key).Where(static k => k != "type") ?? [])
        {
            plugin[key] = former![key]?.DeepClone();
        }

        return plugin;
    }

    // Up to 0.10 a token was believed under the key in its header where no authority was configured.
    private static void BelieveHeaderKeys(JsonObject d, JsonObject service, ConfigProblems problems)
    {
        var token = d["attestation_token"] as JsonObject ?? new JsonObject();
        bool authorities = token["trusted_certs_paths"] is JsonArray { Count: > 0 } || token["trusted_jwk_sets"] is JsonArray { Count: > 0 };
        if (authorities || service["type"]?.GetValue<string>() != "coco_as_grpc")
        {
            return;
        }

        token["insecure_header_jwk"] = true;
        d["attestation_token"] = token;
        Warn(problems, "attestation_token", "insecure: no authority is configured, and releases up to 0.10 then believed every key; name the service's certificates in trusted_certs_paths");
    }

    private static void MapAdmin(JsonObject d, ConfigProblems problems)
    {
        if (d["admin"] is not JsonObject admin || admin.ContainsKey("authorization_mode"))
        {
            return;
        }

        if (admin["type"] is JsonValue type && type.GetValueKind() == JsonValueKind.String)
        {
            string mode = type.GetValue<string>();
            Warn(problems, "admin.type", "is called authorization_mode now");
            admin.Remove("type");
            admin["authorization_mode"] = mode == "Simple" ? "AuthenticatedAuthorization" : mode;
            if (mode == "Simple")
            {
                MapPersonas(admin);
            }

            return;
        }

        if (!admin.ContainsKey("auth_public_key") && !admin.ContainsKey("insecure_api"))
        {
            return;
        }

        Warn(problems, "admin", "auth_public_key and insecure_api are of releases up to 0.15");
        bool open = admin["insecure_api"] is JsonValue v && v.GetValueKind() == JsonValueKind.True;
        JsonNode? key = admin["auth_public_key"]?.DeepClone();
        admin.Remove("insecure_api");
        admin.Remove("auth_public_key");
        admin["authorization_mode"] = open ? "InsecureAllowAll" : key is null ? "DenyAll" : "AuthenticatedAuthorization";
        if (!open && key is not null)
        {
            SetAccess(admin, new JsonArray(new JsonObject { ["public_key_uri"] = key, ["default_role"] = "admin" }), new JsonArray(new JsonObject { ["role"] = "admin", ["allowed_endpoints"] = "^/kbs/v0/.+$" }));
        }
    }

    // 0.16 to 0.20: a persona was found by its key, and rules named personas.
    private static void MapPersonas(JsonObject admin)
    {
        var providers = new JsonArray();
        foreach (JsonNode? persona in admin["personas"] as JsonArray ?? [])
        {
            if (persona is JsonObject p)
            {
                providers.Add((JsonNode)new JsonObject { ["public_key_uri"] = p["public_key_path"]?.DeepClone(), ["default_role"] = p["id"]?.DeepClone() });
            }
        }

        var acls = new JsonArray();
        foreach (JsonNode? role in admin["roles"] as JsonArray ?? [])
        {
            if (role is JsonObject r)
            {
                acls.Add((JsonNode)new JsonObject { ["role"] = r["id"]?.DeepClone(), ["allowed_endpoints"] = r["allowed_endpoints"]?.DeepClone() });
            }
        }

        admin.Remove("personas");
        admin.Remove("roles");
        if (providers.Count == 0)
        {
            // Nobody was known, so nobody got in.
            admin["authorization_mode"] = "DenyAll";
            return;
        }

        SetAccess(admin, providers, acls);
    }

    private static void SetAccess(JsonObject admin, JsonArray providers, JsonArray acls)
    {
        admin["authentication"] = new JsonObject { ["bearer_jwt"] = new JsonObject { ["identity_providers"] = providers } };
        admin["authorization"] = new JsonObject { ["regex_acl"] = new JsonObject { ["acls"] = acls } };
    }

    private static void MapPlugins(JsonObject d, ConfigProblems problems)
    {
        foreach (JsonNode? node in d["plugins"] as JsonArray ?? [])
        {
            if (node is not JsonObject plugin)
            {
                continue;
            }

            // Up to 0.18 the key was "type"; "LocalFs" then meant folders of its own.
            if (plugin["name"] is JsonValue n && n.GetValueKind() == JsonValueKind.String && n.GetValue<string>() == "resource"
                && plugin.ContainsKey("type") && !plugin.ContainsKey("storage_backend_type"))
            {
                Warn(problems, "plugins.type", "is called storage_backend_type now");
                Move(plugin, "type", plugin, "storage_backend_type");
            }
        }
    }

    private static void Move(JsonObject from, string key, JsonObject to, string name)
    {
        if (from.TryGetPropertyValue(key, out JsonNode? value) && value is not null)
        {
            from.Remove(key);
            to[name] = value;
        }
    }

    private static void Warn(ConfigProblems problems, string path, string what) => problems.Warn(path, what, "the current form");
}
