// SPDX-License-Identifier: Apache-2.0
using Coco.Rego.Builtins.Time;

namespace Coco.Rego.Tests.Builtins;

public sealed class TimeTests
{
    [Theory]
    [InlineData("time.parse_ns", """["Monday, 02-Jan-06 15:04:05.000 MST", "Tuesday, 10-Nov-09 23:00:00.123 UTC"]""", "1257894000123000000")]
    [InlineData("time.parse_ns", """["UnixDate", "Tue Nov 10 23:00:00 UTC 2009"]""", "1257894000000000000")]
    [InlineData("time.parse_ns", """["3:04PM 2006 002", "11:00PM 2009 314"]""", "1257894000000000000")]
    [InlineData("time.parse_ns", """["2006-01-02", "2021-02-29"]""", "eval_builtin_error: parsing time \"2021-02-29\": day out of range")]
    [InlineData("time.parse_ns", """["2006-01-02", "2021-13-01"]""", "eval_builtin_error: parsing time \"2021-13-01\": month out of range")]
    [InlineData("time.parse_ns", """["2006-01-02", "2021-01-01x"]""", "eval_builtin_error: parsing time \"2021-01-01x\": extra text: \"x\"")]
    [InlineData("time.parse_rfc3339_ns", """["2009-11-10T23:00:00.5+01:00"]""", "1257890400500000000")]
    [InlineData("time.parse_rfc3339_ns", """["2009-11-10 23:00:00Z"]""", "eval_builtin_error: parsing time \"2009-11-10 23:00:00Z\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \" 23:00:00Z\" as \"T\"")]
    [InlineData("time.parse_duration_ns", """["-1h2m3.5s"]""", "-3723500000000")]
    [InlineData("time.parse_duration_ns", """["1.5"]""", "eval_builtin_error: time: missing unit in duration \"1.5\"")]
    [InlineData("time.parse_duration_ns", """["10000000h"]""", "eval_builtin_error: time: invalid duration \"10000000h\"")]
    [InlineData("time.format", "[1257894000123000000]", "\"2009-11-10T23:00:00.123Z\"")]
    [InlineData("time.format", """[[1257894000000000000, "UTC", "Mon, _2 Jan 06 03:04:05.000 PM -0700 MST"]]""", "\"Tue, 10 Nov 09 11:00:00.000 PM +0000 UTC\"")]
    [InlineData("time.format", """[[0, "", "RFC1123Z"]]""", "\"Thu, 01 Jan 1970 00:00:00 +0000\"")]
    [InlineData("time.date", "[-1]", "[1969, 12, 31]")]
    [InlineData("time.clock", "[-1]", "[23, 59, 59]")]
    [InlineData("time.date", "[-9223372036854775808]", "[1677, 9, 21]")]
    [InlineData("time.clock", "[1.5]", "eval_builtin_error: timestamp too big")]
    [InlineData("time.weekday", """[[0, "Nowhere/Town"]]""", "eval_builtin_error: unknown time zone Nowhere/Town")]
    [InlineData("time.weekday", """[[0, "../../etc/passwd"]]""", "eval_builtin_error: unknown time zone ../../etc/passwd")]
    [InlineData("time.add_date", "[1580428800000000000, 0, 1, 0]", "1583107200000000000")]
    [InlineData("time.diff", "[1583020800000000000, 1580428800000000000]", "[0, 1, 1, 0, 0, 0]")]
    public void Function_Time_GivesResult(string name, string arguments, string expected)
    {
        Assert.Equal(expected, BuiltinCall.ShowJson(name, arguments));
    }

    [Fact]
    public void PosixZoneRule_NewYork_KnowsDaylightTime()
    {
        var rule = PosixZoneRule.TryParse("EST5EDT,M3.2.0,M11.1.0")!;
        Assert.Equal((-14_400, "EDT"), rule.At(4_086_460_800));
        Assert.Equal((-18_000, "EST"), rule.At(4_070_908_800));
    }

    [Fact]
    public void TimeZoneData_OfficialFile_AgreesWithPlatform()
    {
        if (TimeZoneData.Find("Europe/Berlin") is not { } zone)
        {
            Assert.Skip("this machine has no zone files");
            return;
        }

        var platform = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
        for (var seconds = 0L; seconds < 4_102_444_800; seconds += 86_400 * 13)
        {
            var expected = platform.GetUtcOffset(DateTimeOffset.FromUnixTimeSeconds(seconds));
            Assert.Equal((int)expected.TotalSeconds, zone.At(seconds).Offset);
        }
    }
}
