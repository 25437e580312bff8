/** What the web console costs in a browser: its first load, and a list of 100,000 tags that is scrolled to its end. */
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import { launchBrowser } from '../../test/console/support/browser.ts';
import { measureFirstLoad, scrollList } from '../../test/console/support/figures.ts';
import type { FirstLoad, Scroll } from '../../test/console/support/figures.ts';
import type { Bench } from '../bench.ts';
import type { Findings } from '../report.ts';
import { median, spread } from '../statistics.ts';
import { createMirror, timeSync } from '../sync.ts';
import { newDataFolder, removeFolder, startTidemark } from '../tidemark.ts';
import { buildTags } from './growth.ts';

const tags = 100_000;
const goal = { frameMs: 100, bytes: 300_000 };
const name = 'many';

export async function runConsoleRow(bench: Bench): Promise<Findings> {
  if (!bench.wants('console')) return { sections: [], goals: [] };
  const dataDir = await newDataFolder();
  const tidemark = await startTidemark(dataDir);
  const upstream = await startSampleUpstream({ repositories: new Map([[name, buildTags(tags)]]) });
  try {
    const mirror = await createMirror(tidemark, { name, url: upstream.url, upstreamName: name });
    const { seconds } = await timeSync(tidemark, mirror);
    bench.log(`console: ${tags} tags are synced, ${seconds.toFixed(0)} s`);
    const loads: FirstLoad[] = [];
    for (let round = 1; round <= bench.rounds; round += 1) loads.push(await load(tidemark.apiUrl));
    const scroll = await scrollTags(tidemark.apiUrl);
    bench.log(`console: ${scroll.frames} frames, the longest ${scroll.longestMs.toFixed(0)} ms`);
    return report(loads, scroll);
  } finally {
    await upstream.close();
    await tidemark.stop();
    await removeFolder(dataDir);
  }
}

/** In a browser of its own: nothing is cached. */
async function load(apiUrl: string): Promise<FirstLoad> {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(apiUrl);
    await page.getByRole('region', { name: 'Figures' }).waitFor();
    return await measureFirstLoad(page);
  } finally {
    await browser.close();
  }
}

async function scrollTags(apiUrl: string): Promise<Scroll> {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(`${apiUrl}/repositories/${name}?tab=tags`);
    await page.getByRole('table', { name: 'Tags' }).waitFor();
    return await scrollList(page, { name: 'Tags', rows: tags, budgetMs: goal.frameMs });
  } finally {
    await browser.close();
  }
}

function report(loads: readonly FirstLoad[], scroll: Scroll): Findings {
  const bytes = Math.max(...loads.map((each) => each.bytes));
  const milliseconds = (pick: (each: FirstLoad) => number) => spread(loads.map(pick), 0);
  return {
    sections: [
      {
        title: 'Console',
        text: 'In Debian’s Chromium, headless, on the same machine.',
        columns: ['', 'measured'],
        rows: [
          ['first load, kB over the line', (bytes / 1_000).toFixed(0)],
          ['files', String(loads[0]?.files ?? 0)],
          ['first content, ms', milliseconds(({ paintedMs }) => paintedMs)],
          ['figures shown and the page idle, ms', milliseconds(({ interactiveMs }) => interactiveMs)],
          [`${tags.toLocaleString('en')} tags scrolled to the end, s`, scroll.seconds.toFixed(1)],
          ['frames', scroll.frames.toLocaleString('en')],
          ['the longest, ms', scroll.longestMs.toFixed(0)],
          [`frames over ${goal.frameMs} ms`, String(scroll.overBudget)],
        ],
        notes: ['The list loads 100 tags a request while it is scrolled.'],
      },
    ],
    goals: [
      {
        work: 'first load of the console',
        goal: `≤ ${goal.bytes / 1_000} kB`,
        measured: `${(bytes / 1_000).toFixed(0)} kB, idle after ${median(loads.map(({ interactiveMs }) => interactiveMs)).toFixed(0)} ms`,
        isMet: bytes <= goal.bytes,
      },
      {
        work: 'longest frame while 100,000 tags are scrolled',
        goal: `≤ ${goal.frameMs} ms`,
        measured: `${scroll.longestMs.toFixed(0)} ms`,
        isMet: scroll.longestMs <= goal.frameMs,
      },
    ],
  };
}
