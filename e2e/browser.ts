/** A real Chromium that ships inside an npm package; nothing is downloaded and nothing leaves this machine. */
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as playwright } from 'playwright-core';

/**
 * The package is made for one page in a small container: one process for everything, and no origin kept from another.
 * Here many pages are open at once, each as isolated as at home.
 */
const NOT_OURS = /^--(?:single-process|no-zygote|disable-web-security|allow-running-insecure-content|disable-site-isolation-trials)$/;

export const launchBrowser = async (): Promise<Browser> =>
  playwright.launch({
    executablePath: await chromium.executablePath(),
    args: [...chromium.args.filter((arg) => !NOT_OURS.test(arg)), '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'],
    headless: true,
  });
