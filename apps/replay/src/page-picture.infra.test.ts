/** Needs no broker, but a browser. */
import { expect, it } from '@jest/globals';
import { htmlPage } from './html-page.ts';
import { pagePicture } from './page-picture.ts';

/** Width and height stand in the first chunk of a PNG. */
const sizeOf = (png: Buffer): { width: number; height: number } => ({ width: png.readUInt32BE(16), height: png.readUInt32BE(20) });

it('draws the whole page, however long', async () => {
  const png = await pagePicture(htmlPage('A title', `<h1>Report</h1><div style="height: 2000px; background: #1f8a5b"></div>`));
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  const { width, height } = sizeOf(png);
  expect(width).toBe(2 * 1_080);
  expect(height).toBeGreaterThan(2 * 2_000);
}, 60_000);
