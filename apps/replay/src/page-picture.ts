/** A page as a picture, made by a Chromium that comes from npm: nothing is downloaded, and the page asks nobody. */
import { ReplayError } from './replay-error.ts';

/** Of the page, in CSS pixels; the picture has twice as many, for screens that show them. */
const WIDTH = 1_080;
const SCALE = 2;

/** Both are optional where the command is installed alone: only pictures need them. */
const loadBrowser = async () => {
  try {
    const [{ default: chromium }, { chromium: playwright }] = await Promise.all([
      import('@sparticuz/chromium'),
      import('playwright-core'),
    ]);
    return { chromium, playwright };
  } catch (error) {
    const because = 'a picture needs the packages @sparticuz/chromium and playwright-core: install them beside this one';
    throw new ReplayError(because, { cause: error });
  }
};

/** PNG of the whole page. Throws {@link ReplayError} where no browser can be started. */
export const pagePicture = async (html: string): Promise<Buffer> => {
  const { chromium, playwright } = await loadBrowser();
  const browser = await playwright
    .launch({ executablePath: await chromium.executablePath(), args: chromium.args, headless: true })
    .catch((error: unknown) => {
      throw new ReplayError(`the browser for pictures cannot be started: ${(error as Error).message}`, { cause: error });
    });
  try {
    const page = await browser.newPage({ viewport: { width: WIDTH, height: 800 }, deviceScaleFactor: SCALE, javaScriptEnabled: false });
    await page.setContent(html);
    return await page.screenshot({ fullPage: true, type: 'png' });
  } finally {
    await browser.close();
  }
};
