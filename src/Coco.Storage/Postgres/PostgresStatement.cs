// SPDX-License-Identifier: Apache-2.0
using Npgsql;
using NpgsqlTypes;

namespace Coco.Storage;

/// <summary>One statement that does what several callers want of one namespace.</summary>
internal abstract class PostgresStatement
{
    /// <summary>The statement with its parameters, for values as they are at an instant (UTC).</summary>
    public abstract NpgsqlBatchCommand Command(DateTime now);

    /// <summary>Reads the result, and keeps for each call its own.</summary>
    public abstract Task ReadAsync(NpgsqlDataReader reader, CancellationToken ct);

    /// <summary>The statements for some calls. Rows are locked in one order everywhere, so that no two transactions wait for each other.</summary>
    public static List<PostgresStatement> For(List<PostgresCall> calls)
    {
        // Stable, so that of two writes of one key the earlier wins.
        PostgresCall[] ordered = [.. calls.OrderBy(static c => c, Order)];
        var statements = new List<PostgresStatement>();
        for (int from = 0, to; from < ordered.Length; from = to)
        {
            PostgresCall first = ordered[from];
            to = from + 1;
            while (to < ordered.Length && ordered[to].Writes == first.Writes && ordered[to].Namespace == first.Namespace)
            {
                to++;
            }

            ReadOnlySpan<PostgresCall> together = ordered.AsSpan(from..to);
            statements.Add(first.Writes ? new Adds(first.Namespace, Of<PostgresAdd>(together)) : new Gets(first.Namespace, Of<PostgresGet>(together)));
        }

        return statements;
    }

    private static readonly Comparer<PostgresCall> Order = Comparer<PostgresCall>.Create(static (a, b) =>
        a.Writes != b.Writes ? b.Writes.CompareTo(a.Writes)
        : string.CompareOrdinal(a.Namespace, b.Namespace) is not 0 and int byNamespace ? byNamespace
        : string.CompareOrdinal(a.Key, b.Key));

    private static T[] Of<T>(ReadOnlySpan<PostgresCall> calls)
        where T : PostgresCall
    {
        var typed = new T[calls.Length];
        for (int i = 0; i < typed.Length; i++)
        {
            typed[i] = (T)calls[i];
        }

        return typed;
    }

    private sealed class Gets(string ns, PostgresGet[] calls) : PostgresStatement
    {
        private DateTimeOffset _now;

        public override NpgsqlBatchCommand Command(DateTime now)
        {
            // Written so that whatever the server believes of the table, it has no other way than to look up each key in the primary key's index.
            // What is over its time is left out by us: a condition for it would lead to the index of expiries.
            _now = new DateTimeOffset(now, TimeSpan.Zero);
            var command = new NpgsqlBatchCommand("select v.* from unnest($2) as k (key) cross join lateral (select value, version, expires_at, key from coco_kv where namespace = $1 and key = k.key limit 1) v");
            PostgresStore.Add(command.Parameters, ns);
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = Array.ConvertAll(calls, static c => c.Key) });
            return command;
        }

        public override async Task ReadAsync(NpgsqlDataReader reader, CancellationToken ct)
        {
            // What an attempt that failed had kept is not so any more.
            Array.ForEach(calls, static c => c.Kept = null);
            while (await PostgresStore.ReadRowAsync(reader, ct).ConfigureAwait(false) is { } row)
            {
                string key = reader.GetString(3);
                foreach (PostgresGet call in calls)
                {
                    if (call.Key == key && !(row.ExpiresAt <= _now))
                    {
                        call.Kept = row;
                    }
                }
            }
        }
    }

    private sealed class Adds : PostgresStatement
    {
        private readonly string _namespace;
        private readonly PostgresAdd[] _calls;

        /// <summary>Takes calls in the order of their keys. A statement cannot write one row twice: of one key the first counts.</summary>
        public Adds(string ns, PostgresAdd[] calls)
        {
            _namespace = ns;
            _calls = [.. calls.Where((c, i) => i == 0 || calls[i - 1].Key != c.Key)];
        }

        public override NpgsqlBatchCommand Command(DateTime now)
        {
            // The transaction's commit does not wait for the disk.
            var command = new NpgsqlBatchCommand(
                $"with w as ({PostgresStore.Insert} select $1, r.key, r.value, nextval('coco_version'), r.expires_at from unnest($2, $3, $4) as r (key, value, expires_at){PostgresStore.IfAbsent}$5 returning key) select set_config('synchronous_commit', 'off', true), array(select key from w)");
            PostgresStore.Add(command.Parameters, _namespace);
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = Array.ConvertAll(_calls, static c => c.Key) });
            command.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = Array.ConvertAll(_calls, static c => c.Value), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
            command.Parameters.Add(new NpgsqlParameter<DateTime?[]> { TypedValue = Array.ConvertAll(_calls, static c => c.ExpiresAt), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });
            PostgresStore.Add(command.Parameters, now);
            return command;
        }

        public override async Task ReadAsync(NpgsqlDataReader reader, CancellationToken ct)
        {
            await reader.ReadAsync(ct).ConfigureAwait(false);
            string[] written = await reader.GetFieldValueAsync<string[]>(1, ct).ConfigureAwait(false);
            foreach (PostgresAdd call in _calls)
            {
                call.Kept = Array.IndexOf(written, call.Key) >= 0;
            }
        }
    }
}
