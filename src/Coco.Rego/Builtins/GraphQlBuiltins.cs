// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Builtins.GraphQl;
using Coco.Rego.Functions;
using static Coco.Rego.Builtins.Arg;

namespace Coco.Rego.Builtins;

/// <summary>GraphQL queries and schemas, as text or as the documents that these functions give.</summary>
internal static class GraphQlBuiltins
{
    internal static IEnumerable<Builtin> All() =>
    [
        new("graphql.parse_query", [Str], static (c, a) => Guard(c, a[0], null, static (c, q, _) => Query(c, q))),
        new("graphql.parse_schema", [Str], static (c, a) => Guard(c, a[0], null, static (c, s, _) => Schema(c, s))),
        new("graphql.parse", [Str | Obj, Str | Obj], static (c, a) => Guard(c, a[0], a[1], Parse)),
        new("graphql.parse_and_verify", [Str | Obj, Str | Obj], static (c, a) => ParseAndVerify(c, a[0], a[1])),
        new("graphql.is_valid", [Str | Obj, Str | Obj], static (c, a) => IsValid(c, a[0], a[1])),
        new("graphql.schema_is_valid", [Str | Obj], static (c, a) => SchemaIsValid(c, a[0])),
    ];

    private static RegoObject Query(BuiltinContext context, RegoValue query) =>
        query as RegoObject ?? GraphQlParser.ParseQuery(context, query.TextOf());

    private static RegoObject Schema(BuiltinContext context, RegoValue schema) =>
        schema as RegoObject ?? GraphQlParser.ParseSchema(context, schema.TextOf());

    private static RegoValue? Guard(
        BuiltinContext context, RegoValue first, RegoValue? second, Func<BuiltinContext, RegoValue, RegoValue?, RegoValue> work)
    {
        try
        {
            return work(context, first, second);
        }
        catch (GraphQlException e)
        {
            return context.Fail(e.Located);
        }
    }

    private static (RegoObject Query, RegoObject Schema) Verify(BuiltinContext context, RegoValue query, RegoValue schema)
    {
        var (queryDocument, schemaDocument) = (Query(context, query), Schema(context, schema));
        GraphQlValidation.Validate(context, GraphQlSchema.Load(context, schemaDocument), queryDocument);
        return (queryDocument, schemaDocument);
    }

    private static RegoValue Parse(BuiltinContext context, RegoValue query, RegoValue? schema)
    {
        var (queryDocument, schemaDocument) = Verify(context, query, schema!);
        return RegoArray.Of(queryDocument, schemaDocument);
    }

    private static RegoArray ParseAndVerify(BuiltinContext context, RegoValue query, RegoValue schema)
    {
        try
        {
            var (queryDocument, schemaDocument) = Verify(context, query, schema);
            return RegoArray.Of(true, queryDocument, schemaDocument);
        }
        catch (GraphQlException)
        {
            return RegoArray.Of(false, RegoObject.Empty, RegoObject.Empty);
        }
    }

    private static RegoBoolean IsValid(BuiltinContext context, RegoValue query, RegoValue schema)
    {
        try
        {
            Verify(context, query, schema);
            return RegoValue.True;
        }
        catch (GraphQlException)
        {
            return RegoValue.False;
        }
    }

    private static RegoBoolean SchemaIsValid(BuiltinContext context, RegoValue schema)
    {
        try
        {
            GraphQlSchema.Load(context, Schema(context, schema));
            return RegoValue.True;
        }
        catch (GraphQlException)
        {
            return RegoValue.False;
        }
    }
}
