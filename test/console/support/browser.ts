/** Debian's Chromium, watched: requests to other origins, refusals of the Content-Security-Policy, and errors fail a test. */
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { requirePeer } from '../../interop/peers.ts';

export type Scheme = 'light' | 'dark';

export interface WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** @throws when a request left the origin, the policy refused something, or a script failed. */
  readonly expectClean: () => void;
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: requirePeer('chromium'),
    // Chromium's sandbox does not run as root, and the pages are ours.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
}

interface Options {
  readonly origin: string;
  readonly scheme?: Scheme;
  readonly width?: number;
  readonly height?: number;
  /** Other origins that the browser may be sent to. */
  readonly visits?: readonly string[];
}

/** A page in a browser context of its own, so that nothing is stored between tests. */
export async function openPage(browser: Browser, options: Options): Promise<WatchedPage> {
  const { origin, scheme = 'light', width = 1280, height = 800, visits = [] } = options;
  const context = await browser.newContext({
    baseURL: origin,
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  context.setDefaultTimeout(60_000);
  const faults: string[] = [];
  const page = await context.newPage();
  await page.addInitScript(`
    document.addEventListener('securitypolicyviolation', (event) =>
      console.error('CSP ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sourceFile));
  `);
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (request.isNavigationRequest() && visits.includes(url.origin)) return;
    if (url.protocol.startsWith('http') && url.origin !== origin) faults.push(`request to ${request.url()}`);
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    if (text.startsWith('CSP ') || text.includes('Content Security Policy')) faults.push(text);
  });
  return { page, context, expectClean: () => expect(faults).toEqual([]) };
}
