// SPDX-License-Identifier: Apache-2.0
namespace Coco.Rego.Tests.Builtins;

public sealed class GraphQlTests
{
    private const string Schema = """
        interface Animal { name: String! }
        type Dog implements Animal { name: String! barks(loud: Boolean = false): Int owner: Person }
        type Cat implements Animal { name: String! lives: Int }
        type Person { id: ID! pets(first: Int!): [Animal!]! }
        union Pet = Dog | Cat
        enum Size { SMALL BIG }
        input Filter { size: Size! name: String }
        type Query { person(id: ID!): Person pet(filter: Filter): Pet animal: Animal }
        type Subscription { added: Dog removed: Dog }
        """;

    [Theory]
    [InlineData("{ person(id: 1) { id pets(first: 2) { name ... on Dog { barks } } } }")]
    [InlineData("query Q($s: Size!) { pet(filter: {size: $s}) { __typename ... on Cat { lives } } }")]
    [InlineData("query Q($loud: Boolean! = true) { animal { ... on Dog { barks(loud: $loud) } } }")]
    [InlineData("{ animal { ...F @include(if: true) } } fragment F on Animal { name }")]
    [InlineData("{ a: animal { name } b: animal { name } }")]
    [InlineData("{ pet { ... on Dog { x: barks } ... on Cat { x: lives } } }")]
    [InlineData("{ __schema { types { name } } __type(name: \"Dog\") { kind } }")]
    public void IsValid_GoodQuery_IsTrue(string query)
    {
        Assert.Equal("true", BuiltinCall.Show("graphql.is_valid", query, Schema));
    }

    [Theory]
    [InlineData("{ nothing }")]
    [InlineData("{ person { id } }")]
    [InlineData("{ person(id: 1) }")]
    [InlineData("{ animal { name { x } } }")]
    [InlineData("{ person(id: 1, id: 2) { id } }")]
    [InlineData("{ person(id: 1, other: 2) { id } }")]
    [InlineData("{ person(id: 1.5) { id } }")]
    [InlineData("{ pet(filter: {name: \"x\"}) { __typename } }")]
    [InlineData("{ pet(filter: {size: HUGE}) { __typename } }")]
    [InlineData("{ pet(filter: {size: BIG, other: 1}) { __typename } }")]
    [InlineData("{ pet { name } }")]
    [InlineData("{ animal { ... on Person { id } } }")]
    [InlineData("{ animal { ...F } } fragment F on Animal { ...F }")]
    [InlineData("{ animal { name } } fragment F on Animal { name }")]
    [InlineData("{ animal { ...F } }")]
    [InlineData("query Q($x: Int) { animal { name } }")]
    [InlineData("{ person(id: $x) { id } }")]
    [InlineData("query Q($x: Int) { person(id: $x) { id } }")]
    [InlineData("query Q($x: Dog) { animal { name } }")]
    [InlineData("{ animal { name } } query Q { animal { name } }")]
    [InlineData("mutation { x }")]
    [InlineData("{ animal @nothing { name } }")]
    [InlineData("{ animal @deprecated { name } }")]
    [InlineData("{ x: animal { name } x: person(id: 1) { id } }")]
    [InlineData("{ pet { ... on Dog { x: name } ... on Cat { x: lives } } }")]
    [InlineData("subscription { added { name } removed { name } }")]
    public void IsValid_BadQuery_IsFalse(string query)
    {
        Assert.Equal("false", BuiltinCall.Show("graphql.is_valid", query, Schema));
    }

    [Theory]
    [InlineData("type A { x: Nothing }")]
    [InlineData("type A { x: Int x: Int }")]
    [InlineData("type A { x: Int } type A { y: Int }")]
    [InlineData("type A { __x: Int }")]
    [InlineData("input I { x: A } type A { x: Int }")]
    [InlineData("type A { x(i: A): Int }")]
    [InlineData("interface I { x: Int } type A implements I { y: Int }")]
    [InlineData("interface I { x: Int! } type A implements I { x: Int }")]
    [InlineData("enum E { A A }")]
    [InlineData("enum E { true }")]
    [InlineData("union U = Int")]
    [InlineData("schema { query: A } scalar B")]
    [InlineData("type A @nothing { x: Int }")]
    public void SchemaIsValid_BadSchema_IsFalse(string schema)
    {
        Assert.Equal("false", BuiltinCall.Show("graphql.schema_is_valid", schema));
    }

    [Theory]
    [InlineData("{ f(s: \"a\\u0041\", n: -1.5e3, l: [1, null]) }")]
    [InlineData("query Q($a: [Int!]! = [1]) { f }")]
    public void ParseQuery_Values_AreKept(string query)
    {
        Assert.StartsWith("{\"Operations\": [{", BuiltinCall.Show("graphql.parse_query", query), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ f(a: 01) }")]
    [InlineData("{ f(a: \"x) }")]
    [InlineData("{ }")]
    [InlineData("query ($a: Int = $b) { f }")]
    public void ParseQuery_Malformed_IsAnErrorWithItsPlace(string query)
    {
        Assert.Matches("^eval_builtin_error: .* in GraphQL string at location [0-9]+:[0-9]+$", BuiltinCall.Show("graphql.parse_query", query));
    }

    [Fact]
    public void ParseQuery_DeepNesting_IsRefused()
    {
        var query = string.Concat(Enumerable.Repeat("{a", 100_000));
        Assert.Contains("nests too deeply", BuiltinCall.Show("graphql.parse_query", query), StringComparison.Ordinal);
    }

    [Fact]
    public void IsValid_FragmentsThatMultiply_EndsWithLimit()
    {
        var fragments = string.Concat(Enumerable.Range(0, 40).Select(static i => $"fragment F{i} on Animal {{ ...F{i + 1} ...F{i + 1} }} "));
        var query = "{ animal { ...F0 } } " + fragments + "fragment F40 on Animal { name }";
        Assert.Throws<RegoLimitException>(() => BuiltinCall.Show("graphql.is_valid", query, Schema));
    }
}
