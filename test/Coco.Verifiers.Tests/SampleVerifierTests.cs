// SPDX-License-Identifier: Apache-2.0
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coco.Protocol;
using Coco.Verifiers.Sample;

namespace Coco.Verifiers.Tests;

public sealed class SampleVerifierTests
{
    private static readonly byte[] Nonce = [1, 2, 3, 4];

    [Fact]
    public async Task Sample_Genuine_GivesClaims()
    {
        Result<ImmutableArray<VerifiedClaims>> result = await VerifyAsync(new SampleVerifier(), """{"svn":"7","report_data":"AQIDBA=="}""", Binding.ToRaw(Nonce), Binding.ToDigest(new byte[] { 5, 6 }));

        VerifiedClaims claims = Assert.Single(result.Require());
        Assert.Equal("cpu", claims.TeeClass);
        JsonNode expected = JsonNode.Parse("""{"svn":"7","report_data":"AQIDBA==","launch_digest":"abcde","platform_version":{"major":1,"minor":4},"debug":false,"init_data":"BQY="}""")!;
        Assert.True(JsonNode.DeepEquals(expected, claims.Claims), claims.Claims.ToJsonString());
    }

    [Fact]
    public async Task Device_Genuine_GivesClaims()
    {
        Result<ImmutableArray<VerifiedClaims>> result = await VerifyAsync(new SampleDeviceVerifier(), """{"svn":"2","report_data":"AQIDBA=="}""", Binding.ToRaw(Nonce), Binding.NotChecked);

        VerifiedClaims claims = Assert.Single(result.Require());
        Assert.Equal("gpu", claims.TeeClass);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""{"svn":"2","report_data":"AQIDBA=="}"""), claims.Claims));
    }

    [Theory]
    [InlineData("""{"svn":"1","report_data":"AQIDBQ=="}""")]
    [InlineData("""{"svn":"1","report_data":"AQIDBAA="}""")]
    [InlineData("""{"svn":"1","report_data":"AQID"}""")]
    [InlineData("""{"svn":"1"}""")]
    public async Task Sample_OtherReportData_IsRefused(string json) =>
        Assert.Equal((RefusalCode.Mismatch, "sample.report-data"), CodeAndCheck(await VerifyAsync(new SampleVerifier(), json, Binding.ToRaw(Nonce), Binding.NotChecked)));

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"svn":1,"report_data":"AQIDBA=="}""")]
    [InlineData("""{"svn":"1","report_data":7}""")]
    [InlineData("""{"svn":"1","report_data":"AQID BA=="}""")]
    [InlineData("""{"svn":"1","report_data":"?"}""")]
    [InlineData("""{"svn":"\ud800","report_data":"AQIDBA=="}""")]
    public async Task Sample_Malformed_IsRefused(string json) =>
        Assert.Equal((RefusalCode.Malformed, "sample.format"), CodeAndCheck(await VerifyAsync(new SampleVerifier(), json, Binding.ToRaw(Nonce), Binding.NotChecked)));

    [Fact]
    public async Task Sample_BindingLeftUnset_IsRefused() =>
        Assert.Equal(
            (RefusalCode.Mismatch, "sample.report-data"),
            CodeAndCheck(await VerifyAsync(new SampleVerifier(), """{"svn":"7","report_data":"AQIDBA=="}""", default, Binding.NotChecked)));

    [Fact]
    public async Task Device_OtherReportData_IsRefused() =>
        Assert.Equal(
            (RefusalCode.Mismatch, "sampledevice.report-data"),
            CodeAndCheck(await VerifyAsync(new SampleDeviceVerifier(), """{"svn":"7","report_data":"AQIDBB=="}""".Replace("BB==", "BQ==", StringComparison.Ordinal), Binding.ToRaw(Nonce), Binding.NotChecked)));

    [Fact]
    public async Task Device_Malformed_IsRefused() =>
        Assert.Equal((RefusalCode.Malformed, "sampledevice.format"), CodeAndCheck(await VerifyAsync(new SampleDeviceVerifier(), "{}", Binding.ToRaw(Nonce), Binding.NotChecked)));

    private static (RefusalCode Code, string? Check) CodeAndCheck(Result<ImmutableArray<VerifiedClaims>> result) => (result.Refusal!.Code, result.Refusal.Check);

    private static async Task<Result<ImmutableArray<VerifiedClaims>>> VerifyAsync(IVerifier verifier, string json, Binding reportData, Binding initData)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return await verifier.VerifyAsync(new BoundEvidence(new Evidence(verifier.Tee, document.RootElement), reportData, initData), null, TestContext.Current.CancellationToken);
    }
}
