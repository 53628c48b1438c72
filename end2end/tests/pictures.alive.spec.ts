// The pictures of a comparison as files: complete, named, and with what tells their colours apart.
import { readFileSync } from 'node:fs';
import { expect, mark, open, stayed, test } from './support';

const MODELS = ['detector-medium 2', 'detector-medium 3', 'detector-transformer 1'];

for (const [n, file] of [[0, 'models_scatter'], [1, 'models_parallel']] as const) {
  test(`picture ${n + 1} of a comparison is taken along as SVG and PNG, with its legend`, async ({ page }) => {
    // Everywhere: at the same places a model that shares no zone with the baseline has no line.
    await open(page, '/compare?models=yolov10m:1.1.0,yolov10m:1.2.0,rtdetr-r50:1.0.0&places=all&from=now-30d&refresh=off');
    await mark(page);
    const figure = page.getByRole('figure').nth(n);
    const [svg] = await Promise.all([page.waitForEvent('download'), figure.getByRole('link', { name: 'SVG' }).click()]);
    const text = readFileSync((await svg.path())!).toString();
    expect(text).toMatch(/^<svg[^>]+xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(text).toMatch(/stroke[:=]"?#[0-9a-f]{6}/);
    for (const model of MODELS) expect(text, 'the legend').toContain(model);
    const [png] = await Promise.all([page.waitForEvent('download'), figure.getByRole('button', { name: 'PNG' }).click()]);
    expect(png.suggestedFilename()).toBe(`${file}.png`);
    const bytes = readFileSync((await png.path())!);
    expect(bytes.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
    expect(bytes.readUInt32BE(16)).toBeGreaterThan(900);
    expect(bytes.length).toBeGreaterThan(8_000);
    await stayed(page);
  });
}
