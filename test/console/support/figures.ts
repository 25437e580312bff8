import type { Page } from 'playwright-core';

export interface FirstLoad {
  /** Bytes over the line, with headers, of all but the API. */
  readonly bytes: number;
  readonly files: number;
  /** From the begin of the navigation to the first content, in milliseconds. */
  readonly paintedMs: number;
  /** To the first idle moment after the content that the caller has waited for. */
  readonly interactiveMs: number;
}

/** What the page that is open has cost. Call it once its content is shown. */
export function measureFirstLoad(page: Page): Promise<FirstLoad> {
  return page.evaluate<FirstLoad>(`new Promise((resolve) => requestIdleCallback(() => {
    const entries = ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type));
    const loaded = entries.filter(({ name }) => !/\\/(graphql|session)/.test(new URL(name).pathname));
    resolve({
      bytes: loaded.reduce((sum, { transferSize }) => sum + transferSize, 0),
      files: loaded.length,
      paintedMs: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
      interactiveMs: performance.now(),
    });
  }))`);
}

export interface Scroll {
  readonly frames: number;
  readonly longestMs: number;
  readonly overBudget: number;
  readonly seconds: number;
}

/**
 * Scrolls a list to its end, a step each frame, while its pages load.
 * @param name Of the region that scrolls, and of its table.
 * @param rows That the list has once all of it is loaded.
 */
export function scrollList(
  page: Page,
  { name, rows, budgetMs }: { readonly name: string; readonly rows: number; readonly budgetMs: number },
): Promise<Scroll> {
  const given = JSON.stringify({ name, rows, budgetMs });
  return page.evaluate<Scroll>(`new Promise((resolve) => {
    const { name, rows, budgetMs } = ${given};
    const region = document.querySelector('[role=region][aria-label="' + name + '"]');
    const table = region.querySelector('[role=table]');
    const begun = performance.now();
    const frames = [];
    let last = begun;
    const step = (now) => {
      frames.push(now - last);
      last = now;
      region.scrollBy(0, 1_500);
      const isWhole = Number(table.getAttribute('aria-rowcount')) > rows;
      const isAtEnd = region.scrollTop + region.clientHeight >= region.scrollHeight - 2;
      if (!isWhole || !isAtEnd) return requestAnimationFrame(step);
      resolve({
        frames: frames.length,
        longestMs: Math.max(...frames),
        overBudget: frames.filter((ms) => ms > budgetMs).length,
        seconds: (performance.now() - begun) / 1_000,
      });
    };
    requestAnimationFrame(step);
  })`);
}
