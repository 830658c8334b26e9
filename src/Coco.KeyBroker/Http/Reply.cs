// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Coco.KeyBroker;

/// <summary>Writes answers: always with a length, always in one piece.</summary>
internal static class Reply
{
    public const string Json = "application/json";

    /// <summary>What the reference sends for answers that are not encrypted (kbs.md 3.2).</summary>
    public const string Raw = "text/xml";

    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? t_buffer;

    public static Task EmptyAsync(HttpContext context, int status, string? contentType = null)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    public static Task TextAsync(HttpContext context, int status, string text) => BytesAsync(context, status, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(text));

    /// <summary>Copies the bytes into the response before it returns its task, so the caller may reuse or zero them at once.</summary>
    public static Task BytesAsync(HttpContext context, int status, string? contentType, ReadOnlySpan<byte> bytes)
    {
        HttpResponse response = context.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = bytes.Length;
        response.BodyWriter.Write(bytes);
        return bytes.IsEmpty ? Task.CompletedTask : FlushAsync(context);
    }

    /// <summary>JSON that <paramref name="write"/> writes into a buffer of this thread.</summary>
    public static Task JsonAsync<TState>(HttpContext context, int status, TState state, Action<Utf8JsonWriter, TState> write)
    {
        ArrayBufferWriter<byte> buffer = t_buffer ??= new ArrayBufferWriter<byte>(4096);
        buffer.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(buffer, Relaxed))
        {
            write(json, state);
        }

        Task done = BytesAsync(context, status, Json, buffer.WrittenSpan);
        if (buffer.Capacity > 1 << 20)
        {
            t_buffer = null;
        }

        return done;
    }

    /// <summary>The two members of the protocol's error, and the request's id in a header, by which the log names the cause.</summary>
    public static Task ErrorAsync(HttpContext context, KbsError error)
    {
        context.Response.Headers["X-Request-Id"] = RequestId(context);
        return JsonAsync(context, error.Status, error, static (json, e) =>
        {
            json.WriteStartObject();
            json.WriteString("type"u8, KbsError.TypePrefix + e.Type);
            json.WriteString("detail"u8, e.Detail);
            json.WriteEndObject();
        });
    }

    /// <summary>The session's cookie. Its expiry is that of the session and does not move.</summary>
    public static void SetSessionCookie(HttpContext context, string cookie, DateTimeOffset expiresAt) =>
        context.Response.Headers.SetCookie = string.Concat(
            SessionCookie.Name,
            "=",
            cookie,
            "; Expires=" + expiresAt.ToString("r", CultureInfo.InvariantCulture) + (context.Request.IsHttps ? "; HttpOnly; Secure" : "; HttpOnly"));

    public static string RequestId(HttpContext context) =>
        System.Diagnostics.Activity.Current is { IdFormat: System.Diagnostics.ActivityIdFormat.W3C } activity ? activity.TraceId.ToHexString() : context.TraceIdentifier;

    private static async Task FlushAsync(HttpContext context) => await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
}
